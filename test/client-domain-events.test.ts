import { expect, test } from 'vitest';
import { type DomainEvent, DomainEvents, OnEvent } from '../packages/client/src/marketplace.ts';

const created: DomainEvent = {
  eventType: 'order.created',
  aggregateId: 'order 1',
  data: { userId: 'u1', total: 49.9 },
  metadata: { correlationId: 'c1' },
};

type Sink = ConstructorParameters<typeof DomainEvents>[0];

function start(send: Sink['send'] = async () => ({ rejected: [] })) {
  const posted: unknown[] = [];
  const events = new DomainEvents({
    send: async (event) => {
      posted.push(event);
      return send(event);
    },
  });
  return { events, posted };
}

test('an event goes to Tidings, then to the handlers of its type, until they are removed', async () => {
  const { events, posted } = start();
  const handled: string[] = [];
  const remove = events.onEvent<{ userId: string }>('order.created', ({ data, metadata }) => {
    handled.push(`${data.userId} ${metadata.correlationId} ${posted.length}`);
  });
  events.onEvent('order.shipped', () => handled.push('shipped'));
  await events.publish(created);
  remove();
  await events.publish(created);
  expect(handled).toEqual(['u1 c1 1']);
  expect(posted).toEqual([created, created]);
});

test('a method marked with @OnEvent is called on its object', async () => {
  const { events } = start();
  class Orders {
    readonly seen: string[] = [];
    handleOrderCreated(event: DomainEvent) {
      this.seen.push(event.aggregateId);
    }
  }
  // Without the syntax of decorators, which Node does not run: the two ways in which compilers call them.
  OnEvent('order.created')(Orders.prototype, 'handleOrderCreated');
  const orders = new Orders();
  events.register(orders);
  await events.publish(created);
  expect(orders.seen).toEqual(['order 1']);

  const initializers: (() => void)[] = [];
  const context = { kind: 'method', name: 'handle', addInitializer: (run: () => void) => initializers.push(run) };
  const shipped = { seen: 0, handle: () => shipped.seen++ };
  OnEvent('order.shipped')(shipped.handle, context as unknown as ClassMethodDecoratorContext);
  for (const run of initializers) run.call(shipped);
  events.register(shipped);
  await events.publish({ ...created, eventType: 'order.shipped' });
  expect(shipped.seen).toBe(1);
});

test('an event that Tidings rejects, or that cannot be posted, reaches no handler', async () => {
  const rejection = { code: 'user_missing', path: 'data.userId', message: 'it names no user' };
  const sinks: Sink['send'][] = [
    () => Promise.reject(new Error('no network')),
    async () => ({ rejected: [rejection] }),
  ];
  const errors: unknown[] = [];
  let calls = 0;
  for (const send of sinks) {
    const { events } = start(send);
    events.onEvent('order.created', () => calls++);
    await events.publish(created).catch((error) => errors.push(error));
  }
  expect(errors).toMatchObject([{ message: 'no network' }, { ...rejection, name: 'EventRejectedError' }]);
  expect(calls).toBe(0);
});

test('a handler that fails does not keep the others from being called', async () => {
  const { events } = start();
  let calls = 0;
  events.onEvent('order.created', () => Promise.reject(new Error('no stock')));
  events.onEvent('order.created', () => calls++);
  const failed = events.publish(created);
  await expect(failed).rejects.toThrow('1 handlers of order.created failed');
  await expect(failed).rejects.toMatchObject({ errors: [new Error('no stock')] });
  expect(calls).toBe(1);
});
