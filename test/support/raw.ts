import { Agent, request } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the route answers; tests look into it
  readonly body: any;
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** One request exactly as written: no path is tidied up, no header is added but what HTTP itself needs. */
export function raw(
  url: string,
  {
    method = 'GET',
    path,
    headers = {},
    body,
  }: {
    method?: string;
    path: string;
    headers?: Record<string, string | string[]>;
    body?: string | Buffer;
  },
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body as string);
    const length: Record<string, string> = bytes ? { 'content-length': String(bytes.length) } : {};
    const outgoing = request({ hostname, port, method, path, headers: { ...length, ...headers }, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const type = answer.headers['content-type'] ?? '';
        resolve({
          status: answer.statusCode ?? 0,
          type,
          text,
          body: /json/.test(type) && text ? JSON.parse(text) : text,
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

/** POST of a JSON text, whatever it holds. */
export function postRaw(url: string, path: string, body: string | Buffer): Promise<RawAnswer> {
  return raw(url, { method: 'POST', path, headers: { 'content-type': 'application/json' }, body });
}
