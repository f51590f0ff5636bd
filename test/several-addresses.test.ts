import { expect, test } from 'vitest';
import { eventOf } from './support/deliveries.ts';
import { type ReceiptTidings, useReceipts } from './support/receipts.ts';

/** Messages to a user with several addresses go to the one that receives, and what is known of one says nothing of another. */

const start = useReceipts();
const PATH = '/api/v1/users/u1/addresses';

const add = async ({ server }: ReceiptTidings, address: string, primary: boolean, kind = 'email') =>
  (await server.post(PATH, { kind, address, primary })).body.address_id;
const receivers = ({ email }: ReceiptTidings) =>
  email.calls.map(({ target }) => ('address' in target ? target.address : target.kind));

test('a message goes to the address that is primary when it is sent, and to no other', async () => {
  const all = await start();
  await all.send('mail');
  await add(all, 'later@example.com', false);
  await all.send('mail');
  await add(all, 'now@example.com', true);
  await all.send('mail');
  expect(receivers(all)).toEqual(['u1@example.com', 'u1@example.com', 'now@example.com']);
});

test('a suppressed address stops messages while it is primary; another address of the user gets them', async () => {
  const all = await start();
  await all.send('mail');
  await all.server.post('/api/v1/suppressions', { channel: 'email', address: 'second@example.com' });
  const second = await add(all, 'second@example.com', true);
  await all.send('mail', 'dropped');
  await all.server.send('DELETE', `${PATH}/${second}`);
  await all.send('mail');
  expect(receivers(all)).toEqual(['u1@example.com', 'u1@example.com']);
});

test('an address that the provider calls dead is suppressed; the others are not', async () => {
  const all = await start({
    email: ({ target }) =>
      'address' in target && target.address.startsWith('dead')
        ? { kind: 'address_dead', as: 'invalid', code: '550', reason: 'no such user' }
        : { kind: 'sent' },
  });
  await all.send('mail');
  const dead = await add(all, 'dead@example.com', true);
  await all.send('mail', 'dead');
  expect(await all.suppressions()).toMatchObject([{ address: 'd…@example.com', reason: 'hard_bounce' }]);
  await all.send('mail', 'dropped');
  await all.server.send('DELETE', `${PATH}/${dead}`);
  await all.send('mail');
});

test('the first address of a kind that a request adds queues again what ended for want of it', async () => {
  const all = await start();
  const [result] = await all.tidings.ingest([eventOf('mail', { traits: {} })]);
  const id = `${result?.decisions[0]?.notification_id}.email`;
  await all.tidings.becomes(id, 'undeliverable');
  await add(all, 'first@example.com', false);
  await all.tidings.becomes(id, 'sent');
  expect(receivers(all)).toEqual(['first@example.com']);
});

test('a template reads the address of the traits, also where another one receives', async () => {
  const all = await start({ files: { 'templates/MAIL/email.en.txt': 'You signed up with {{user.email}}.' } });
  await all.send('mail');
  await add(all, 'other@example.com', true);
  await all.send('mail');
  expect(receivers(all)).toEqual(['u1@example.com', 'other@example.com']);
  expect(all.email.calls.map(({ message }) => message.text?.trim())).toEqual([
    'You signed up with u1@example.com.',
    'You signed up with u1@example.com.',
  ]);
});
