import { pino } from 'pino';
import { expect, test } from 'vitest';
import { signPreferences } from '../src/privacy/preferences-token.ts';
import { testServer } from './support/http.ts';
import { PUBLIC_URL, useReceipts } from './support/receipts.ts';

/** The page of preferences behind a link in a message: what its holder sees, and may change. */

const start = useReceipts();
const DAY = 86_400_000;

const FILES = {
  'templates/MAIL/email.en.txt': 'Your messages: {{preferences_url}}',
  'templates/PREFERENCES_LINK/email.en.subject.txt': 'Your link',
  'templates/PREFERENCES_LINK/email.en.txt': 'Here it is: {{preferences_url}}',
  'notifications.yaml': `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email] }
  PROMO: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email], description: Sales & more }
  NEWS: { category: OPERATIONAL, channels: [email] }
  CODE: { category: SECURITY, channels: [email] }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }
  STEPS: { category: TRANSACTIONAL, channels: { first_of: [email, sms], wait: 1d, until: delivered } }
  PREFERENCES_LINK: { category: TRANSACTIONAL, channels: [email] }`,
};
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

async function open() {
  const world = await start({ files: FILES });
  await world.send('mail');
  const [, url = ''] = /Your messages: (\S+)/.exec(world.email.calls[0]?.message.text ?? '') ?? [];
  const path = url.slice(PUBLIC_URL.length);
  const { server, tidings } = world;
  const post = (form: readonly (readonly [string, string])[], at = path) => {
    tidings.clock.now += 1000;
    return server.post(
      at,
      new URLSearchParams(form.map(([name, value]): [string, string] => [name, value])).toString(),
      FORM,
    );
  };
  const preferences = async (userId: string) =>
    (await server.get(`/api/v1/users/${userId}/preferences`)).body.types as readonly Cells[];
  const cell = async (type: string, userId = 'u1') =>
    (await preferences(userId)).find((one) => one.type === type)?.channels.email;
  return { ...world, url, path, post, cell };
}
interface Cells {
  readonly type: string;
  readonly channels: { readonly [channel: string]: { readonly on: boolean; readonly decided_by: object } };
}
const shownBy = (html: string) => [...html.matchAll(/name="shown" value="([^"]+)"/g)].map(([, scope = '']) => scope);
const onBy = (html: string) => [...html.matchAll(/value="([^"]+)" checked>/g)].map(([, scope = '']) => scope);
const formOf = (html: string, off: readonly string[] = [], on: readonly string[] = []) => [
  ...shownBy(html).map((scope) => ['shown', scope] as const),
  ...[...onBy(html).filter((scope) => !off.includes(scope)), ...on].map((scope) => ['on', scope] as const),
  ['action', 'save'] as const,
];

test('the link of a message shows the switches of its reader, the address masked, and nothing is stored or changed by it', async () => {
  const { server, url, path, tidings } = await open();
  expect(url.startsWith(`${PUBLIC_URL}/preferences/`)).toBe(true);
  const { status, body, headers } = await server.get(path);
  expect(status).toBe(200);
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(body).not.toMatch(/u1@example\.com|<script|READER/);
  expect(body).toContain('u…@example.com');
  expect(body).toContain('Sales &amp; more');
  expect(shownBy(body)).toEqual(expect.arrayContaining(['*', 'ch:email', 'c:MARKETING/email', 't:PROMO/email']));
  expect(shownBy(body)).not.toContain('t:CODE/email');
  expect(body).toContain('necessary, always on');
  expect((await tidings.database.pool.query('select terms from users')).rows).toEqual([{ terms: null }]);
});

test('a form changes what it showed and the reader changed, and nothing else', async () => {
  const { server, path, post, cell, tidings } = await open();
  const { body } = await server.get(path);
  const saved = await post(formOf(body, ['t:NEWS/email']));
  expect(saved.body).toContain('Your choice is saved.');
  expect(await cell('NEWS')).toMatchObject({ on: false, decided_by: { level: 'user: type NEWS / email' } });
  expect(await cell('PROMO')).toMatchObject({ on: true, decided_by: { code: 'default_on' } });
  await post(formOf((await server.get(path)).body, [], ['t:NEWS/email']));
  expect(await cell('NEWS')).toMatchObject({ on: true });
  // Required, and not shown.
  await post([
    ['shown', 't:CODE/email'],
    ['shown', 't:UNKNOWN/email'],
    ['action', 'save'],
  ]);
  expect(await cell('CODE')).toMatchObject({ on: true });
  const { rows } = await tidings.database.pool.query(
    `select properties from events where event_type = 'preference.updated'`,
  );
  expect(rows.map(({ properties }) => properties.by)).toEqual(Array(rows.length).fill({ kind: 'user', id: 'u1' }));
});

test('a switch is grey because of one above, and can be changed once that is on again', async () => {
  const { server, path, post, cell } = await open();
  const first = await post(formOf((await server.get(path)).body, ['c:MARKETING/email']));
  expect(shownBy(first.body)).not.toContain('t:PROMO/email');
  expect(first.body).toContain('turned off by a switch above');
  expect(await cell('PROMO')).toMatchObject({ on: false });
  await post(formOf(first.body, [], ['c:MARKETING/email']));
  expect(await cell('PROMO')).toMatchObject({ on: true, decided_by: { code: 'default_on' } });
  const none = await post(formOf((await server.get(path)).body, ['*']));
  expect(shownBy(none.body)).toEqual(['*']);
});

test('who turned a whole type off can turn on one of its channels', async () => {
  const { server, path, post, cell, tidings } = await open();
  tidings.clock.now += 1000;
  const change = { types: { NEWS: { enabled: false, frequency: 'NEVER', channels: [] } } };
  await server.send('PATCH', '/api/v1/users/u1/preferences', change);
  await post(formOf((await server.get(path)).body, [], ['t:NEWS/email']));
  expect(await cell('NEWS')).toMatchObject({ on: true });
});

test('an old link stops messages, and no more; it offers a new one by mail, one in an hour at most', async () => {
  const { server, path, post, cell, tidings, email } = await open();
  const { body } = await server.get(path);
  tidings.clock.now += 31 * DAY;
  const old = await server.get(path);
  expect(old.body).toContain('This link is old.');
  expect(shownBy(old.body)).toEqual([]);
  await post(formOf(body, ['t:NEWS/email']));
  expect(await cell('NEWS')).toMatchObject({ on: true });
  for (let n = 0; n < 3; n++) expect((await post([['action', 'fresh']])).body).toContain('A new link is on its way');
  await expect.poll(() => email.calls.length, { timeout: 30_000 }).toBe(2);
  const [, fresh = ''] = /Here it is: (\S+)/.exec(email.calls[1]?.message.text ?? '') ?? [];
  expect((await server.get(fresh.slice(PUBLIC_URL.length))).body).toContain('t:NEWS/email');
  expect((await post([['action', 'stop']])).body).toContain('You get only what is necessary');
  expect(await cell('NEWS')).toMatchObject({ on: false });
  expect(await cell('CODE')).toMatchObject({ on: true });
});

test('a user who has turned off the messages by which a new link comes reads that none is sent', async () => {
  const { post, path, email, tidings } = await open();
  tidings.clock.now += 31 * DAY;
  await post([['action', 'stop']]);
  const { body } = await post([['action', 'fresh']], path);
  expect(body).toContain('No link can be sent to you');
  expect(body).not.toContain('on its way');
  expect(email.calls).toHaveLength(1);
});

test('a link that was sent before a merge shows the page of the survivor, who has the address now', async () => {
  const { server, path, post, cell, tidings, send, email } = await open();
  await send('promo');
  const unsubscribe = String(email.calls[1]?.unsubscribeUrl).slice(PUBLIC_URL.length);
  tidings.clock.now += 1000;
  await server.send('PUT', '/api/v1/users/u9', { traits: { plan: 'pro' } });
  expect((await server.post('/api/v1/users/u1/merge', { into: 'u9' })).status).toBe(200);
  const page = await server.get(path);
  expect(page.status).toBe(200);
  expect(page.body).toContain('u…@example.com');
  await post(formOf(page.body, ['t:NEWS/email']));
  expect(await cell('NEWS', 'u9')).toMatchObject({ on: false, decided_by: { level: 'user: type NEWS / email' } });
  const done = await server.post(unsubscribe, 'List-Unsubscribe=One-Click', FORM);
  expect(done.status).toBe(200);
  expect(await cell('PROMO', 'u9')).toMatchObject({
    on: false,
    decided_by: { level: 'user: category MARKETING / email' },
  });
});

test('a link to an address that the user no longer has is as an old one', async () => {
  const { server, tidings } = await open();
  const claim = {
    tenantId: 'default',
    userId: 'u1',
    channel: 'email',
    addressHash: 'gone',
    issuedAt: tidings.clock.now,
  };
  const { body } = await server.get(`/preferences/${signPreferences(tidings.seal, claim)}`);
  expect(body).toContain('This link is old.');
  expect(body).not.toContain('example.com');
});

test('a link that was changed, and that of a user who is gone, are not found', async () => {
  const { server, path, tidings, post } = await open();
  const [body = '', signature = ''] = path.slice('/preferences/'.length).split('.');
  const other = Buffer.from(Buffer.from(body, 'base64url').toString().replace('u1', 'u2')).toString('base64url');
  for (const token of [
    `${other}.${signature}`,
    body,
    `${body}.`,
    'x',
    `${body}.${signature}x`,
    `${body}.${signature}.x`,
  ]) {
    expect((await server.get(`/preferences/${token}`)).status).toBe(404);
    expect((await post([['action', 'stop']], `/preferences/${token}`)).status).toBe(404);
  }
  const claim = { tenantId: 'default', userId: 'nobody', channel: 'email', addressHash: 'x', issuedAt: 0 };
  expect((await server.get(`/preferences/${signPreferences(tidings.seal, claim)}`)).status).toBe(404);
  const foreign = { ...claim, tenantId: 'unknown' };
  expect((await server.get(`/preferences/${signPreferences(tidings.seal, foreign)}`)).status).toBe(404);
});

test('who unsubscribed by one click finds that on the page, and lifts it there', async () => {
  const { server, send, email, post, cell, suppressions } = await open();
  await send('promo');
  const unsubscribe = String(email.calls[1]?.unsubscribeUrl).slice(PUBLIC_URL.length);
  const done = await server.post(unsubscribe, 'List-Unsubscribe=One-Click', FORM);
  const [, path = ''] = /href="(\/preferences\/[^"]+)"/.exec(done.body) ?? [];
  expect(await cell('PROMO')).toMatchObject({ on: false, decided_by: { level: 'user: category MARKETING / email' } });
  expect(await cell('NEWS')).toMatchObject({ on: true });
  const page = (await server.get(path)).body;
  expect(onBy(page)).not.toContain('c:MARKETING/email');
  await post(formOf(page, [], ['c:MARKETING/email']), path);
  expect(await suppressions()).toEqual([]);
  expect(await cell('PROMO')).toMatchObject({ on: true });
});

test('neither the link nor the address is in a log, at any level, also when something fails', async () => {
  const { path, tidings } = await open();
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const logged = await testServer(tidings, { log, publicUrl: PUBLIC_URL });
  try {
    const [, , token = ''] = path.split('/');
    const html = { accept: 'text/html' };
    for (const at of [path, `${path}x`, `/unsubscribe/${token}`]) {
      await logged.get(at, html);
      await logged.post(at, 'action=stop', { ...FORM, ...html });
    }
    // A link whose page cannot be loaded.
    await tidings.database.pool.query('alter table suppressions rename to suppressions_away');
    const failed = await logged.get(path, html);
    await tidings.database.pool.query('alter table suppressions_away rename to suppressions');
    expect(failed.status).toBe(500);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('')).not.toMatch(/u1@example\.com/);
    expect(lines.join('')).not.toContain(token.slice(0, 20));
  } finally {
    await logged.close();
  }
});

test.each([
  ['de-AT', 'Ihre Nachrichten'],
  ['es', 'Tus mensajes'],
  ['ar-EG', 'رسائلك'],
  ['ja', 'Your messages'],
])('the page is in the language of the user, %s', async (locale, title) => {
  const { server, path, tidings } = await open();
  await tidings.database.pool.query(`update users set traits = (traits::jsonb || $1)::json`, [{ locale }]);
  const { body } = await server.get(path);
  expect(body).toContain(`<h1>${title}</h1>`);
  const language = title === 'Your messages' ? 'en' : locale.slice(0, 2);
  expect(body).toContain(`<html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}">`);
});
