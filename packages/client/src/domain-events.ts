import type { CallOptions } from './connection.ts';

/** A domain event, as services of a marketplace emit it. Tidings accepts it as it is; the catalog says what its fields mean. */
export interface DomainEvent<Data = Readonly<Record<string, unknown>>> {
  /** Such as `order.created`. */
  readonly eventType: string;
  /** The thing that it happened to, such as the order. */
  readonly aggregateId: string;
  readonly data: Data;
  readonly metadata: {
    readonly correlationId?: string;
    readonly causationId?: string;
    readonly [name: string]: unknown;
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a handler names the type of the data that its event has
type Handler = (event: DomainEvent<any>) => unknown;

interface Rejection {
  readonly code: string;
  /** Field of the event; empty: the event as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Posts events; `tidings.events` is one. */
interface EventSink {
  send(events: unknown, options?: CallOptions): Promise<{ readonly rejected: readonly Rejection[] }>;
}

/** Tidings rejected an event. It is kept there until it is corrected or dismissed. */
export class EventRejectedError extends Error {
  override readonly name = 'EventRejectedError';
  readonly code: string;
  readonly path: string;

  constructor({ code, path, message }: Rejection) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

/** Handlers of classes, by instance for standard decorators, and by prototype for those of `experimentalDecorators`. */
const decorated = new WeakMap<object, [eventType: string, method: string | symbol][]>();

/**
 * Marks a method as a handler of domain events, as in `@OnEvent('order.created')`. It is called once its object is given to
 * `DomainEvents.register`. Works with standard decorators and with those of `experimentalDecorators`.
 */
export function OnEvent(eventType: string) {
  return (
    target: object,
    where: ClassMethodDecoratorContext | string | symbol,
    _descriptor?: PropertyDescriptor,
  ): void => {
    if (typeof where !== 'object') remember(target, eventType, where);
    else {
      where.addInitializer(function (this: unknown) {
        remember(this as object, eventType, where.name);
      });
    }
  };
}

function remember(owner: object, eventType: string, method: string | symbol): void {
  decorated.set(owner, [...(decorated.get(owner) ?? []), [eventType, method]]);
}

/** Domain events of this process: each goes to Tidings, and then to the handlers of its type. */
export class DomainEvents {
  readonly #sink: EventSink;
  readonly #handlers = new Map<string, Set<Handler>>();

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  /** Adds a handler. Returns a function that removes it. */
  onEvent<Data = Readonly<Record<string, unknown>>>(
    eventType: string,
    handler: (event: DomainEvent<Data>) => unknown,
  ): () => void {
    const handlers = this.#handlers.get(eventType) ?? new Set();
    this.#handlers.set(eventType, handlers.add(handler));
    return () => void handlers.delete(handler);
  }

  /** Adds the methods of an object that `@OnEvent` marks, also those of the classes that it extends. */
  register(object: object): void {
    for (let owner: object | null = object; owner; owner = Object.getPrototypeOf(owner)) {
      for (const [eventType, method] of decorated.get(owner) ?? []) {
        const handler = (object as Record<string | symbol, Handler>)[method] as Handler;
        this.onEvent(eventType, (event) => handler.call(object, event));
      }
    }
  }

  /**
   * Posts an event to Tidings, then calls its handlers, one after the other.
   * @throws EventRejectedError if Tidings rejects it, TidingsApiError and TidingsConnectionError if it cannot be posted: no handler
   * is called then
   * @throws AggregateError with the errors of the handlers; each of them was called
   */
  async publish(event: DomainEvent, options?: CallOptions): Promise<void> {
    const { rejected } = await this.#sink.send(event, options);
    if (rejected[0]) throw new EventRejectedError(rejected[0]);
    const errors: unknown[] = [];
    for (const handler of [...(this.#handlers.get(event.eventType) ?? [])]) {
      try {
        await handler(event);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} handlers of ${event.eventType} failed`);
  }
}
