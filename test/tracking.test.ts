import { expect, test } from 'vitest';
import { PUBLIC_URL, type ReceiptTidings, useReceipts } from './support/receipts.ts';

/** Opens and clicks by a picture and links of our own: signed, off by default, never in SECURITY. */

const start = useReceipts();
const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0' };
const HTML = `<html><body><a class=x href="https://shop.example/a?b=1&amp;c=2">A</a> <a href='mailto:a@b.example'>Mail</a>
<!-- <a href="https://no.example/">no</a> --><a href="#top">Top</a><A HREF=https://two.example/>B</A></body></html>`;

async function startTracked(tracking = 'tracking: all', settings: object = {}): Promise<ReceiptTidings> {
  const files = {
    'notifications.yaml': `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email] }
  PROMO: { category: OPERATIONAL, channels: [email]${tracking === '' ? '' : `, ${tracking}`} }
  NEWS: { category: OPERATIONAL, channels: [email] }
  CODE: { category: SECURITY, channels: [email] }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }
  STEPS: { category: TRANSACTIONAL, channels: [email, sms] }`,
    ...Object.fromEntries(['PROMO', 'NEWS', 'CODE'].map((type) => [`templates/${type}/email.en.html`, HTML])),
  };
  const all = await start({ files });
  const { pool } = all.tidings.database;
  await pool.query(`update tenants set settings = $1 where tenant_id = 'default'`, [JSON.stringify(settings)]);
  return all;
}

/** Returns the paths of the picture and of the links of the last email. */
function pathsOf({ email }: ReceiptTidings) {
  const html = email.calls.at(-1)?.message.html ?? '';
  const found = (kind: 'o' | 'c') =>
    [...html.matchAll(new RegExp(`"${PUBLIC_URL}(/t/${kind}\\?m=[^"]+)"`, 'g'))].map(([, path]) => path as string);
  return { html, pixel: found('o')[0] as string, links: found('c') };
}

const wait = ({ tidings }: ReceiptTidings) => {
  tidings.clock.now += 60_000;
};

test('email is as its template made it, unless tracking is switched on', async () => {
  const all = await startTracked('');
  await all.send('promo');
  expect(pathsOf(all).html).toBe(HTML);
});

test('links of http are tracked, and no others; the picture is the last of the body', async () => {
  const all = await startTracked();
  const id = await all.send('promo');
  const { html, links, pixel } = pathsOf(all);
  expect(links.length).toBe(2);
  expect(html).toContain(`<a class=x href="${PUBLIC_URL}/t/c?m=`);
  expect(html).toContain(`<a href='mailto:a@b.example'>Mail</a>\n<!-- <a href="https://no.example/">no</a> -->`);
  expect(html).toMatch(/<img src="[^"]+" width="1" height="1" alt="" style="display:none"><\/body><\/html>$/);
  expect(pixel).toBeDefined();
  expect((await all.tidings.database.pool.query('select from messages')).rowCount).toBe(0);
  expect(await all.tidings.delivery(id)).toMatchObject({ receipt_flags: [] });
});

test('the picture notes an open, a link a click, and leads where the template said', async () => {
  const all = await startTracked();
  const id = await all.send('promo');
  wait(all);
  const { pixel, links } = pathsOf(all);
  const picture = await all.server.get(pixel, BROWSER);
  expect(picture.status).toBe(200);
  expect(picture.headers.get('content-type')).toBe('image/gif');
  expect(picture.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
  expect(await all.tidings.delivery(id)).toMatchObject({ receipt_state: 'delivered', receipt_flags: ['opened'] });
  const page = await fetch(`${all.server.url}${links[0]}&utm_source=mail`, { redirect: 'manual', headers: BROWSER });
  expect([page.status, page.headers.get('location')]).toEqual([302, 'https://shop.example/a?b=1&c=2']);
  await fetch(`${all.server.url}${links[0]}`, { redirect: 'manual', headers: BROWSER });
  expect(await all.tidings.delivery(id)).toMatchObject({ receipt_flags: ['opened', 'clicked'] });
  expect((await all.tidings.database.pool.query('select from receipts')).rowCount).toBe(2);
});

test('a link whose destination was changed leads nowhere, nor does a picture that is used as a link', async () => {
  const all = await startTracked();
  await all.send('promo');
  const { pixel, links } = pathsOf(all);
  const [, token = ''] = (links[0] as string).split('m=');
  const [body = '', signature = ''] = token.split('.');
  const evil = Buffer.from(Buffer.from(body, 'base64url').toString().replace('shop.example', 'evil.example'));
  for (const path of [
    `/t/c?m=${evil.toString('base64url')}.${signature}`,
    '/t/c?m=https://evil.example/',
    `/t/c?m=${body}.`,
    (links[0] as string).replace('/t/c', '/t/o'),
    pixel.replace('/t/o', '/t/c'),
  ]) {
    const answer = await fetch(`${all.server.url}${path}`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([404, null]);
  }
  expect((await fetch(`${all.server.url}/t/c`, { redirect: 'manual' })).status).toBe(400);
  expect((await all.tidings.database.pool.query('select from receipts')).rowCount).toBe(0);
});

test.each([
  ['HEAD', 'HEAD', BROWSER],
  ['a prefetching browser', 'GET', { ...BROWSER, 'sec-purpose': 'prefetch' }],
  ['a security scanner', 'GET', { 'user-agent': 'Mozilla/5.0 (compatible; Proofpoint URL Defense)' }],
  ['Apple Mail Privacy Protection', 'GET', { 'user-agent': 'Mozilla/5.0' }],
  ['a program', 'GET', { 'user-agent': 'curl/8.5.0' }],
])('%s is a machine: noted apart, and no reader', async (_name, method, headers) => {
  const all = await startTracked();
  const id = await all.send('promo');
  wait(all);
  const { pixel, links } = pathsOf(all);
  for (const path of [pixel, links[0]])
    await fetch(`${all.server.url}${path}`, {
      method,
      redirect: 'manual',
      headers: Object.entries(headers) as [string, string][],
    });
  expect(await all.tidings.delivery(id)).toMatchObject({ receipt_flags: ['machine_opened', 'machine_clicked'] });
});

test('what comes within seconds of the send is a machine, whatever browser it names; later it is the reader', async () => {
  const all = await startTracked();
  const id = await all.send('promo');
  const { pixel } = pathsOf(all);
  await all.server.get(pixel, BROWSER);
  expect(await all.tidings.delivery(id)).toMatchObject({ receipt_flags: ['machine_opened'] });
  wait(all);
  await all.server.get(pixel, BROWSER);
  expect(await all.tidings.delivery(id)).toMatchObject({ receipt_flags: ['opened', 'machine_opened'] });
});

test('a tenant switches it on for all its types but SECURITY; a type switches it off', async () => {
  const all = await startTracked('tracking: none', { tracking: 'opens' });
  await all.send('promo');
  expect(pathsOf(all).html).toBe(HTML);
  await all.send('code');
  expect(pathsOf(all).html).toBe(HTML);
  await all.send('news');
  expect(pathsOf(all)).toMatchObject({ links: [], pixel: expect.any(String) });
});

test('a type of SECURITY that asks for tracking is a mistake of the catalog', async () => {
  const { tidings } = await startTracked();
  const files = new Map([
    ['notifications.yaml', 'notifications: { CODE: { category: SECURITY, channels: [email], tracking: opens } }'],
  ]);
  await expect(tidings.apply(files)).rejects.toThrow(/a SECURITY message is never tracked/);
});
