import { request } from 'node:http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Tidings } from '../packages/client/src/tidings.ts';
import { splitLines } from '../src/notify/batches/split-lines.ts';
import { batchesOf, NDJSON, sumOf } from './support/batches.ts';
import { useNotifications } from './support/notifications.ts';

/** The recipients of a batch arrive as a stream, and can be resumed. */

const at = useNotifications();

test('lines that are stored already are passed over, and a gap is an error that says where to go on', async () => {
  const { create, add, get, results } = batchesOf(at());
  const id = await create();
  const lines = Array.from({ length: 10 }, (_, n) => ({ user_id: `u${n}` }));
  expect((await add(id, lines.slice(0, 4))).lines).toEqual([{ offset: 4, stored: 4, known: 0, rejected: 0, empty: 0 }]);
  const gap = await add(id, lines.slice(6), 6);
  expect([gap.status, gap.lines[0].code, gap.lines[0].detail]).toEqual([
    409,
    'wrong_offset',
    expect.stringContaining('offset=4'),
  ]);
  expect((await add(id, lines.slice(2), 2)).lines).toEqual([
    { offset: 10, stored: 6, known: 2, rejected: 0, empty: 0 },
  ]);
  expect((await add(id, lines)).lines).toEqual([{ offset: 10, stored: 0, known: 10, rejected: 0, empty: 0 }]);
  expect((await get(id)).lines).toBe(10);
  expect((await results(id)).map(({ user_id }) => user_id)).toEqual(lines.map(({ user_id }) => user_id));
});

test('an upload that breaks off keeps what arrived, and goes on from there', async () => {
  const { server } = at();
  const { create, add, get } = batchesOf(at());
  const id = await create();
  const lines = Array.from({ length: 2500 }, (_, n) => ({ user_id: `u${n}` }));
  const upload = request(`${server.url}/api/v1/batches/${id}/recipients`, { method: 'PUT', headers: NDJSON });
  upload.on('error', () => undefined);
  upload.write(
    lines
      .slice(0, 2200)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  );
  await expect.poll(async () => (await get(id)).lines, { timeout: 20_000 }).toBe(2000);
  upload.destroy();
  const { lines: offset } = await get(id);
  expect((await add(id, lines.slice(offset), offset)).lines.at(-1)).toMatchObject({ offset: 2500, stored: 500 });
});

test.each([
  ['no JSON', '{"user_id":', 'invalid_json'],
  ['no object', '[1]', 'invalid_line'],
  ['no recipient', '{"variables":{}}', 'invalid_line'],
  ['two recipients', '{"user_id":"u","email":"a@example.com"}', 'invalid_line'],
  ['an unknown field', '{"userid":"u"}', 'invalid_line'],
  ['an id that is no text', '{"user_id":7}', 'invalid_line'],
  ['an id with U+0000', '{"user_id":"a\\u0000"}', 'invalid_line'],
  ['no address', '{"email":"nowhere"}', 'invalid_recipient'],
  ['no number', '{"phone":"12"}', 'invalid_recipient'],
  ['variables that are a list', '{"user_id":"u","variables":[1]}', 'invalid_line'],
  ['variables that are deep', `{"user_id":"u","variables":{"a":${'['.repeat(60)}${']'.repeat(60)}}}`, 'invalid_line'],
  ['a long line', `{"user_id":"u","variables":{"a":"${'x'.repeat(70_000)}"}}`, 'line_too_long'],
])('a line with %s is rejected, and stored as one', async (_what, line, code) => {
  const { create, add, get } = batchesOf(at());
  const id = await create();
  const answer = await add(id, [line, { user_id: 'u1' }]);
  expect(answer.lines).toEqual([
    { line: 0, code, message: expect.any(String) },
    { offset: 2, stored: 2, known: 0, rejected: 1, empty: 0 },
  ]);
  expect(answer.lines[0].message).not.toMatch(/nowhere/);
  expect(await get(id)).toMatchObject({ counts: { pending: 1, rejected: 1 }, codes: { rejected: { [code]: 1 } } });
});

test('another media type, a compressed body and an unknown batch are rejected', async () => {
  const { server } = at();
  const { create } = batchesOf(at());
  const path = (id: string) => `/api/v1/batches/${id}/recipients`;
  const id = await create();
  expect((await server.send('PUT', path(id), { user_id: 'u1' })).status).toBe(415);
  expect((await server.send('PUT', path(id), '', { ...NDJSON, 'content-encoding': 'gzip' })).status).toBe(415);
  expect((await server.send('PUT', path('no-id'), '', NDJSON)).status).toBe(404);
  expect((await server.send('POST', '/api/v1/events', '{}', NDJSON)).status).toBe(415);
});

test('the client sends any iterable in parts, waits for the end and lists the results', async () => {
  const { tidings, server } = at();
  const client = new Tidings({ baseUrl: server.url });
  const { batch_id: id } = await client.batches.create({ type: 'ORDER', channels: ['email'] });
  async function* recipients() {
    for (let n = 0; n < 10_050; n++) yield n === 10_001 ? { email: 'none' } : { user_id: `u${n % 40}` };
  }
  const upload = await client.batches.addRecipients(id, recipients());
  expect(upload).toMatchObject({ lines: 10_050, rejected: 1, errors: [{ line: 10_001, code: 'invalid_recipient' }] });
  await client.batches.start(id);
  await tidings.worker();
  tidings.batches();
  const ended = await client.batches.wait(id);
  expect(ended).toMatchObject({ state: 'finished', counts: { failed: 40, duplicate: 10_009, rejected: 1 } });
  expect(sumOf(ended as never)).toBe(10_050);
  const rejected = [];
  for await (const one of client.batches.results(id, { state: 'rejected' })) rejected.push(one.line);
  expect(rejected).toEqual([10_001]);
});

test('addresses and variables of lines are sealed, and the lines of an erased user are empty', async () => {
  const { tidings, server, user } = at();
  const { create, add, command, ends, results } = batchesOf(at());
  await user('known', { email: 'secret-maria@example.com' });
  const id = await create({ channels: ['email'] });
  await add(id, [
    { email: 'secret-maria@example.com', variables: { note: 'secret-note' } },
    { user_id: 'known' },
    { user_id: 'other' },
  ]);
  const { rows } = await tidings.database.pool.query('select row_to_json(r) as row from batch_recipients as r');
  expect(JSON.stringify(rows)).not.toMatch(/secret-(maria|note)/);
  tidings.jobs();
  const erased = await server.post('/api/v1/users/known/erase');
  expect(erased.status).toBeLessThan(300);
  await expect
    .poll(async () => (await results(id)).slice(0, 2).map(({ user_id }) => user_id), { timeout: 20_000 })
    .toEqual([null, null]);
  await command(id, 'start');
  await tidings.worker();
  tidings.batches();
  const ended = await ends(id);
  expect(ended.codes.rejected).toEqual({ user_erased: 2 });
  expect(sumOf(ended)).toBe(3);
});

test('a stream is split into the same lines, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ maxLength: 12 })), fc.array(fc.nat(20)), async (texts, cuts) => {
      const lines = texts.map((text) => text.replaceAll('\n', ' '));
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      async function* stream() {
        let from = 0;
        for (const cut of cuts) {
          yield bytes.subarray(from, from + cut);
          from += cut;
        }
        yield bytes.subarray(from);
      }
      const found: (string | undefined)[] = [];
      for await (const line of splitLines(stream(), 20)) found.push(line?.toString());
      expect(found).toEqual(lines.map((line) => (Buffer.byteLength(line) > 20 ? undefined : line)));
    }),
  );
});
