import { jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { webPush } from '../src/channels/push/web-push.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';
import {
  acceptWebPush,
  decryptWebPush,
  importVapidKey,
  subscribe,
  VAPID_SETTINGS,
} from './support/stand-ins/web-push.ts';

const HOUR = 3_600_000;

let standIn: StandIn;
let now: number;
let http: GuardedClient;
let provider: Awaited<ReturnType<typeof webPush.open>>;

beforeEach(async () => {
  standIn = await startStandIn(acceptWebPush);
  now = Date.now();
  http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  provider = await webPush.open(VAPID_SETTINGS, { http, clock: () => now });
});
afterEach(async () => {
  await http.close();
  await standIn.stop();
});

const send = (more: Parameters<typeof outgoing>[0] = {}) =>
  provider.send(
    outgoing({ channel: 'push', target: subscribe(standIn.url), message: { title: 'Booked', text: 'At 9' }, ...more }),
    never(),
  );
const tokenOf = (index: number) =>
  /^vapid t=(\S+), k=/.exec(String(standIn.requests.at(index)?.headers.authorization))?.[1] ?? '';

describe('a message of Web Push', () => {
  test('can be read by the browser alone, with a tag that makes a repetition replace it', async () => {
    await send({
      message: {
        title: 'Booked',
        text: 'At 9',
        data: { booking: 7 },
        actions: [{ label: 'Open', url: 'https://x.test/' }],
      },
    });
    const { bytes, headers } = standIn.requests[0]!;
    expect(headers).toMatchObject({ 'content-encoding': 'aes128gcm', urgency: 'normal', ttl: '2419200' });
    expect(String(headers.topic)).toMatch(/^[\w-]{22}$/);
    expect(bytes.includes('At 9')).toBe(false);
    expect(JSON.parse(decryptWebPush(bytes))).toEqual({
      title: 'Booked',
      body: 'At 9',
      data: { booking: 7 },
      actions: [{ label: 'Open', url: 'https://x.test/' }],
      notification_id: 'n-1',
      tag: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test('has the time until it expires, and its urgency', async () => {
    await send({ expiresAt: now + 90_000, isUrgent: true });
    expect(standIn.requests[0]?.headers).toMatchObject({ ttl: '90', urgency: 'high' });
  });

  test('that is too large is rejected without a request; one that just fits is sent', async () => {
    expect(await send({ message: { text: 'x'.repeat(4000) } })).toMatchObject({ kind: 'rejected', code: '413' });
    expect(standIn.requests).toEqual([]);
    const rest = JSON.stringify({ body: '', notification_id: 'n-1', tag: 'x'.repeat(36) }).length;
    expect(await send({ message: { text: 'x'.repeat(3993 - rest) } })).toMatchObject({ kind: 'sent' });
    expect(standIn.requests[0]?.bytes.length).toBe(4096);
  });

  test('has the id of the push service, without the URL', async () => {
    expect(await send()).toEqual({ kind: 'sent', providerMessageId: 'qDIYHNcfAIPP_5ITvURr-d6BGt' });
  });
});

describe('the VAPID token', () => {
  test('is for the origin of the push service, and signed once for many messages', async () => {
    await send();
    await send();
    const { payload } = await jwtVerify(tokenOf(0), await importVapidKey());
    expect(payload).toMatchObject({ aud: standIn.url, sub: 'mailto:ops@example.com' });
    expect((payload.exp ?? 0) * 1000 - now).toBeLessThanOrEqual(24 * HOUR);
    expect(tokenOf(1)).toBe(tokenOf(0));
  });

  test('is renewed before it expires', async () => {
    await send();
    now += 11.5 * HOUR;
    await send();
    expect(tokenOf(1)).not.toBe(tokenOf(0));
  });

  test('is made anew when the clock was set back: it would be good for longer than push services accept', async () => {
    now += 10 * HOUR;
    await send();
    now -= 10 * HOUR;
    await send();
    expect(tokenOf(1)).not.toBe(tokenOf(0));
  });

  test('needs two keys of one pair', async () => {
    const other = { ...VAPID_SETTINGS, private_key: `${'A'.repeat(42)}E` };
    const open = async () => webPush.open(other, { http, clock: Date.now });
    await expect(open()).rejects.toThrow('private_key is not the key of public_key');
  });
});

describe('the subscription of a browser', () => {
  test.each([
    'https://169.254.169.254/latest',
    'https://[::ffff:10.0.0.1]/x',
    'http://push.example.com/x',
    'https://167772161/x',
    'https://localhost/x',
    'not a URL',
  ])('whose endpoint is %s is dead, and never called', async (endpoint) => {
    const target = { ...subscribe(standIn.url), endpoint };
    expect(await send({ target })).toMatchObject({ kind: 'address_dead', as: 'invalid', code: 'invalid_subscription' });
  });

  test.each([
    ['p256dh', 'AAAA'],
    ['p256dh', 'B'.repeat(87)],
    ['auth', 'short'],
  ])('whose %s is %s is dead, and never called', async (name, value) => {
    const target = { ...subscribe(standIn.url), [name]: value };
    expect(await send({ target })).toMatchObject({ kind: 'address_dead', as: 'invalid' });
    expect(standIn.requests).toEqual([]);
  });

  test('is no concern of others: too many messages to a push service pause its host only', async () => {
    standIn.reply({ status: 429, headers: { 'retry-after': '30' } });
    expect(await send()).toMatchObject({ kind: 'retry', of: 'domain', after: 30_000 });
  });
});
