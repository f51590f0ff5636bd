import { expect, test } from 'vitest';
import { courier } from '../src/channels/courier/courier.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { type StandInReply, startStandIn } from './support/stand-ins/http-stand-in.ts';

/** Courier keeps each answer for 24 hours, and gives it to every request with the same key: failures, too. */

const ACCEPTED: StandInReply = { status: 202, body: { requestId: 'r-1' } };

/** Makes one attempt for each reply. Returns the keys that Courier saw. */
async function listKeys(replies: readonly StandInReply[]): Promise<readonly unknown[]> {
  const left = [...replies];
  const standIn = await startStandIn(() => left.shift() ?? ACCEPTED);
  const http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  const settings = courier.settings.parse({ auth_token: 'pk_test_x', base_url: standIn.url });
  const provider = await courier.open(settings, { http, clock: Date.now });
  for (let attempt = 1; attempt <= replies.length; attempt++) {
    await provider.send(outgoing({ idempotencyKey: 'n.email', attempt }), never());
  }
  await http.close();
  await standIn.stop();
  return standIn.requests.map(({ headers }) => headers['idempotency-key']);
}

test('an attempt whose answer was lost is repeated with the same key: Courier recognizes it', async () => {
  expect(await listKeys([{ instead: 'reset' }, { status: 429 }, { status: 409 }, ACCEPTED])).toEqual(
    Array.from({ length: 4 }, () => 'n.email'),
  );
});

test('after a failure of Courier the next attempt has another key, which is kept when its answer is lost', async () => {
  expect(await listKeys([{ status: 500 }, { instead: 'reset' }, { status: 503 }, ACCEPTED])).toEqual([
    'n.email',
    'n.email-2',
    'n.email-2',
    'n.email-4',
  ]);
});
