import { expect, test } from 'vitest';
import { batchesOf } from './support/batches.ts';
import { useNotifications } from './support/notifications.ts';

/** Users who were merged are one recipient, whichever of their ids a request or a batch names. */

const at = useNotifications();

async function merge() {
  const { user, server, tidings } = at();
  await user('old', { plan: 'pro' });
  await user('new', { email: 'maria@example.com', phone: '+351912345678' });
  expect((await server.post('/api/v1/users/old/merge', { into: 'new' })).status).toBe(200);
  tidings.clock.now += 1000;
}

const ordersOf = async () => {
  const { rows } = await at().tidings.database.pool.query('select user_id from notifications order by notification_id');
  return rows.map(({ user_id }) => user_id);
};

test('a direct send to both ids sends one message', async () => {
  await merge();
  const { body } = await at().send({
    recipients: [{ user_id: 'old' }, { user_id: 'new' }, { email: 'maria@example.com' }],
  });
  expect(body.accepted).toBe(1);
  expect(body.results).toMatchObject([
    { recipient: { user_id: 'old' }, user_id: 'new', state: 'accepted' },
    { recipient: { user_id: 'new' }, user_id: 'new', repeats: 0 },
    { user_id: 'new', repeats: 0 },
  ]);
  expect(await ordersOf()).toEqual(['new']);
});

test('a batch with both ids sends one message, and its estimate says so', async () => {
  const { create, add, command, results, ends } = batchesOf(at());
  const id = await create();
  await add(id, [{ user_id: 'old' }, { user_id: 'new' }, { email: 'maria@example.com' }]);
  await merge();
  const { body: estimate } = await at().server.get(`/api/v1/batches/${id}/estimate`);
  expect(estimate).toMatchObject({ pending: 3, reach: 1, duplicate: 2 });
  at().tidings.batches();
  await at().tidings.worker();
  await command(id, 'start');
  await ends(id);
  expect((await results(id)).map(({ user_id, state }) => [user_id, state])).toEqual([
    ['old', 'sent'],
    ['new', 'duplicate'],
    ['new', 'duplicate'],
  ]);
  expect(await ordersOf()).toEqual(['new']);
});
