import { expect, test } from 'vitest';
import { PUBLIC_URL, useReceipts } from './support/receipts.ts';

/** Double opt-in: consent is pending until its holder presses the button behind the link in a message. */

const start = useReceipts();
const DAY = 86_400_000;
/** Tests share the database; each has a user and an address of its own. */
let users = 0;

const FILES = {
  'preferences.yaml':
    'consent: { MARKETING/email: { double_opt_in: CONFIRM, confirm_within: 5d }, MARKETING/sms: { double_opt_in: CONFIRM, keywords: [Yes, JOIN] } }',
  'templates/CONFIRM/email.en.subject.txt': 'Please confirm',
  'templates/CONFIRM/email.en.txt': 'Confirm: {{confirm_url}}',
  'templates/CONFIRM/email.en.html': '<a href="{{confirm_url}}">Confirm</a>',
  'templates/CONFIRM/sms.en.txt': '{{confirm_url}}',
  'notifications.yaml': `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email] }
  PROMO: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email] }
  NEWS: { category: OPERATIONAL, channels: [email] }
  CODE: { category: SECURITY, channels: [email] }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }
  STEPS: { category: TRANSACTIONAL, channels: { first_of: [email, sms], wait: 1d, until: delivered } }
  CONFIRM: { category: TRANSACTIONAL, channels: [email, sms] }`,
};
const GRANT = { purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'form', wording_version: 'v3' };

async function open() {
  const world = await start({ files: FILES });
  const { server, tidings, email, sms } = world;
  const user = `u-${++users}`;
  const path = `/api/v1/users/${user}`;
  const send = (event: string) => world.send(event, 'sent', user);
  await send('mail');
  const later = (ms = 1000) => {
    tidings.clock.now += ms;
  };
  later();
  const record = (more: object = {}, of = user) => server.post(`/api/v1/users/${of}/consents`, { ...GRANT, ...more });
  /** Asks, and returns the path of the link in the message once it was sent. */
  const ask = async (more: object = {}) => {
    const { status, body } = await record(more);
    expect([status, body.state]).toEqual([201, 'pending']);
    const channel = (more as { channel?: string }).channel ?? 'email';
    await tidings.becomes(`${body.notification_id}.${channel}`, 'sent');
    const text = (channel === 'email' ? email : sms).calls.at(-1)?.message.text ?? '';
    const [, path = ''] = /(\/consent\/\S+)/.exec(text) ?? [];
    expect(text).toContain(`${PUBLIC_URL}/consent/`);
    return { id: body.consent_id as string, path, notificationId: body.notification_id as string };
  };
  const cell = async (channel = 'email') => {
    const { body } = await server.get(`${path}/preferences`);
    return body.types.find(({ type }: { type: string }) => type === 'PROMO').channels[channel];
  };
  const consents = async () => (await server.get(`${path}/consents`)).body.consents;
  const press = (path: string) =>
    server.post(path, '', { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'Firefox' });
  const setEmail = (address: string | null) => server.send('PATCH', path, { traits: { email: address } });
  return { ...world, world, user, userPath: path, send, later, record, ask, cell, consents, press, setEmail };
}

test('a grant is pending, decides nothing, and counts once the button behind the link was pressed', async () => {
  const { server, user, ask, cell, consents, press, later, send, tidings, email } = await open();
  expect((await cell()).decided_by).toMatchObject({ code: 'consent_missing', value: null });
  const { id, path } = await ask({ evidence: { ip: '203.0.113.9' } });
  expect(await cell()).toMatchObject({
    on: false,
    decided_by: { code: 'consent_missing', value: 'waits_for_confirmation' },
  });
  const [pending] = await consents();
  expect(pending).toMatchObject({ consent_id: id, state: 'pending', evidence: { ip: '203.0.113.9' }, source: 'form' });

  later();
  const shown = await server.get(path);
  expect([shown.status, shown.headers.get('cache-control')]).toEqual([200, 'no-store']);
  expect(shown.body).toContain('<form method="post">');
  expect(shown.body).toContain('u…@example.com');
  expect(shown.body).not.toMatch(new RegExp(`<script|${user}@`));
  expect(await consents()).toHaveLength(1);

  later();
  const done = await press(path);
  expect(done.status).toBe(200);
  expect(done.body).toContain('Confirmed');
  const [granted] = await consents();
  expect(granted).toMatchObject({
    ...{ state: 'granted', method: 'double_opt_in', source: 'confirmation link', wording_version: 'v3' },
    ...{ recorded_by: `user ${user}`, address: pending.address },
    evidence: { request: id, page: '/consent', request_source: 'form', user_agent: 'Firefox' },
  });
  expect(granted.evidence.ip).toMatch(/127\.0\.0\.1|::1/);
  expect(await cell()).toMatchObject({ on: true });
  later();
  expect((await press(path)).body).toContain('Confirmed');
  expect((await server.get(path)).body).toContain('Confirmed');
  expect(await consents()).toHaveLength(2);
  await send('promo');
  expect(email.calls).toHaveLength(3);
  // The stored request has no link that works, and the evidence is sealed.
  const { rows } = await tidings.database.pool.query(
    'select (select json_agg(e) from events e)::text as events, (select json_agg(c) from consents c)::text as consents',
  );
  expect(rows[0].events).toContain('/consent/READER');
  expect(rows[0].events).not.toContain(path);
  expect(rows[0].consents).not.toContain('Firefox');
});

test('a message that was decided while the consent waits is dropped, and the explanation says what it waits for', async () => {
  const { ask, user, server, later, tidings } = await open();
  await ask();
  later();
  await tidings.ingest([
    { user_id: user, event_type: 'promo', event_timestamp: new Date(tidings.clock.now).toISOString() },
  ]);
  const { body } = await server.get(`/api/v1/audit/${user}`);
  expect(JSON.stringify(body)).toMatch(/waits for its confirmation by the user, as they were asked on/);
});

test('a repeated request asks nothing again; an address is asked three times a day at most', async () => {
  const { record, user, later, tidings, email } = await open();
  const first = await record();
  later();
  const second = await record();
  expect(second.body).toEqual({ ...first.body, notification_id: null });
  for (const round of [1, 2]) {
    later(3_700_000);
    expect([round, (await record()).body.notification_id]).toEqual([round, expect.any(String)]);
  }
  later(3_700_000);
  const { status, body } = await record();
  expect([status, body.state, body.notification_id]).toEqual([201, 'pending', null]);
  // Another user with the same address.
  await tidings.ingest([
    {
      ...{ user_id: `${user}-b`, event_type: 'mail', event_timestamp: new Date(tidings.clock.now).toISOString() },
      user_traits: { email: `${user}@example.com` },
    },
  ]);
  later();
  const other = await record({}, `${user}-b`);
  expect([other.status, other.body.code]).toEqual([429, 'rate_limited']);
  await expect.poll(() => email.calls.filter(({ message }) => message.text.includes('/consent/'))).toHaveLength(3);
});

test('a withdrawal after the request is lifted by the confirmation; one after the confirmation stays', async () => {
  const { ask, record, press, later, cell, server } = await open();
  const { path } = await ask();
  later();
  await record({ state: 'withdrawn' });
  expect((await cell()).decided_by).toMatchObject({ code: 'consent_withdrawn', value: 'withdrawn' });
  later();
  await press(path);
  expect((await cell()).on).toBe(true);
  later();
  await record({ state: 'withdrawn' });
  later();
  expect((await press(path)).status).toBe(404);
  expect((await server.get(path)).status).toBe(404);
  expect((await cell()).decided_by).toMatchObject({ code: 'consent_withdrawn' });
  later(3_700_000);
  await ask();
  expect((await cell()).decided_by).toMatchObject({ code: 'consent_withdrawn', value: 'waits_for_confirmation' });
});

test('a grant that was there stays while a new one waits', async () => {
  const { record, cell, later, ask } = await open();
  await record({ method: 'double_opt_in', evidence: { confirmed_at: '2025-01-01T00:00:00Z' } });
  expect((await cell()).on).toBe(true);
  later();
  await ask();
  expect((await cell()).on).toBe(true);
});

test('a confirmation counts for the address that the link was sent to, and for no later one', async () => {
  const { ask, user, press, later, cell, setEmail, consents, record } = await open();
  const { path } = await ask();
  later();
  await setEmail('new@example.com');
  later();
  await press(path);
  expect((await consents())[0]).toMatchObject({ state: 'granted', address: 'u…@example.com' });
  expect(await cell()).toMatchObject({ on: false, decided_by: { code: 'consent_missing' } });
  // One for another address, since then, uses up an earlier link.
  await setEmail(`${user}@example.com`);
  later();
  expect((await cell()).on).toBe(true);
  const other = await record({ address: 'other@example.com' });
  expect([other.status, other.body.errors?.[0]?.pointer]).toEqual([400, '/address']);
});

test('a link in a message that went to another address confirms nothing', async () => {
  const { record, userPath, press, later, setEmail, tidings, email, consents, server } = await open();
  const setQuiet = (hours: object | null) => server.send('PATCH', `${userPath}/preferences`, { quiet_hours: hours });
  expect((await setQuiet({ start: '00:00', end: '23:59' })).status).toBe(200);
  later();
  const { body } = await record();
  later();
  await setEmail('new@example.com');
  later();
  await setQuiet(null);
  await tidings.becomes(`${body.notification_id}.email`, 'sent');
  const [, path = ''] = /(\/consent\/\S+)/.exec(email.calls.at(-1)?.message.text ?? '') ?? [];
  later();
  expect((await press(path)).status).toBe(404);
  expect((await consents()).map(({ state }: { state: string }) => state)).toEqual(['pending']);
});

test('a link expires, and one that was changed leads nowhere', async () => {
  const { ask, press, later, cell, server, consents } = await open();
  const { path } = await ask();
  for (const wrong of [`${path}x`, path.replace('/consent/', '/consent/x'), '/consent/READER', '/consent/a.b']) {
    expect((await press(wrong)).status).toBe(404);
  }
  later(5 * DAY);
  expect((await press(path)).body).toContain('This link has expired');
  expect((await server.get(path)).body).toContain('This link has expired');
  expect((await cell()).decided_by).toMatchObject({ code: 'consent_missing', value: null });
  expect(await consents()).toHaveLength(1);
});

test('a text message has the link as well', async () => {
  const { ask, press, later, consents, sms } = await open();
  const { path } = await ask({ channel: 'sms' });
  expect(sms.calls).toHaveLength(1);
  later();
  await press(path);
  expect((await consents())[0]).toMatchObject({ state: 'granted', channel: 'sms', method: 'double_opt_in' });
});

test('a reply with a word of the policy confirms as the link does, from the number that was asked alone', async () => {
  const { ask, later, consents, server, userPath, user, world, tidings, record } = await open();
  const phone = '+351912345678';
  expect((await server.send('PATCH', userPath, { traits: { phone } })).status).toBe(200);
  later();
  const reply = async (Body: string, From = phone) => {
    later();
    const answer = await world.twilio({ MessageSid: `SM${Body}${tidings.clock.now}`, From, To: '+15550199', Body });
    expect(answer.status).toBe(200);
  };
  const states = async () => (await consents()).map(({ state }: { state: string }) => state);
  await reply('JOIN');
  expect(await states()).toEqual([]);
  const { id } = await ask({ channel: 'sms' });
  await reply('Join us');
  await reply('join', '+351912345679');
  expect(await states()).toEqual(['pending']);
  await reply(' «join!» ');
  await reply('JOIN');
  expect(await states()).toEqual(['granted', 'pending']);
  expect((await consents())[0]).toMatchObject({
    ...{
      state: 'granted',
      channel: 'sms',
      method: 'double_opt_in',
      source: 'confirmation reply',
      wording_version: 'v3',
    },
    evidence: { reply: 'JOIN', provider: 'twilio', request: id },
  });
  // Withdrawn since: the request is used up, and another word is no consent.
  later();
  await server.post(`${userPath}/consents`, { ...GRANT, channel: 'sms', state: 'withdrawn' });
  await reply('yes');
  expect(await states()).toEqual(['withdrawn', 'granted', 'pending']);
  // A pending one of a user who was erased is not confirmed; what is left of it has neither user nor evidence.
  later(2 * 3_600_000);
  const pending = (await record({ channel: 'sms', evidence: { ip: '203.0.113.9' } })).body;
  expect(pending.state).toBe('pending');
  tidings.jobs();
  expect((await server.post(`${userPath}/erase`, {})).status).toBeLessThan(300);
  const left = async () => {
    const text = 'select user_id, state, sealed from consents where consent_id = $1';
    return (await tidings.database.pool.query(text, [pending.consent_id])).rows[0];
  };
  await expect.poll(async () => (await left()).user_id, { timeout: 20_000 }).not.toBe(user);
  expect(await left()).toMatchObject({ state: 'pending', sealed: null });
  await reply('yes');
  const text = `select from consents where address_hash = (select address_hash from consents where consent_id = $1) and state = 'granted'`;
  expect((await tidings.database.pool.query(text, [pending.consent_id])).rows).toHaveLength(1);
});

test('a user who was erased has no link, also if the id comes again; one who was merged confirms for the survivor', async () => {
  const { ask, user, userPath, world, press, later, server, tidings } = await open();
  const first = await ask();
  later();
  expect((await server.post(`${userPath}/erase`, {})).status).toBeLessThan(300);
  expect((await press(first.path)).status).toBe(404);
  later(DAY);
  await tidings.ingest([
    {
      ...{ user_id: user, event_type: 'mail', event_timestamp: new Date(tidings.clock.now).toISOString() },
      user_traits: { email: `${user}@example.com` },
    },
  ]);
  later();
  // The job of the erasure has not come to the consents yet.
  expect((await press(first.path)).status).toBe(404);
  expect((await server.get(`${userPath}/consents`)).body.consents).toEqual([]);
  const second = await ask();
  const survivor = `${user}-c`;
  await world.send('mail', 'sent', survivor);
  later();
  expect((await server.post(`${userPath}/merge`, { into: survivor })).status).toBeLessThan(300);
  later();
  expect((await press(second.path)).body).toContain('Confirmed');
  const { body } = await server.get(`/api/v1/users/${survivor}/consents`);
  expect(body.consents[0]).toMatchObject({ state: 'granted', method: 'double_opt_in' });
});

test('an import counts by its claim of a double opt-in; other grants of it are pending, and send no message', async () => {
  const { server, user, cell, email, consents } = await open();
  const line = { user_id: user, purpose: 'MARKETING', channel: 'email', state: 'granted', at: '2024-05-02T10:00:00Z' };
  const add = async (more: object) => {
    const answer = await fetch(`${server.url}/api/v1/consents/import`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: `${JSON.stringify({ ...line, ...more })}\n`,
    });
    return JSON.parse(await answer.text());
  };
  expect(await add({})).toMatchObject({ recorded: 1, pending: 1 });
  expect((await cell()).decided_by).toMatchObject({ code: 'consent_missing', value: 'waits_for_confirmation' });
  expect(await add({ method: 'double_opt_in', source: 'old shop' })).toMatchObject({ recorded: 1, pending: 0 });
  expect((await cell()).on).toBe(true);
  expect((await consents()).map(({ state }: { state: string }) => state).sort()).toEqual(['granted', 'pending']);
  expect(email.calls).toHaveLength(1);
});

test('the page is in the language of the reader, in the name of the tenant', async () => {
  const { ask, server, tidings } = await open();
  await tidings.database.pool.query(`update users set traits = (traits::jsonb || '{"locale":"de-AT"}')::json`);
  await tidings.database.pool.query(`update tenants set name = 'Acme & Söhne' where tenant_id = 'default'`);
  const { path } = await ask();
  const { body } = await server.get(path);
  expect(body).toContain('lang="de"');
  expect(body).toContain('Ja, ich möchte sie');
  expect(body).toContain('Acme &amp; Söhne');
});
