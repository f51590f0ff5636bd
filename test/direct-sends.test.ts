import { expect, test } from 'vitest';
import { useNotifications } from './support/notifications.ts';

/** Notifications that are asked for by POST /api/v1/notifications. */

const at = useNotifications();
const HOUR = 3_600_000;

test('a direct send goes through the event, the decision, the plan and the delivery of every notification', async () => {
  const { send, user, email, sms, tidings, get, becomes, server } = at();
  await user('u1', { email: 'maria@example.com', phone: '+351912345678' });
  await tidings.worker();
  const { status, body } = await send({
    variables: { order_id: '4711' },
    context: { source: 'shop', correlation_id: 'c-1' },
  });
  expect(status).toBe(202);
  const [result] = body.results;
  expect(body).toMatchObject({ dry_run: false, accepted: 1, request_id: expect.stringMatching(/^req_/) });
  expect(result).toMatchObject({
    recipient: { user_id: 'u1' },
    user_id: 'u1',
    state: 'accepted',
    channels: { email: { plan: 'go' }, sms: { plan: 'go' } },
  });
  await becomes(result.notification_id, 'sent');
  expect(email.calls[0]?.message).toMatchObject({ subject: 'Order 4711', text: 'Your order 4711 of shop.' });
  expect(sms.calls[0]?.message.text).toBe('Order 4711');
  expect((await get(result.notification_id)).body).toMatchObject({
    rule: '@direct',
    notification_type: 'ORDER',
    user_id: 'u1',
    category: 'TRANSACTIONAL',
    source: 'shop',
    correlation_id: 'c-1',
    context: { source: 'shop', correlation_id: 'c-1' },
    deliveries: [{ channel: 'email' }, { channel: 'sms' }],
  });
  const explained = await server.get('/api/v1/explain/u1/ORDER');
  expect(explained.body.answer).toBe('sent');
  expect(explained.body.paragraph).toContain('a request asked for it directly');
  expect(explained.body.decisions[0]).toMatchObject({ rule: '@direct', evidence: { direct: { content: 'template' } } });
});

test('channels, priority and expiry of the request hold', async () => {
  const { send, user, tidings } = at();
  await user('u1', { email: 'maria@example.com' });
  const expires = new Date(tidings.clock.now + HOUR).toISOString();
  const { body } = await send({ channels: ['email'], priority: 'LOW', expires_at: expires });
  expect(body.results[0].channels).toEqual({ email: { plan: 'go' } });
  const { rows } = await tidings.database.pool.query('select channel, priority, expires_at from deliveries');
  expect(rows).toEqual([{ channel: 'email', priority: 3, expires_at: Date.parse(expires) }]);
});

test('a bare address is that of the user who has it, whatever its spelling', async () => {
  const { send, user, tidings } = at();
  await user('u1', { email: 'maria@example.com', phone: '+351912345678' });
  const { body } = await send({ recipients: [{ email: 'Maria@Example.com' }, { phone: '+351 912 345 678' }] });
  expect(body.accepted).toBe(1);
  expect(body.results).toMatchObject([
    { recipient: { email: 'M…@Example.com' }, user_id: 'u1', linked: true, state: 'accepted' },
    { user_id: 'u1', linked: true, repeats: 0, notification_id: body.results[0].notification_id },
  ]);
  const { rows } = await tidings.database.pool.query('select user_id from notifications');
  expect(rows).toEqual([{ user_id: 'u1' }]);
});

test('an address that no user has gets a user of its own, and the message arrives there', async () => {
  const { send, email, tidings, becomes } = at();
  await tidings.worker();
  const first = await send({ recipients: [{ email: 'new@example.com' }], channels: ['email'] });
  const [one] = first.body.results;
  expect(one).toMatchObject({ linked: false, state: 'accepted', user_id: expect.stringMatching(/^addr:/) });
  await becomes(one.notification_id, 'sent');
  expect(email.calls[0]?.target).toEqual({ kind: 'email', address: 'new@example.com' });
  const [again] = (await send({ recipients: [{ email: 'new@example.com' }] })).body.results;
  expect(again).toMatchObject({ linked: false, user_id: one.user_id });
  expect(JSON.stringify(first.body)).not.toContain('new@example.com');
  // A user who then has the address is the one that it belongs to.
  await at().user('u9', { email: 'new@example.com' });
  const [now] = (await send({ recipients: [{ email: 'new@example.com' }] })).body.results;
  expect(now).toMatchObject({ linked: true, user_id: 'u9' });
});

test('an address of several users is sent to none of them, and the others get theirs', async () => {
  const { send, user } = at();
  await user('u1', { email: 'family@example.com' });
  await user('u2', { email: 'family@example.com' });
  const { body } = await send({
    recipients: [{ email: 'family@example.com' }, { user_id: 'u2' }, { email: 'no address' }, { phone: '123' }],
  });
  expect(body.accepted).toBe(1);
  expect(body.results).toMatchObject([
    { state: 'rejected', code: 'ambiguous_address', notification_id: null },
    { state: 'accepted' },
    { state: 'rejected', code: 'invalid_recipient' },
    { state: 'rejected', code: 'invalid_recipient' },
  ]);
});

test.each([
  ['an unknown type', { type: 'ODRER' }, 'unknown_type', '/type', /did you mean ORDER\?/],
  [
    'a channel that the type lacks',
    { channels: ['push'] },
    'invalid_notification',
    '/channels/0',
    /uses email and sms/,
  ],
  ['another category', { type: 'PROMO', category: 'TRANSACTIONAL' }, 'category_mismatch', '/category', /MARKETING/],
  ['an expiry that is past', { expires_at: '2025-11-20T11:00:00Z' }, 'invalid_notification', '/expires_at', /past/],
  [
    'an expiry before its time',
    { expires_at: '2025-11-20T13:00:00Z', scheduled_at: '2025-11-20T14:00:00Z' },
    'invalid_notification',
    '/expires_at',
    /not after/,
  ],
  ['content without what a channel needs', { content: { text: 'Hi' } }, 'invalid_notification', '/content', /no title/],
  ['a time without a zone', { scheduled_at: '2025-11-21T10:00' }, 'invalid_notification', '/scheduled_at', /no zone/],
  [
    'a local time in an unknown zone',
    { scheduled_at: { local: '2025-11-21T10:00', zone: 'Europe/Atlantis' } },
    'invalid_notification',
    '/scheduled_at/zone',
    /IANA/,
  ],
  [
    'two names of one recipient',
    { recipients: [{ user_id: 'a', email: 'a@b.de' }] },
    'invalid_request',
    '/recipients/0',
    /one of/,
  ],
])('%s is rejected as a whole, and says where', async (_what, body, code, pointer, message) => {
  const { send, count } = at();
  const answer = await send(body);
  expect(answer.body).toMatchObject({ code, errors: [{ pointer }] });
  expect(answer.body.detail).toMatch(message);
  expect(answer.status).toBe(code === 'invalid_request' ? 400 : 422);
  expect(await count('events')).toBe(0);
});

test('content of its own is sent as it is in the place of the templates, and the explanation says so', async () => {
  const { send, user, email, sms, tidings, becomes, server } = at();
  await user('u1', { email: 'maria@example.com', phone: '+351912345678' });
  await tidings.worker();
  const content = {
    title: 'Hello {{event.x}}',
    html: '<p>Hi <b>Maria</b>, write to ann@example.com</p>',
    text: 'Hi Maria',
  };
  const [result] = (await send({ type: 'BARE', content })).body.results;
  await becomes(result.notification_id, 'sent');
  expect(email.calls[0]?.message).toMatchObject({ subject: 'Hello {{event.x}}', html: content.html, text: 'Hi Maria' });
  expect(sms.calls[0]?.message.text).toBe('Hi Maria');
  const { paragraph, decisions } = (await server.get('/api/v1/explain/u1/BARE')).body;
  expect(paragraph).toContain('with content of its own');
  expect(decisions[0].evidence.direct.content).toBe('request');
  const { rows } = await tidings.database.pool.query(
    `select data::text || ' ' || (select properties::text from events where event_type = 'notification.requested') as text from notifications`,
  );
  expect(rows[0].text).not.toContain('ann@example.com');
});

test('large content of its own arrives whole', async () => {
  const { send, user, email, tidings, becomes } = at();
  await user('u1', { email: 'maria@example.com' });
  await tidings.worker();
  const html = `<p>${'long '.repeat(20_000)}</p>`;
  const [result] = (await send({ channels: ['email'], content: { title: 'T', html, text: 'x' } })).body.results;
  await becomes(result.notification_id, 'sent');
  expect(email.calls[0]?.message.html).toBe(html);
});

test('a dry run decides and plans as a send does, and stores nothing', async () => {
  const { send, user, count } = at();
  await user('u1', { email: 'maria@example.com' });
  const before = await Promise.all(['events', 'users', 'notifications', 'deliveries', 'waits'].map(count));
  const recipients = [{ user_id: 'u1' }, { email: 'new@example.com' }, { email: 'maria@example.com' }];
  const dry = await send({ recipients }, {}, '?dry_run=true');
  expect(dry.status).toBe(202);
  expect(dry.body).toMatchObject({ dry_run: true, accepted: 2 });
  expect(dry.body.results).toMatchObject([
    {
      ...{ state: 'accepted', notification_id: null },
      channels: { email: { plan: 'go' }, sms: { plan: 'drop', code: 'missing_phone' } },
    },
    { state: 'accepted', linked: false },
    { repeats: 0 },
  ]);
  const later = await send({ scheduled_at: '2025-12-01T09:00:00Z' }, {}, '?dry_run=true');
  expect(later.body.results[0]).toMatchObject({
    state: 'scheduled',
    due_at: '2025-12-01T09:00:00.000Z',
    notification_id: null,
  });
  expect(await Promise.all(['events', 'users', 'notifications', 'deliveries', 'waits'].map(count))).toEqual(before);
  const wet = await send({ recipients });
  const plain = ({ notification_id: _, channels: __, ...rest }: { notification_id: unknown; channels: unknown }) =>
    rest;
  expect(wet.body.results.map(plain)).toEqual(dry.body.results.map(plain));
});

test('a dry run of a schedule, and of what was said for an address before, says what the terms of the user are now', async () => {
  const { send, user, server } = at();
  const prefer = (id: string, change: object) => server.send('PATCH', `/api/v1/users/${id}/preferences`, change);
  const dry = async (body: object) => (await send(body, {}, '?dry_run=true')).body.results;
  await user('u1', { email: 'maria@example.com', phone: '+351912345678' });
  await user('u2', { email: 'ann@example.com', phone: '+351912345679' });
  await prefer('u1', { types: { ORDER: { enabled: false } } });
  await prefer('u2', { channels: { sms: false } });
  const later = { scheduled_at: '2025-12-01T09:00:00Z', recipients: [{ user_id: 'u1' }, { user_id: 'u2' }] };
  const off = { plan: 'drop', code: 'preference_off' };
  expect(await dry(later)).toMatchObject([
    {
      state: 'suppressed',
      code: 'preference_off',
      reason: expect.stringContaining('turned off type ORDER'),
      channels: { email: off, sms: off },
    },
    { state: 'scheduled', channels: { email: { plan: 'go' }, sms: off } },
  ]);
  expect((await send(later)).body.results).toMatchObject([{ state: 'scheduled' }, { state: 'scheduled' }]);
  const [known] = (await send({ recipients: [{ email: 'new@example.com' }], channels: ['email'] })).body.results;
  await prefer(known.user_id, { types: { ORDER: { email: false } } });
  await user('u3', { email: 'new@example.com' });
  expect(await dry({ recipients: [{ user_id: 'u3' }], channels: ['email'] })).toMatchObject([
    { state: 'suppressed', channels: { email: off } },
  ]);
});

test('a dry run says of addresses that are missing or suppressed what the deliveries then say', async () => {
  const { send, user, server, get, tidings, becomes } = at();
  await user('none', { plan: 'pro' });
  await user('mail', { email: 'maria@example.com', phone: '+351912345678' });
  await user('merged', { plan: 'pro' });
  await server.post('/api/v1/users/merged/merge', { into: 'mail' });
  await server.post('/api/v1/suppressions', { channel: 'email', address: 'Maria@example.com', scope: 'type:ORDER' });
  await server.post('/api/v1/suppressions', { channel: 'email', address: 'new@example.com' });
  const all = ['none', 'mail', 'new@example.com'].map((id) => (id.includes('@') ? { email: id } : { user_id: id }));
  const dry = (await send({ recipients: all }, {}, '?dry_run=true')).body;
  expect(dry).toMatchObject({ accepted: 1, results: [{ code: 'missing_email' }, {}, { code: 'suppressed' }] });
  const missing = { sms: { plan: 'drop', code: 'missing_phone' } };
  const stopped = { email: { plan: 'drop', code: 'suppressed' } };
  expect(dry.results).toMatchObject([
    { state: 'suppressed', channels: { email: { plan: 'drop', code: 'missing_email' }, ...missing } },
    { state: 'accepted', channels: { ...stopped, sms: { plan: 'go' } } },
    { state: 'suppressed', reason: expect.stringContaining('suppressed since'), channels: { ...stopped, ...missing } },
  ]);
  await tidings.worker();
  for (const [place, recipient] of all.entries()) {
    const [{ notification_id: id }] = (await send({ recipients: [recipient] })).body.results;
    await becomes(id, place === 1 ? 'sent' : 'failed');
    const { deliveries } = (await get(id)).body;
    const codes = deliveries.map(({ channel, reason_code: code }: Record<string, string>) => [channel, code]);
    const { channels, reason } = dry.results[place];
    const foretold = Object.entries<{ code?: string }>(channels).map(([channel, { code = null }]) => [channel, code]);
    expect(codes).toEqual(foretold);
    if (reason !== undefined) expect(deliveries[0].reason).toBe(reason);
  }
  const steps = await send(
    { type: 'STEPS', recipients: [{ user_id: 'none' }, { user_id: 'merged' }] },
    {},
    '?dry_run=true',
  );
  expect(steps.body.results).toMatchObject([
    { state: 'suppressed', code: 'missing_phone' },
    {
      state: 'accepted',
      user_id: 'mail',
      channels: { sms: { plan: 'go' }, email: { plan: 'hold', code: 'fallback' } },
    },
  ]);
  const [first] = (await send({ type: 'STEPS', recipients: [{ email: 'other@example.com' }] }, {}, '?dry_run=true'))
    .body.results;
  expect(first.channels).toEqual({ sms: { plan: 'drop', code: 'missing_phone' }, email: { plan: 'go' } });
});

test('URGENT needs its scope', async () => {
  const { server, send, count } = at();
  const key = async (scopes: string[]) => (await server.post('/api/v1/keys', { name: 'k', scopes })).body.key;
  const plain = await key(['notifications:write']);
  const urgent = await key(['notifications:write', 'notifications:urgent']);
  const rejected = await send({ priority: 'URGENT' }, { authorization: `Bearer ${plain}` });
  expect(rejected).toMatchObject({ status: 403, body: { code: 'forbidden', errors: [{ pointer: '/priority' }] } });
  expect(await count('events')).toBe(0);
  expect((await send({ priority: 'URGENT' }, { authorization: `Bearer ${urgent}` })).status).toBe(202);
  expect((await send({ priority: 'HIGH' }, { authorization: `Bearer ${plain}` })).status).toBe(202);
});

test('no caller posts the event of a request', async () => {
  const { server } = at();
  const event = {
    user_id: 'u1',
    event_type: 'notification.requested',
    event_timestamp: '2025-11-20T12:00:00Z',
    properties: { notification_type: 'ORDER' },
  };
  const { status, body } = await server.post('/api/v1/events', event);
  expect(status).toBe(422);
  expect(body.rejected[0].message).toContain('/api/v1/notifications');
});

test('a thousand recipients are one request, each with its result', async () => {
  const { send, count } = at();
  const recipients = Array.from({ length: 1000 }, (_, n) => ({ user_id: `many ${n}` }));
  const { body } = await send({ recipients });
  expect(body.accepted).toBe(1000);
  expect(new Set(body.results.map(({ notification_id: id }: { notification_id: string }) => id)).size).toBe(1000);
  expect(await count('notifications')).toBe(1000);
  const more = await send({ recipients: [...recipients, { user_id: 'one more' }] });
  expect(more.status).toBe(400);
});

test('declared variables are checked before anything is stored, and their defaults and names reach the templates', async () => {
  const { send, user, email, tidings, becomes, count } = at();
  await user('u1', { email: 'maria@example.com' });
  await tidings.worker();
  const before = await count('events');
  const missing = await send({ type: 'DECLARED', variables: { count: 'three' } });
  expect(missing).toMatchObject({ status: 422, body: { code: 'invalid_notification' } });
  expect(missing.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
    '/variables/count',
    '/variables/name',
  ]);
  expect(await count('events')).toBe(before);
  const [result] = (await send({ type: 'DECLARED', variables: { name: 'Maria', count: 3 } })).body.results;
  await becomes(result.notification_id, 'sent');
  expect(email.calls[0]?.message.text).toBe('Maria has 3, Maria has 3.');
});

test('a request is repeated after a crash with its first users and time, whatever has changed since', async () => {
  const { send, user, tidings, count } = at();
  const body = { recipients: [{ email: 'ann@example.com' }, { user_id: 'u1' }], context: { correlation_id: 'c-1' } };
  const key = { 'idempotency-key': 'one' };
  const first = await send(body, key);
  await tidings.database.pool.query('delete from idempotency_keys');
  await user('u2', { email: 'ann@example.com' });
  tidings.clock.now += 60_000;
  const again = await send(body, key);
  const ids = (answer: typeof first) =>
    answer.body.results.map((one: { notification_id: string }) => one.notification_id);
  expect(ids(again)).toEqual(ids(first));
  expect(await count('notifications')).toBe(2);
  await tidings.database.pool.query('delete from idempotency_keys');
  const other = await send({ ...body, variables: { order_id: 'other' } }, key);
  expect(other.body).toMatchObject({
    accepted: 0,
    results: [{ state: 'rejected', code: 'idempotency_key_reused' }, {}],
  });
  expect(await count('notifications')).toBe(2);
});

test('what the user has turned off is not gone round by an address, and a dry run says who decided', async () => {
  const { send, user, server, count } = at();
  await user('u1', { email: 'maria@example.com', phone: '+351912345678' });
  const set = (channels: object) => server.send('PATCH', '/api/v1/users/u1/preferences', { channels });
  expect((await set({ sms: false })).status).toBe(200);
  const dry = await send({ recipients: [{ email: 'maria@example.com' }] }, {}, '?dry_run=true');
  expect(dry.body.results).toMatchObject([
    {
      state: 'accepted',
      channels: {
        email: { plan: 'go' },
        sms: { plan: 'drop', code: 'preference_off', decided_by: expect.any(String) },
      },
    },
  ]);
  at().tidings.clock.now += 1000;
  await set({ email: false });
  const wet = await send({ recipients: [{ email: 'maria@example.com' }] });
  expect(wet.body).toMatchObject({
    accepted: 0,
    results: [
      { state: 'suppressed', code: 'all_channels_dropped', notification_id: null, channels: { sms: { plan: 'drop' } } },
    ],
  });
  expect(await count('deliveries')).toBe(0);
});
