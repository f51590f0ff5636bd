import { expect, test } from 'vitest';
import { useReceipts } from './support/receipts.ts';

/** Suppressions that would be added, and stop nothing, are rejected with what would be right. */

const start = useReceipts();
const PATH = '/api/v1/suppressions';

test('a text that is no address is rejected, alone and in an import', async () => {
  const { server } = await start();
  for (const [channel, address] of [
    ['email', 'nobody'],
    ['email', 'two words@example.com'],
    ['sms', '77777'],
    ['sms', 'a@b.example'],
  ]) {
    const one = await server.post(PATH, { channel, address });
    expect([one.status, one.body.errors[0].pointer]).toEqual([400, '/address']);
    expect(one.body.detail).toContain('; write one ');
    expect(one.body.detail).not.toContain(address);
    const good = { channel: 'email', address: 'maria@example.com' };
    const many = await server.post(`${PATH}/import`, { suppressions: [good, { channel, address }] });
    expect([many.status, many.body.errors[0].pointer]).toEqual([400, '/suppressions/1/address']);
  }
  expect((await server.get(PATH)).body.suppressions).toEqual([]);
});

test('an address as events have it is accepted in each of its spellings', async () => {
  const { server } = await start();
  for (const address of ['+351 912 345 678', '00351912345678'])
    expect((await server.post(PATH, { channel: 'sms', address })).status).toBeLessThan(300);
  expect((await server.post(PATH, { channel: 'email', address: 'Zoë@bücher.example' })).status).toBe(201);
});

test('a scope that does not exist is answered with those that do', async () => {
  const { server } = await start();
  const { status, body } = await server.post(PATH, { channel: 'email', address: 'a@b.example', scope: 'category:FOO' });
  expect([status, body.errors[0].pointer]).toEqual([400, '/scope']);
  expect(body.detail).toContain('write all, category:CATEGORY (');
});
