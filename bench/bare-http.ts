import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { Agent, request } from 'undici';
import { rate } from './row.ts';

/** Requests/s of undici by itself, so many at once. @param urls one of each request */
export async function bareHttp(urls: readonly string[], concurrency: number, body: string): Promise<number> {
  const dispatcher = new Agent({ connections: concurrency });
  const headers = { 'content-type': 'application/json' };
  const result = await rate(urls.length, () =>
    inTurns(urls.length, concurrency, async (i) => {
      const response = await request(urls[i] as string, { method: 'POST', headers, body, dispatcher });
      await response.body.text();
    }),
  );
  await dispatcher.destroy();
  return result;
}

/** Requests/s of node:http2 by itself on one connection, so many at once. */
export async function bareHttp2(
  url: string,
  count: number,
  concurrency: number,
  { headers, body }: { readonly headers: { readonly [name: string]: string }; readonly body: string },
): Promise<number> {
  const session = connect(url);
  await once(session, 'connect');
  const result = await rate(count, () => inTurns(count, concurrency, () => sendStream(session, headers, body)));
  session.destroy();
  return result;
}

async function sendStream(
  session: ClientHttp2Session,
  headers: { readonly [name: string]: string },
  body: string,
): Promise<void> {
  const stream = session.request({ ':method': 'POST', ...headers });
  stream.resume();
  stream.end(body);
  await once(stream, 'close');
}

/** Runs `work` for 0, 1, 2, …, so many at once. */
async function inTurns(count: number, concurrency: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, run));
}
