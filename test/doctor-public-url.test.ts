import { afterEach, expect, test, vi } from 'vitest';
import { checkPublicUrl } from '../src/cli/doctor/public-url.ts';

/** `tidings doctor`: whether the public URL leads to this installation. */

const URL = 'https://tidings.bank.pt';

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Checks a URL at which this answers. */
function check(answer: () => Response | Promise<Response>) {
  const asked: [string, RequestInit][] = [];
  vi.stubGlobal('fetch', async (url: string, options: RequestInit) => {
    asked.push([url, options]);
    return answer();
  });
  return checkPublicUrl(URL, true).then((verdict) => ({ verdict, asked }));
}

const json = (body: object) => Response.json(body);

test('the health of Tidings is asked for once, with a time limit and without following redirects', async () => {
  const { verdict, asked } = await check(() => json({ status: 'live' }));
  expect(verdict).toEqual({ status: 'ok', detail: `${URL} leads to Tidings` });
  expect(asked).toEqual([[`${URL}/healthz/live`, expect.objectContaining({ redirect: 'manual' })]]);
  expect(asked[0]?.[1].signal).toBeInstanceOf(AbortSignal);
});

test.each([
  ['nobody', () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })), /ECONNREFUSED/],
  ['a server that is too slow', () => Promise.reject(new DOMException('late', 'TimeoutError')), /within 5 s/],
  ['a redirect', () => new Response(null, { status: 301, headers: { location: 'https://x.pt' } }), /redirects/],
  [
    'the page of a proxy',
    () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
    /another program/,
  ],
  ['another program', () => json({ status: 'up' }), /another program/],
  ['garbage', () => new Response('{"sta', { headers: { 'content-type': 'application/json' } }), /another program/],
  ['no end', () => json({ status: 'live', more: 'x'.repeat(100_000) }), /another program/],
])('%s fails, with advice', async (_, answer, detail) => {
  const { verdict } = await check(answer);
  expect(verdict).toMatchObject({ status: 'fail', detail: expect.stringMatching(detail) });
  expect(verdict.advice).toContain('TIDINGS_PUBLIC_URL');
});

test('no URL is a warning only if messages leave this machine, and http:// always is one', async () => {
  expect(await checkPublicUrl(null, false)).toMatchObject({ status: 'ok' });
  expect(await checkPublicUrl(null, true)).toMatchObject({
    status: 'warn',
    advice: expect.stringContaining('https://'),
  });
  expect(await checkPublicUrl('http://localhost:8000', false)).toMatchObject({ status: 'warn' });
});

test('a server to which requests show another URL is a warning that names the headers', async () => {
  const answer = (said: string) => () =>
    Response.json({ status: 'live' }, { headers: { 'x-tidings-public-url': said } });
  expect((await check(answer('agrees'))).verdict).toMatchObject({ status: 'ok' });
  expect((await check(answer('host, x-forwarded-proto'))).verdict).toMatchObject({
    status: 'warn',
    detail: `requests to ${URL} show another URL to Tidings, by host, x-forwarded-proto`,
    advice: expect.stringContaining('X-Forwarded-Host'),
  });
});
