import { expect, test } from 'vitest';
import { useReceipts } from './support/receipts.ts';

/** Lists of suppressions, as another provider exports them. */

const start = useReceipts();
const PATH = '/api/v1/suppressions/import';
const listOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ channel: 'email', address: `u${n}@example.com`, reason: 'hard_bounce' }));

test('1,000 suppressions are added with their reasons; again, they are known', async () => {
  const { server, send, suppressions } = await start();
  const answer = await server.post(PATH, { suppressions: listOf(1000) });
  expect(answer).toMatchObject({ status: 200, body: { added: 1000, known: 0 } });
  expect((await server.post(PATH, { suppressions: listOf(1000) })).body).toEqual({ added: 0, known: 1000 });
  expect((await suppressions())[0]).toMatchObject({ reason: 'hard_bounce', evidence: { source: 'import' } });
  await send('mail', 'dropped');
});

test('two spellings of one address in a list are one', async () => {
  const { server } = await start();
  const suppressions = ['a@example.com', 'A@Example.com'].map((address) => ({ channel: 'email', address }));
  expect((await server.post(PATH, { suppressions })).body).toEqual({ added: 1, known: 1 });
});

test.each([
  [listOf(1001), '/suppressions'],
  [[], '/suppressions'],
  [[...listOf(1), { channel: 'push', address: 'x@example.com' }], '/suppressions/1/channel'],
  [[...listOf(1), { ...listOf(1)[0], until: '2020-01-01T00:00:00Z' }], '/suppressions/1/until'],
  [[{ ...listOf(1)[0], reason: 'because' }], '/suppressions/0/reason'],
])('list %#: the place of the first mistake is named, and nothing is added', async (suppressions, pointer) => {
  const all = await start();
  const answer = await all.server.post(PATH, { suppressions });
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  expect(await all.suppressions()).toEqual([]);
});
