import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { webPush } from '../src/channels/push/web-push.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { type StandIn, type StandInReply, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { acceptWebPush, subscribe, VAPID_SETTINGS } from './support/stand-ins/web-push.ts';

/** The endpoint of a browser is a URL of its user: whatever it answers, no account stops. */

let standIn: StandIn;
let other: StandIn;
let http: GuardedClient;
let provider: Awaited<ReturnType<typeof webPush.open>>;

beforeEach(async () => {
  standIn = await startStandIn(acceptWebPush);
  other = await startStandIn(acceptWebPush);
  http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  provider = await webPush.open(VAPID_SETTINGS, { http, clock: Date.now });
});
afterEach(async () => {
  await http.close();
  await standIn.stop();
  await other.stop();
});

const send = (to = standIn, signal = never()) =>
  provider.send(outgoing({ channel: 'push', target: subscribe(to.url), message: { text: 'At 9' } }), signal);

describe('whatever the endpoint of one user answers, no account stops', () => {
  test.each([301, 302, 400, 401, 402, 403, 404, 405, 406, 407, 410, 418, 429, 500, 502, 503, 504])(
    'the status %i',
    async (status) => {
      for (const headers of [{}, { 'content-type': 'text/html' }]) {
        standIn.reply({ status, headers, body: '{}' });
        const outcome = await send();
        expect(outcome.kind).toMatch(/^(?:retry|rejected|address_dead|in_doubt)$/);
        if (outcome.kind === 'retry' || outcome.kind === 'in_doubt') expect(outcome.of).toBe('domain');
      }
    },
  );

  test('silence, a reset, and a server that is away', async () => {
    standIn.reply({ instead: 'hang' });
    expect(await send(standIn, AbortSignal.timeout(200))).toMatchObject({ kind: 'in_doubt', of: 'domain' });
    standIn.reply({ instead: 'reset' });
    expect(await send()).toMatchObject({ kind: 'in_doubt', of: 'domain' });
    await standIn.stop();
    // A connection that was kept may take the message; a new one cannot be made.
    expect(await send()).toMatchObject({ kind: expect.stringMatching(/^(?:retry|in_doubt)$/), of: 'domain' });
  });
});

describe('a subscription that was made with other VAPID keys', () => {
  const REJECTIONS: [string, StandInReply][] = [
    ['401', { status: 401, body: { errno: 109 } }],
    ['403', { status: 403, body: 'the key does not correspond' }],
    ['VapidPkHashMismatch', { status: 400, body: { reason: 'VapidPkHashMismatch' } }],
  ];

  test.each(REJECTIONS)('ends (%s), if its push service accepts our keys for another one', async (code, reply) => {
    expect(await send()).toMatchObject({ kind: 'sent' });
    standIn.reply(reply);
    expect(await send()).toMatchObject({ kind: 'address_dead', as: 'invalid', code });
  });

  test.each(REJECTIONS)('waits (%s), as long as its push service has accepted none', async (code, reply) => {
    expect(await send(other)).toMatchObject({ kind: 'sent' });
    standIn.reply(reply);
    expect(await send()).toMatchObject({ kind: 'retry', of: 'domain', code, fault: 'account' });
  });

  test('waits, if its push service rejects more than one in five', async () => {
    expect(await send()).toMatchObject({ kind: 'sent' });
    standIn.reply({ status: 403, body: 'no' });
    for (let n = 0; n < 18; n++) expect(await send()).toMatchObject({ kind: 'address_dead' });
    expect(await send()).toMatchObject({ kind: 'retry', of: 'domain', fault: 'account' });
  });

  test('does not end because of a page of a proxy', async () => {
    expect(await send()).toMatchObject({ kind: 'sent' });
    standIn.reply({ status: 403, headers: { 'content-type': 'text/html' }, body: '<html>no</html>' });
    expect(await send()).toMatchObject({ kind: 'retry', of: 'domain' });
  });
});
