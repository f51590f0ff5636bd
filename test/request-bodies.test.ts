import { connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Bodies as clients really send them: with a byte order mark, compressed, too large, or with numbers that JSON cannot hold. */

const MIB = 1024 * 1024;

let tidings: TestTidings;
let server: TestServer;
let users = 0;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly accepted?: number;
  readonly rejected?: readonly { readonly code: string; readonly path: string; readonly message: string }[];
}

async function post(body: Buffer | string, headers: { readonly [name: string]: string } = {}) {
  const response = await fetch(`${server.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: response.status, body: (await response.json()) as Problem };
}

function eventText(properties = '{}'): string {
  return `{"user_id":"body ${users++}","event_type":"seen","event_timestamp":"2025-11-20T10:00:00Z","properties":${properties}}`;
}

describe('a byte order mark', () => {
  test('before a body is skipped', async () => {
    expect(await post(`\ufeff${eventText()}`)).toMatchObject({ status: 202, body: { accepted: 1 } });
  });
});

describe('a compressed body', () => {
  test.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['GZIP', gzipSync],
    ['identity', Buffer.from],
  ] as const)('with content-encoding %s is read', async (encoding, compress) => {
    const body = compress(Buffer.from(`[${eventText()},${eventText()}]`));
    expect(await post(body, { 'content-encoding': encoding })).toMatchObject({ status: 202, body: { accepted: 2 } });
  });

  test('is bounded after decompression', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * MIB));
    expect(bomb.length).toBeLessThan(MIB);
    expect(await post(bomb, { 'content-encoding': 'gzip' })).toMatchObject({
      status: 413,
      body: { code: 'payload_too_large', detail: 'A body may have at most 5 MiB; send less at a time.' },
    });
  });

  test('that is broken, or cut off, is named as such', async () => {
    const whole = gzipSync(eventText());
    for (const body of [Buffer.from('not gzip'), whole.subarray(0, -9)]) {
      expect(await post(body, { 'content-encoding': 'gzip' })).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', detail: expect.stringContaining('not gzip') },
      });
    }
  });

  test.each(['zstd', 'gzip, br', 'constructor'])('with content-encoding %s is rejected by name', async (encoding) => {
    expect(await post(eventText(), { 'content-encoding': encoding })).toMatchObject({
      status: 415,
      body: { code: 'unsupported_media_type', detail: expect.stringContaining('gzip, deflate and br') },
    });
  });
});

describe('a body that is not JSON', () => {
  test.each([
    ['{"a" 1}', 'line 1, column 6'],
    ['[\n  {"a": 1},\n  {"b": 2,}\n]', 'line 3, column 11'],
    ['user_id=1', 'line 1, column 1'],
    ["{'a': 1}", 'line 1, column 2'],
    ['{"a": 1', 'line 1, column 8'],
    ['// note\n{}', 'line 1, column 1'],
  ])('%j: the place of the first error is named', async (body, place) => {
    expect(await post(body)).toMatchObject({
      status: 400,
      body: { code: 'invalid_json', detail: `The body is not valid JSON: the first error is at ${place}.` },
    });
  });

  test('is rejected however deep it is nested', async () => {
    expect(await post('['.repeat(MIB))).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
  });

  test('the place of a byte that is not UTF-8 is named', async () => {
    const body = Buffer.concat([Buffer.from('{"a":"é\ufffd'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(await post(body)).toMatchObject({ status: 400, body: { detail: 'The body is not UTF-8 at byte 11.' } });
  });
});

describe('a whole number beyond 2^53', () => {
  test.each(['9007199254740993', '-9007199254740993', '12345678901234567890', '1234567890123456789012345.0'])(
    '%s is rejected with its path, because its digits would change',
    async (number) => {
      const { status, body } = await post(`[${eventText(`{"account":[{"id":${number}}]}`)},${eventText()}]`);
      expect(status).toBe(202);
      expect(body).toMatchObject({
        accepted: 1,
        rejected: [{ code: 'invalid_content', path: 'properties.account[0].id' }],
      });
      expect(body.rejected?.[0]?.message).toContain('send it as text');
    },
  );

  test.each(['9007199254740991', '1e23', '100000000000000000000', '0.1234567890123456789', '"9007199254740993"'])(
    '%s is accepted: its digits stay, or it is a fraction',
    async (number) => {
      expect(await post(eventText(`{"id":${number}}`))).toMatchObject({ status: 202, body: { accepted: 1 } });
    },
  );

  test('two ids that differ in the last digit are never one event', async () => {
    const event = (id: string) =>
      `{"user_id":"same","event_type":"seen","event_timestamp":"2025-11-20T10:00:00Z","properties":{"id":${id}}}`;
    const { body } = await post(`[${event('9007199254740992')},${event('9007199254740993')}]`);
    expect(body).toMatchObject({ accepted: 1, rejected: [{ path: 'properties.id' }] });
  });

  test('stays rejected when it is retried as it was', async () => {
    const { body } = await post(eventText('{"retried":9007199254740993}'));
    expect(body.rejected).toHaveLength(1);
    const { rejected } = (await (await fetch(`${server.url}/api/v1/events/rejected`)).json()) as {
      rejected: { rejected_id: string; path: string; event: unknown }[];
    };
    const found = rejected.find(({ path }) => path === 'properties.retried');
    expect(found?.event).toMatchObject({ properties: { retried: expect.stringContaining('…') } });
    const response = await fetch(`${server.url}/api/v1/events/rejected/${found?.rejected_id}/retry`, {
      method: 'POST',
    });
    expect(response.status).toBe(422);
  });
});

describe('a body that is too large', () => {
  test.each(['with its length', 'in chunks'])('%s: the 413 reaches a client that is still writing', async (how) => {
    expect(await writeThenRead(30 * MIB, how === 'in chunks')).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('without an end: the connection is closed', async () => {
    expect(await writeThenRead(200 * MIB, false)).toBe('closed');
  });

  test('leaves the server ready for others', async () => {
    expect(await post(eventText())).toMatchObject({ status: 202 });
    const [result] = await tidings.pipeline.ingest(TENANT, [JSON.parse(eventText())]);
    expect(result?.status).toBe('accepted');
  });
});

/** Writes a body of this size, and only then reads. Returns the beginning of the response, or `closed`. */
function writeThenRead(bytes: number, isChunked: boolean): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const block = Buffer.alloc(64 * 1024, ' ');
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const end = (outcome: string) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.on('error', () => end('closed'));
    socket.on('close', () => end('closed'));
    const framing = isChunked ? 'transfer-encoding: chunked' : `content-length: ${bytes}`;
    socket.write(
      `POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${framing}\r\n\r\n`,
    );
    let left = bytes;
    const write = () => {
      for (let isDrained = true; left > 0 && isDrained; left -= block.length) {
        if (isChunked) socket.write(`${block.length.toString(16)}\r\n`);
        isDrained = socket.write(isChunked ? Buffer.concat([block, Buffer.from('\r\n')]) : block);
      }
      if (left > 0) socket.once('drain', write);
      else {
        if (isChunked) socket.write('0\r\n\r\n');
        socket.once('data', (data) => end(data.toString().slice(0, 40)));
      }
    };
    write();
  });
}
