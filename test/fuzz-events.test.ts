import { describe, expect, test } from 'vitest';
import { expectAnswer, expectProblem, useFuzzedServer } from './support/fuzz.ts';
import { postRaw, raw } from './support/raw.ts';

const app = useFuzzedServer();

const STAMP = '"event_timestamp":"2025-10-31T10:00:00Z"';
const DEEP = 10_000;

describe('a body that is not an event', () => {
  test.each<[string, string | Buffer, number, string]>([
    ['nothing', '', 400, 'invalid_json'],
    ['blanks', '  \n', 400, 'invalid_json'],
    ['null', 'null', 422, 'invalid_body'],
    ['a text', '"event"', 422, 'invalid_body'],
    ['a number', '1e999', 422, 'invalid_body'],
    ['NaN as a bare word', 'NaN', 400, 'invalid_json'],
    [
      '-Infinity in an event',
      `{"user_id":"u","event_type":"t",${STAMP},"properties":{"x":-Infinity}}`,
      400,
      'invalid_json',
    ],
    ['cut off', '[{"user_id":"u"', 400, 'invalid_json'],
    ['a single quote', "{'user_id':'u'}", 400, 'invalid_json'],
    ['a byte order mark alone', '\uFEFF', 400, 'invalid_json'],
    ['UTF-16', Buffer.from('[]', 'utf16le'), 400, 'invalid_json'],
    ['invalid UTF-8', Buffer.from([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d]), 400, 'invalid_json'],
    ['a surrogate in UTF-8', Buffer.from([0x5b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x5d]), 400, 'invalid_json'],
    ['a NUL byte', '[\0]', 400, 'invalid_json'],
    ['brackets that never close', '['.repeat(DEEP), 400, 'invalid_json'],
    ['1001 events', JSON.stringify(Array(1001).fill({})), 422, 'too_many_events'],
    ['a byte more than 5 MiB', `[${' '.repeat(5 * 1024 * 1024 - 1)}]`, 413, 'payload_too_large'],
  ])('%s', async (_name, body, status, code) => {
    for (const path of ['/api/v1/events', '/events']) {
      const answer = await postRaw(app.server.url, path, body);
      expectProblem(answer);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    }
  });

  test('an empty list is accepted', async () => {
    const answer = await postRaw(app.server.url, '/api/v1/events', '[]');
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ accepted: 0, duplicates: 0, rejected: [], results: [] });
  });

  test.each([
    ['none', undefined],
    ['empty', ''],
    ['text', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['a form with files', 'multipart/form-data; boundary=x'],
    ['not a type at all', ';;;/\\'],
    ['a JSON of another kind', 'application/vnd.api+json'],
    ['very long', `application/${'x'.repeat(5000)}`],
  ])('answers to the content type %s', async (_name, type) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const answer = await raw(app.server.url, { method: 'POST', path: '/api/v1/events', headers, body: '[]' });
    expectProblem(answer);
    expect(answer.status).toBe(415);
  });

  test('accepts JSON content types with parameters', async () => {
    for (const type of ['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;x="y"']) {
      const answer = await raw(app.server.url, {
        method: 'POST',
        path: '/api/v1/events',
        headers: { 'content-type': type },
        body: '[]',
      });
      expect(answer.status).toBe(202);
    }
  });
});

describe('an event with hostile content', () => {
  const event = (more: string) => `{"user_id":"hostile","event_type":"x",${STAMP},${more}}`;
  const nested = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);

  test.each<[string, string, string, string]>([
    ['a list in place of an event', '[[]]', 'invalid_event', ''],
    ['lists in 10,000 levels', `[${nested('[', ']', DEEP)}]`, 'invalid_event', ''],
    ['lists in a million levels', nested('[', ']', 1_000_000), 'invalid_event', ''],
    [
      '10,000 levels of properties',
      event(`"properties":${nested('{"a":', '}', DEEP).replace(':}', ':1}')}`),
      'invalid_content',
      'properties',
    ],
    ['10,000 levels beside the envelope', event(`"more":${nested('[', ']', DEEP)}`), 'invalid_content', 'context'],
    [
      'a million levels of traits',
      event(`"user_traits":{"a":${nested('[', ']', 1_000_000)}}`),
      'invalid_content',
      'user_traits',
    ],
    ['a number beyond all numbers', event('"properties":{"x":1e999}'), 'invalid_content', 'properties.x'],
    ['one below them', event('"properties":{"x":[-1e999]}'), 'invalid_content', 'properties.x[0]'],
    ['half a surrogate pair', event('"properties":{"x":"\\ud800"}'), 'invalid_content', 'properties.x'],
    ['half a surrogate pair in a key', event('"properties":{"\\udc00":1}'), 'invalid_content', 'properties'],
    ['U+0000', event('"user_traits":{"x":"a\\u0000b"}'), 'invalid_content', 'user_traits.x'],
    ['U+0000 in a key', event('"user_traits":{"\\u0000":1}'), 'invalid_content', 'user_traits'],
    [
      '__proto__ in properties',
      event('"properties":{"__proto__":{"polluted":true}}'),
      'invalid_content',
      'properties.__proto__',
    ],
    ['__proto__ in the envelope', event('"__proto__":{"user_id":"other"}'), 'invalid_content', 'context.__proto__'],
    ['a text of 4 MiB', event(`"properties":{"x":"${'é'.repeat(2 * 1024 * 1024)}"}`), 'invalid_content', ''],
    ['a key of 1 MiB', event(`"properties":{"${'k'.repeat(1024 * 1024)}":1}`), 'invalid_content', ''],
    ['a list of 500,000', event(`"properties":{"x":[${'0,'.repeat(500_000)}0]}`), 'invalid_content', ''],
    ['a million objects', event(`"properties":{"x":[${'{},'.repeat(1_000_000)}{}]}`), 'invalid_content', ''],
    ['an id of half a surrogate pair', `{"user_id":"\\ud800","event_type":"x",${STAMP}}`, 'invalid_id', 'user_id'],
    ['an id with U+0000', `{"user_id":"a\\u0000","event_type":"x",${STAMP}}`, 'invalid_id', 'user_id'],
    ['an id that is a number', `{"user_id":-0,"event_type":"x",${STAMP}}`, 'invalid_event', 'user_id'],
    ['an event_id with a line break', event('"event_id":"a\\n"'), 'invalid_id', 'event_id'],
    [
      'a gigantic misspelling',
      event(`"user_id${'_'.repeat(100_000)}":1`).replace('"user_id":"hostile",', ''),
      'invalid_event',
      'user_id',
    ],
  ])('%s', async (_name, body, code, path) => {
    // Rejected events are listed by time.
    app.tidings.clock.now += 1000;
    const answer = await postRaw(app.server.url, '/api/v1/events', body);
    expect(answer.status).toBe(422);
    expectAnswer(answer, 1);
    const [rejected] = answer.body.rejected;
    expect(rejected.code).toBe(code);
    expect(rejected.path.startsWith(path)).toBe(true);
    expect(rejected.path.length).toBeLessThanOrEqual(512);
    // It is kept, it can be listed, and trying it again says the same.
    const list = await app.server.get('/api/v1/events/rejected?limit=1');
    expect(list.status).toBe(200);
    expect(list.body.rejected[0].code).toBe(code);
    const { rejected_id } = list.body.rejected[0];
    const again = await postRaw(app.server.url, `/api/v1/events/rejected/${rejected_id}/retry`, '');
    expectAnswer(again, 1);
    expect(again.status).toBe(422);
    expect(again.body.rejected[0]).toMatchObject({ code, message: rejected.message });
  });

  test('does not change other objects', () => {
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test.each<[string, string]>([
    ['keys that objects have', '"properties":{"constructor":1,"toString":2,"hasOwnProperty":{"valueOf":3}}'],
    ['traits that objects have', '"user_traits":{"constructor":"x","toString":null,"hasOwnProperty":[1]}'],
    ['minus zero and small numbers', '"properties":{"x":-0,"y":5e-324,"z":1e-999}'],
    ['a text of nearly 1 MiB', `"properties":{"x":"${'é'.repeat(512 * 1024 - 100)}"}`],
    ['a key of nearly 1 MiB', `"properties":{"${'k'.repeat(1024 * 1024 - 200)}":1}`],
    ['a trait of nearly 64 KiB', `"user_traits":{"${'t'.repeat(62 * 1024)}":"${'v'.repeat(1024)}"}`],
    ['50,000 keys', `"properties":{${Array.from({ length: 50_000 }, (_, i) => `"k${i}":${i}`).join()}}`],
    ['a list of 99,994', `"properties":{"x":[${'{},'.repeat(99_993)}{}]}`],
    ['blanks of 4 MiB', `${' '.repeat(4 * 1024 * 1024)}"properties":{"x":1}`],
    ['what COPY escapes', '"properties":{"x":"\\\\N \\\\. \\t\\r\\n \\\\","\\\\.":"\\\\N"}'],
    ['every kind of blank and direction', '"properties":{"x":"\\u200b\\u202e\\u2028\\ufeff\\u00a0\\u061c\\uffff"}'],
    ['an invalid time zone', '"user_traits":{"time_zone":"../../etc/passwd","locale":"x-y-z-{}[]"}'],
    ['a time zone of 60,000 characters', `"user_traits":{"time_zone":"${'A/'.repeat(30_000)}"}`],
    ['fields twice', '"event_type":"first","event_type":"x"'],
    ['what is said to be nothing', '"properties":null,"user_traits":null,"event_id":null'],
    ['31 levels', `"properties":${nested('{"a":', '}', 30).replace(':}', ':1}')}`],
  ])('is accepted and can be read: %s', async (_name, more) => {
    const user = `accepted ${_name}`;
    const body = `{"user_id":${JSON.stringify(user)},"event_type":"x",${STAMP},${more}}`;
    const answer = await postRaw(app.server.url, '/api/v1/events', body);
    expectAnswer(answer, 1);
    expect(answer.body.results[0].status).toBe('accepted');
    const audit = await app.server.get(`/api/v1/audit/${encodeURIComponent(user)}`);
    expect(audit.status).toBe(200);
    const sent = JSON.parse(body);
    expect(audit.body.recent_events[0].properties).toEqual(plus(sent.properties ?? {}));
    expect(audit.body.recent_events[0].user_traits).toEqual(plus(sent.user_traits ?? {}));
    const again = await postRaw(app.server.url, '/api/v1/events', body);
    expect(again.body.results[0]).toMatchObject({ status: 'duplicate', event_id: answer.body.results[0].event_id });
  });

  /** JSON has no -0 of its own: it may come back as 0. */
  function plus(value: object): object {
    return JSON.parse(JSON.stringify(value));
  }
});
