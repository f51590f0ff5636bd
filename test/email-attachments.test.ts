import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createFetchFiles } from '../src/channels/email/fetch-files.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { deliveryCatalog, useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

/** The files of an email are fetched from their URLs when it is sent. */

const start = useDeliveries();
const local = new GuardedClient((url) => url.hostname === '127.0.0.1');
const strict = new GuardedClient();
let server: Server;
let base = '';
let answer: { status: number; body?: Buffer; headers?: { [name: string]: string } } = { status: 200 };
let asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(answer.status, { 'content-type': 'application/pdf', ...answer.headers });
    response.end(answer.body ?? Buffer.from([0x25, 0x50, 0xff, 0x00]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  answer = { status: 200 };
  asked = [];
});

afterAll(async () => {
  await Promise.all([local.close(), strict.close()]);
  server.close();
});

const FILES = {
  'templates/MAIL/email.en.attachments.yaml': `
- { url: "{{event.invoice_url}}", name: "invoice {{event.n}}.pdf" }
- { url: "{{event.logo_url}}", name: logo.png, type: image/png, content_id: logo }`,
};

async function startMail(provider = fakeProvider(), http = local) {
  const tidings = await start({ email: provider });
  await tidings.apply(deliveryCatalog(FILES));
  await tidings.worker({ fetchFiles: createFetchFiles(http, () => tidings.clock.now) });
  return { tidings, provider };
}

test('an email has the files that its template names, byte by byte', async () => {
  const { tidings, provider } = await startMail();
  const id = await tidings.post('mail', { n: 7, invoice_url: `${base}/i/7`, logo_url: `${base}/logo` });
  await tidings.becomes(id, 'sent');
  const content = Buffer.from([0x25, 0x50, 0xff, 0x00]);
  expect(provider.calls[0]?.message.attachments).toEqual([
    { name: 'invoice 7.pdf', type: 'application/pdf', content },
    { name: 'logo.png', type: 'image/png', content, contentId: 'logo' },
  ]);
  expect(asked).toEqual(['/i/7', '/logo']);
});

test('a file whose URL is missing is left out, and without any nothing is fetched', async () => {
  const { tidings, provider } = await startMail();
  await tidings.becomes(await tidings.post('mail', { n: 7 }), 'sent');
  expect(provider.calls[0]?.message).not.toHaveProperty('attachments');
  expect(asked).toEqual([]);
});

test.each([
  [404, 'dead', /^Rejected: the attachment "invoice 7.pdf" cannot be fetched: its server says 404/],
  [302, 'dead', /its server says 302/],
  [503, 'queued', /the attachment "invoice 7.pdf" cannot be fetched: its server says 503/],
  [429, 'queued', /its server says 429/],
] as const)('a file answered with %i is not sent without: %s', async (status, expected, reason) => {
  const { tidings, provider } = await startMail();
  answer = { status, headers: { location: 'http://127.0.0.1/other' } };
  const id = await tidings.post('mail', { n: 7, invoice_url: `${base}/i/7` });
  await expect.poll(async () => (await tidings.delivery(id))?.attempts_made).toBe(1);
  await tidings.becomes(id, expected);
  expect((await tidings.delivery(id))?.reason).toMatch(reason);
  expect(provider.calls).toEqual([]);
});

test('files beyond the bound in bytes are rejected', async () => {
  const { tidings } = await startMail();
  answer = { status: 200, body: Buffer.alloc(6 * 1024 * 1024) };
  const id = await tidings.post('mail', { n: 7, invoice_url: `${base}/i`, logo_url: `${base}/l` });
  await tidings.becomes(id, 'dead');
  expect((await tidings.delivery(id))?.reason).toContain('the attachments have more than 10485760 bytes');
});

test('a web page is not sent as a file', async () => {
  const { tidings } = await startMail();
  answer = { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } };
  const id = await tidings.post('mail', { n: 7, invoice_url: `${base}/i` });
  await tidings.becomes(id, 'dead');
  expect((await tidings.delivery(id))?.reason).toContain('is of the type text/html, which is not sent');
});

test.each([
  'https://127.0.0.1/x',
  'https://169.254.169.254/latest/meta-data',
  'https://[::ffff:10.0.0.1]/x',
  'http://example.com/x',
  'file:///etc/passwd',
  'https://localhost/x',
])('nothing is fetched from %s', async (url) => {
  const { tidings, provider } = await startMail(fakeProvider(), strict);
  const id = await tidings.post('mail', { n: 7, invoice_url: url });
  await tidings.becomes(id, 'dead');
  expect((await tidings.delivery(id))?.reason).toMatch(/cannot be fetched: its URL /);
  expect(provider.calls).toEqual([]);
});

test('nothing is fetched for a message that goes nowhere', async () => {
  const provider = fakeProvider(() => ({ kind: 'sandboxed' }), { isSubstitute: true });
  const { tidings } = await startMail(provider);
  await tidings.becomes(await tidings.post('mail', { n: 7, invoice_url: `${base}/i` }), 'sandboxed');
  expect(asked).toEqual([]);
});

test('more emails with files than may be held at once wait for their turn, and are all sent', async () => {
  const { tidings, provider } = await startMail();
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, n) => tidings.post('mail', { user: `u${n}`, n, invoice_url: `${base}/i` })),
  );
  for (const id of ids) {
    await expect
      .poll(async () => {
        tidings.clock.now += 1000;
        return (await tidings.delivery(id))?.status;
      })
      .toBe('sent');
  }
  expect(provider.calls).toHaveLength(20);
  expect(provider.calls.every(({ attempt }) => attempt === 1)).toBe(true);
});
