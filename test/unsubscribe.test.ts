import { expect, test } from 'vitest';
import { eventOf } from './support/deliveries.ts';
import { PUBLIC_URL, useReceipts } from './support/receipts.ts';

/** The link with which the reader of an email unsubscribes by one click (RFC 8058). */

const start = useReceipts();

test('mail that is part of the service itself has no link', async () => {
  const { send, email } = await start();
  await send('mail');
  await send('code');
  expect(email.calls.map(({ unsubscribeUrl }) => unsubscribeUrl)).toEqual([undefined, undefined]);
});

test('GET shows a button and changes nothing; POST acts, and may be repeated', async () => {
  const { send, email, server, suppressions, tidings } = await start();
  const id = await send('promo');
  const url = email.calls[0]?.unsubscribeUrl as string;
  expect(url.startsWith(`${PUBLIC_URL}/unsubscribe/`)).toBe(true);
  expect(url).not.toContain('u1');
  const path = url.slice(PUBLIC_URL.length);
  const page = await server.get(path);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.body).toContain('<form method="post"><button type="submit">Unsubscribe</button></form>');
  expect(await suppressions()).toEqual([]);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  expect((await server.post(path, 'List-Unsubscribe=One-Click', form)).status).toBe(200);
  expect((await server.post(path, undefined)).status).toBe(200);
  expect(
    (await server.post(path, 'List-Unsubscribe=One-Click', { 'content-type': 'multipart/form-data; boundary=x' }))
      .status,
  ).toBe(200);
  expect(await suppressions()).toMatchObject([
    { scope: 'category:MARKETING', reason: 'unsubscribed', evidence: { source: 'link', delivery_id: id } },
  ]);
  // Their address is suppressed, and what is decided for them from then on is not sent in the first place.
  const traits = { email: 'u1@example.com' };
  const [next] = await tidings.ingest([eventOf('promo' as 'mail', { user: 'u1', traits })]);
  expect(next?.decisions).toMatchObject([{ outcome: 'suppressed', reason_code: 'all_channels_dropped' }]);
  await send('mail');
  await send('news');
});

test('a link that was changed is not found', async () => {
  const { send, email, server, suppressions } = await start();
  await send('news');
  const path = String(email.calls[0]?.unsubscribeUrl).slice(PUBLIC_URL.length);
  const [, , token = ''] = path.split('/');
  const [body = '', signature = ''] = token.split('.');
  const other = Buffer.from(Buffer.from(body, 'base64url').toString().replace('OPERATIONAL', 'SECURITY'));
  for (const changed of [`${other.toString('base64url')}.${signature}`, body, `${body}.`, 'x', `${body}.${signature}x`])
    expect((await server.post(`/unsubscribe/${changed}`)).status).toBe(404);
  expect(await suppressions()).toEqual([]);
});

test('a mail program that is a page, and our own page in a browser that tells no origin, unsubscribe as well', async () => {
  const { send, email, server, suppressions } = await start();
  await send('promo');
  const path = String(email.calls[0]?.unsubscribeUrl).slice(PUBLIC_URL.length);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const origins = [{ origin: 'null' }, { origin: 'https://mail.example' }, { 'sec-fetch-site': 'cross-site' }];
  for (const origin of origins)
    expect((await server.post(path, 'List-Unsubscribe=One-Click', { ...form, ...origin })).status).toBe(200);
  expect(await suppressions()).toMatchObject([{ scope: 'category:MARKETING', reason: 'unsubscribed' }]);
});

test('a mail service may unsubscribe many of its readers from one address', async () => {
  const { send, email, server, suppressions } = await start();
  await send('promo');
  const path = String(email.calls[0]?.unsubscribeUrl).slice(PUBLIC_URL.length);
  for (let n = 0; n < 610; n++) await server.get(path);
  expect((await server.post(path, 'List-Unsubscribe=One-Click')).status).toBe(200);
  expect(await suppressions()).toHaveLength(1);
});
