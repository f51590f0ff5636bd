import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Provider } from '../src/channels/provider.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { expectProblem } from './support/api.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** A user proves to read what is sent to an address: a code goes there by its own channel, and comes back. */

const CATALOG = new Map([
  ['events.yaml', 'events: { noted: {} }'],
  [
    'notifications.yaml',
    `notifications:
  VERIFY: { category: SECURITY, channels: [email, sms], variables: { code: string, minutes: number } }
  NEWS: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email] }`,
  ],
  ['rules.yaml', 'rules: { NEWS: { on: noted } }'],
  ['templates/VERIFY/email.en.subject.txt', 'Your code'],
  ['templates/VERIFY/email.en.txt', 'code {{code}}'],
  ['templates/VERIFY/sms.en.txt', 'code {{code}}'],
  ['templates/NEWS/email.en.subject.txt', 'News'],
  ['templates/NEWS/email.en.txt', 'News'],
]);

const sent: { readonly to: string; readonly text: string }[] = [];
const collecting = (channel: 'email' | 'sms'): Provider => ({
  ...sandboxProvider([channel]),
  async send(outgoing, options) {
    sent.push({ to: JSON.stringify(outgoing), text: JSON.stringify(outgoing.message) });
    return sandboxProvider([channel]).send(outgoing, options);
  },
});

let tidings: TestTidings;
let server: TestServer;
let users = 0;
let path: string;
beforeAll(async () => {
  tidings = await testTidings({ email: collecting('email'), sms: collecting('sms') }, CATALOG);
  server = await testServer(tidings);
  await tidings.worker();
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});
beforeEach(async () => {
  const userId = `verified ${users++}`;
  path = `/api/v1/users/${encodeURIComponent(userId)}/addresses`;
  tidings.clock.now += 24 * 3_600_000;
  await settled();
  sent.length = 0;
  await tidings.ingest([
    {
      user_id: userId,
      event_type: 'noted',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      user_traits: { email: 'maria@example.com' },
    },
  ]);
});

/** Codes of the test before may be on their way. */
const settled = () =>
  vi.waitFor(
    async () => {
      const { rows } = await tidings.database.pool.query('select from deliveries where finished_at is null');
      expect(rows).toEqual([]);
    },
    { timeout: 20_000, interval: 50 },
  );
const list = async () => (await server.get(path)).body.addresses;
const ask = (id: string, type: string | undefined = 'VERIFY') => server.post(`${path}/${id}/verify`, { type });
const confirm = (id: string, code: string) => server.post(`${path}/${id}/verify/confirm`, { code });
async function receiveCode(): Promise<string> {
  return vi.waitFor(
    () => {
      const code = /code (\d{6})/.exec(sent.map(({ text }) => text).join('\n'))?.[1];
      expect(code).toBeDefined();
      return code as string;
    },
    { timeout: 20_000, interval: 50 },
  );
}

describe('the verification of an address', () => {
  test('sends a code to that address, and the code verifies it once', async () => {
    const { body: added } = await server.post(path, { kind: 'email', address: 'other@example.com' });
    const { status, body } = await ask(added.address_id);
    expect([status, body]).toMatchObject([202, { address_id: added.address_id, notification_id: expect.any(String) }]);
    const code = await receiveCode();
    expect(
      sent
        .filter(({ text }) => text.includes(code))
        .map(({ to }) => to)
        .join(),
    ).toContain('other@example.com');
    expect((await list()).map((one: { verified_at: string | null }) => one.verified_at)).toEqual([null, null]);
    const confirmed = await confirm(added.address_id, code);
    expect([confirmed.status, confirmed.body]).toMatchObject([
      200,
      { address: 'o…@example.com', verify_method: 'code' },
    ]);
    expect((await list())[1].verified_at).toBe(confirmed.body.verified_at);
    expect((await list())[0].verified_at).toBe(null);
    expectProblem(await confirm(added.address_id, code), { status: 422, code: 'code_expired', pointer: '/code' });
    const { rows } = await tidings.database.pool.query('select * from address_verifications');
    expect(JSON.stringify(rows)).not.toContain(code);
  });

  test.each([
    ['en', 'email', /Your code for Default.*Your code is (\d{6})\./s],
    ['de-AT', 'email', /Ihr Code für Default.*Ihr Code lautet (\d{6})\./s],
    ['es', 'sms', /(\d{6}) es tu código para Default/],
    ['xx', 'sms', /(\d{6}) is your code for Default/],
  ] as const)('needs no type of the catalog: the built-in one is there in %s by %s', async (locale, channel, text) => {
    await tidings.database.pool.query(`update tenants set name = 'Default'`);
    await server.send('PATCH', path.replace(/\/addresses$/, ''), { traits: { locale } });
    const [kind, address] = channel === 'email' ? ['email', `${locale}@example.com`] : ['phone', '+351912345678'];
    const { body: added } = await server.post(path, { kind, address });
    const { status, body } = await server.post(`${path}/${added.address_id}/verify`, {});
    expect([status, body.notification_id]).toEqual([202, expect.any(String)]);
    const code = await vi.waitFor(
      () => {
        const found = text.exec(
          JSON.parse(`"${sent.map((one) => one.text.replace(/[\\"]/g, '\\$&')).join(' ')}"`),
        )?.[1];
        expect(found, sent.map((one) => one.text).join()).toBeDefined();
        return found as string;
      },
      { timeout: 20_000, interval: 50 },
    );
    expect((await confirm(added.address_id, code)).status).toBe(200);
    expectProblem(
      await server.post('/api/v1/notifications', { type: 'ADDRESS_VERIFICATION', recipients: [{ user_id: 'u' }] }),
      { status: 422, code: 'unknown_type', pointer: '/type' },
    );
  });

  test('is sent by the type of the catalog that has the name of the built-in one', async () => {
    const own = new Map(CATALOG);
    own.set('notifications.yaml', CATALOG.get('notifications.yaml')!.replaceAll('VERIFY', 'ADDRESS_VERIFICATION'));
    for (const [file, text] of CATALOG) {
      if (!file.startsWith('templates/VERIFY')) continue;
      own.delete(file);
      own.set(file.replace('VERIFY', 'ADDRESS_VERIFICATION'), text.replace('code {{', 'own code {{'));
    }
    await tidings.apply(own);
    const [{ address_id: id }] = await list();
    expect((await server.post(`${path}/${id}/verify`, {})).status).toBe(202);
    await receiveCode();
    expect(sent.map(({ text }) => text).join()).toContain('own code');
    await tidings.apply(CATALOG);
  });

  test('goes by SMS to a phone number', async () => {
    const { body: added } = await server.post(path, { kind: 'phone', address: '+351912345678' });
    await ask(added.address_id);
    expect((await confirm(added.address_id, await receiveCode())).status).toBe(200);
  });

  test('ends after five tries, and after fifteen minutes', async () => {
    const [{ address_id: id }] = await list();
    await ask(id);
    const code = await receiveCode();
    const wrong = code === '000000' ? '000001' : '000000';
    for (let tries = 0; tries < 5; tries++)
      expectProblem(await confirm(id, wrong), { status: 422, code: 'wrong_code', pointer: '/code' });
    expectProblem(await confirm(id, code), { status: 422, code: 'code_expired', pointer: '/code' });
    tidings.clock.now += 60_000;
    sent.length = 0;
    await ask(id);
    const next = await receiveCode();
    tidings.clock.now += 15 * 60_000;
    expectProblem(await confirm(id, next), { status: 422, code: 'code_expired', pointer: '/code' });
  });

  test('is asked for once a minute and ten times a day, by a type that is fit for it', async () => {
    const [{ address_id: id }] = await list();
    expectProblem(await ask(id, 'NEWS'), { status: 422, code: 'invalid_notification', pointer: '/type' });
    expectProblem(await ask(id, 'VERIFI'), { status: 422, code: 'unknown_type', pointer: '/type' });
    for (let codes = 0; codes < 10; codes++) {
      expect((await ask(id)).status).toBe(202);
      expect((await ask(id)).body.code).toBe('rate_limited');
      tidings.clock.now += 60_000;
    }
    expect((await ask(id)).body.code).toBe('rate_limited');
    tidings.clock.now += 24 * 3_600_000;
    expect((await ask(id)).status).toBe(202);
    expect((await ask('01999f3e-5c1a-8c3e-8f52-9d1a6b7c8d9e')).status).toBe(404);
  });

  test('is gone with the address', async () => {
    const { body: added } = await server.post(path, { kind: 'email', address: 'gone@example.com' });
    await ask(added.address_id);
    await confirm(added.address_id, await receiveCode());
    expect((await list())[1].verified_at).not.toBe(null);
    await server.send('DELETE', `${path}/${added.address_id}`);
    await server.post(path, { kind: 'email', address: 'gone@example.com' });
    expect((await list())[1].verified_at).toBe(null);
  });
});
