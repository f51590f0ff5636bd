import { Resolver } from 'node:dns/promises';
import { createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openOwnProvider, openProvider } from '../src/accounts/open-account.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { sampleAccounts, withSetting } from './support/account-settings.ts';
import { outgoing } from './support/channel-contract.ts';
import { startStandIn } from './support/stand-ins/http-stand-in.ts';

/** The addresses that are connected to, whatever a name was when it was saved. Names are resolved by the table of the test. */

const names = new Map<string, string[]>();
const asked: string[] = [];
beforeEach(() => {
  vi.spyOn(Resolver.prototype, 'resolve4').mockImplementation(async (name: string) => {
    asked.push(name);
    const found = names.get(name);
    if (!found) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    // biome-ignore lint/suspicious/noExplicitAny: the overload of this call returns texts
    return found as any;
  });
  vi.spyOn(Resolver.prototype, 'resolve6').mockImplementation(async () => {
    throw Object.assign(new Error('no data'), { code: 'ENODATA' });
  });
});

/** A server on this machine that nothing of a tenant may reach. */
let victim: Server;
let port: number;
let reached = 0;
let google: Awaited<ReturnType<typeof startStandIn>>;

beforeAll(async () => {
  victim = createServer((socket) => {
    reached++;
    socket.on('error', () => {});
    socket.destroy();
  });
  await new Promise<void>((resolve) => victim.listen(0, '127.0.0.1', resolve));
  port = (victim.address() as { port: number }).port;
  google = await startStandIn({ body: { access_token: 't', expires_in: 3600, token_type: 'Bearer' } });
});
afterAll(async () => {
  victim.close();
  await google.stop();
});
afterEach(() => {
  reached = 0;
  asked.length = 0;
});

const NAME = 'rebound.example.com';

/** Each setting that is a URL, as `base_url` of `fcm`; those of nested objects with dots. */
const AIMS = [
  ['apns', 'base_url'],
  ['apns', 'sandbox_url'],
  ['courier', 'base_url'],
  ['fcm', 'base_url'],
  ['fcm', 'token_uri'],
  ['http', 'url'],
  ['http', 'check.url'],
  ['sendgrid', 'base_url'],
  ['ses', 'base_url'],
  ['smtp', 'url'],
  ['sns', 'base_url'],
  ['twilio', 'base_url'],
] as const;

/** Opens an account whose setting leads to the victim, and sends, and checks. Returns the kinds of the outcomes. */
async function aim(provider: string, setting: string, host: string, isOwn = false) {
  const sample = (await sampleAccounts()).find(({ definition }) => definition.name === provider)!;
  const isGoogle = provider === 'fcm' && setting === 'base_url';
  const http = new GuardedClient((url) => isGoogle && url.origin === google.url);
  const scheme = provider === 'smtp' ? 'smtp' : isOwn ? 'http' : 'https';
  let settings = withSetting(sample.settings, setting.split('.'), `${scheme}://${host}:${port}`);
  if (isGoogle) settings = withSetting(settings, ['token_uri'], `${google.url}/token`);
  const open = isOwn ? openOwnProvider : openProvider;
  const opened = await open(sample.definition, settings, { http, clock: Date.now });
  const channel = sample.definition.channels[0]!;
  const environment = setting === 'sandbox_url' ? { environment: 'sandbox' as const } : {};
  const target = { ...sample.target, ...environment } as typeof sample.target;
  const message = { subject: 'A', title: 'A', text: 'b' };
  const signal = AbortSignal.timeout(5000);
  if (setting === 'check.url') return end(await opened.check!(signal));
  return end(await opened.send(outgoing({ channel, target, message }), signal, () => true));

  async function end<T>(outcome: T): Promise<T> {
    await opened.close();
    await http.close();
    return outcome;
  }
}

describe.each(AIMS)('%s: %s', (provider, setting) => {
  test('a name that leads to this machine when it is connected to is not, and the message waits', async () => {
    names.set(NAME, ['127.0.0.1']);
    const outcome = await aim(provider, setting, NAME);
    expect(setting === 'check.url' ? outcome : { kind: 'retry', ...outcome }).toMatchObject(
      setting === 'check.url' ? { ok: false } : { kind: 'retry' },
    );
    expect(asked).toContain(NAME);
    expect(reached).toBe(0);
    expect(JSON.stringify(outcome)).not.toMatch(/127\.0\.0\.1|rebound/);
  });

  test('an operator may have it on this machine', async () => {
    await aim(provider, setting, '127.0.0.1', true);
    expect(reached).toBeGreaterThan(0);
  });
});

test.each(['10.0.0.1', '169.254.169.254', '::ffff:127.0.0.1'])(
  'one private address (%s) among public ones is enough to connect to none',
  async (address) => {
    names.set(NAME, ['93.184.216.34', address]);
    const client = new GuardedClient();
    const sent = client.send(`https://${NAME}/`, { maxBytes: 100, maxMillis: 2000 });
    await expect(sent).rejects.toMatchObject({ handedOver: false });
    await client.close();
  },
);

test('a name is resolved anew for each connection, and the connection goes to what was checked', async () => {
  const client = new GuardedClient();
  const answers = [['93.184.216.34', '10.1.1.1'], ['127.0.0.1'], ['10.0.0.1']];
  for (const answer of answers) {
    names.set(NAME, answer);
    await expect(client.send(`https://${NAME}:${port}/`, { maxBytes: 9, maxMillis: 2000 })).rejects.toThrow();
  }
  expect([asked.length, reached]).toEqual([answers.length, 0]);
  await client.close();
});

test('an operator may have one server on this machine; no other one, and no user, is let in by that', async () => {
  const guarded = new GuardedClient();
  const own = guarded.exempting([`http://127.0.0.1:${port + 1}`, 'smtp://10.0.0.1:25']);
  for (const url of [`http://127.0.0.1:${port}/`, `https://127.0.0.1:${port + 1}/`, 'http://10.0.0.1:25/']) {
    await expect(own.send(url, { maxBytes: 9, maxMillis: 1000 }), url).rejects.toMatchObject({ handedOver: false });
  }
  expect(reached).toBe(0);
  expect([own.findServerFault('smtp://10.0.0.1:25'), own.getLookup('smtp://10.0.0.1:25')]).toEqual([
    undefined,
    undefined,
  ]);
  expect(own.findServerFault('smtp://10.0.0.2:25')).toContain('private');
  await guarded.close();
});

test('a redirect to a private address is an answer, and is not followed', async () => {
  const moved = await startStandIn({ status: 307, headers: { location: `http://127.0.0.1:${port}/` } });
  const client = new GuardedClient((url) => url.origin === moved.url);
  const { status } = await client.send(`${moved.url}/`, { method: 'POST', body: 'x', maxBytes: 99, maxMillis: 2000 });
  expect([status, reached]).toEqual([307, 0]);
  await client.close();
  await moved.stop();
});
