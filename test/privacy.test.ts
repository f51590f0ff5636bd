import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRejection, parseEvent } from '../src/events/envelope.ts';
import { buildServer } from '../src/http/server.ts';
import type { Json, JsonObject } from '../src/model/event.ts';
import { serializeError } from '../src/privacy/log-serializers.ts';
import { maskDeep, maskEmail, maskPhone, maskUntrusted, redact } from '../src/privacy/mask.ts';
import { Seal } from '../src/privacy/seal.ts';
import { claimDeliveries } from '../src/store/deliveries.ts';
import { addressAad } from '../src/users/addresses.ts';
import { runs } from './support/properties.ts';
import { postRaw, type RawAnswer, raw } from './support/raw.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** An address is in one place, sealed: no other column, no log line and no answer holds it. */

// Marks that appear nowhere else: what is looked for is the part of an address that a mask does not show.
const LOCAL = 'zanzibar.quagmire';
const EMAIL = `${LOCAL}@example.com`;
const OTHER_EMAIL = `${LOCAL}+other@example.org`;
const PHONE = '+351912873465';
const SPACED_PHONE = '+351 912 873 465';
const TELLTALE = /zanzibar|quagmire|912873465|912 873 465|91287346/i;

let tidings: TestTidings;
let url: string;
let close: () => Promise<void>;
const log: string[] = [];
const logger = pino(
  { level: 'trace', serializers: { err: serializeError } },
  { write: (line: string) => void log.push(line) },
);
const answers: RawAnswer[] = [];

beforeAll(async () => {
  tidings = await testTidings({}, undefined, logger);
  const server = await buildServer({
    pipeline: tidings.pipeline,
    pool: tidings.database.pool,
    catalogs: tidings.catalogs,
    seal: tidings.seal,
    clock: () => tidings.clock.now,
    apiKeys: [],
    log: logger,
    consoleDir: '/nowhere',
    state: { stopping: false, workers: () => ({}) },
  });
  url = await server.listen({ host: '127.0.0.1', port: 0 });
  close = async () => {
    await server.close();
  };
});

afterAll(async () => {
  await close();
  await tidings.close();
});

const AT = '2025-10-31T10:00:00Z';
const SIGNUP = { event_type: 'signup_completed', event_timestamp: AT };
const TRAITS = { email: EMAIL, phone: PHONE, marketing_opt_in: true };

describe('after all of these', () => {
  test.each<[string, object, string]>([
    ['in traits', { ...SIGNUP, user_id: 'p1', user_traits: TRAITS }, 'accepted'],
    [
      'by the other names',
      { ...SIGNUP, user_id: 'p2', user_traits: { email_address: EMAIL, phone_number: PHONE } },
      'accepted',
    ],
    [
      'with blanks around',
      { ...SIGNUP, user_id: 'p3', user_traits: { email: ` ${EMAIL}\n`, phone: ` ${SPACED_PHONE} ` } },
      'accepted',
    ],
    [
      'in both names at once',
      { ...SIGNUP, user_id: 'p4', user_traits: { email: EMAIL, email_address: OTHER_EMAIL } },
      'accepted',
    ],
    [
      'a phone without its plus',
      { ...SIGNUP, user_id: 'p5', user_traits: { phone: '351912873465', phone_number: '912873465' } },
      'accepted',
    ],
    [
      'nested in traits',
      { ...SIGNUP, user_id: 'p6', user_traits: { contact: { mails: [EMAIL, { x: OTHER_EMAIL }], tel: PHONE } } },
      'accepted',
    ],
    [
      'in a list under a name that promises it',
      {
        ...SIGNUP,
        user_id: 'p6',
        properties: { mobile: [['351912873465']] },
        user_traits: { phone_number: ['912873465', true] },
      },
      'accepted',
    ],
    [
      'in properties',
      { ...SIGNUP, user_id: 'p7', properties: { sent_to: EMAIL, call: SPACED_PHONE, deep: [[{ a: EMAIL }]] } },
      'accepted',
    ],
    [
      'in properties that conditions look at',
      {
        user_id: 'p8',
        event_type: 'payment_failed',
        event_timestamp: AT,
        properties: { failure_reason: EMAIL, attempt_number: 1 },
      },
      'accepted',
    ],
    [
      'inside longer texts',
      {
        ...SIGNUP,
        user_id: 'p7',
        properties: { a: `+1 please write to ${EMAIL}`, b: `H… write to ${EMAIL}`, c: `call ${PHONE} now` },
      },
      'accepted',
    ],
    [
      'as numbers, and by names in capitals',
      {
        ...SIGNUP,
        user_id: 'p7',
        properties: { phone: 351912873465, phones: [351912873465], Phone: '912873465', call: [{ [`${PHONE} x`]: 1 }] },
        user_traits: { mobile: 351912873465, E_Mail: LOCAL },
      },
      'accepted',
    ],
    ['beside the envelope', { ...SIGNUP, user_id: 'p9', source: EMAIL, meta: { by: [PHONE] } }, 'accepted'],
    [
      'replaced',
      { ...SIGNUP, event_timestamp: '2025-11-01T10:00:00Z', user_id: 'p1', user_traits: { email: OTHER_EMAIL } },
      'accepted',
    ],
    ['in a mismatch', { ...SIGNUP, user_id: 'p10', user_traits: { marketing_opt_in: EMAIL } }, 'rejected'],
    [
      'in another',
      { user_id: 'p10', event_type: 'payment_failed', event_timestamp: AT, properties: { amount: PHONE } },
      'rejected',
    ],
    ['beside a mismatch', { ...SIGNUP, user_id: 'p10', user_traits: { ...TRAITS, marketing_opt_in: 1 } }, 'rejected'],
    ['in place of the time', { ...SIGNUP, user_id: 'p10', event_timestamp: EMAIL }, 'rejected'],
    ['in place of traits', { ...SIGNUP, user_id: 'p10', user_traits: EMAIL }, 'rejected'],
    [
      'in a text in place of traits',
      { ...SIGNUP, user_id: 'p10', user_traits: `write to ${EMAIL} or ${PHONE}` },
      'rejected',
    ],
    ['in place of an event', [`mailto:${EMAIL}`], 'rejected'],
    [
      'in a text that is refused',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', note: `${EMAIL}, ${SPACED_PHONE}; tel:${PHONE}` },
      'rejected',
    ],
    [
      'as a number that is refused',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', user_traits: { phone: 351912873465 } },
      'rejected',
    ],
    [
      'as numbers in a list that is refused',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', user_traits: { phones: [351912873465] } },
      'rejected',
    ],
    ['as a key that is refused', { ...SIGNUP, user_id: 'p10', properties: { [EMAIL]: 'a\0' } }, 'rejected'],
    [
      'as a key beside what is refused',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', properties: { [EMAIL]: true } },
      'rejected',
    ],
    [
      'deep in what is refused',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', a: [{ b: [{ c: { d: [EMAIL, PHONE] } }] }] },
      'rejected',
    ],
    [
      'inside a text that does not fit',
      { ...SIGNUP, user_id: 'p10', user_traits: { marketing_opt_in: `write to ${EMAIL}, call ${PHONE}` } },
      'rejected',
    ],
    ['as a number that does not fit', { ...SIGNUP, user_id: 'p10', user_traits: { phone: 351912873465 } }, 'rejected'],
    ['as a key that does not fit', { ...SIGNUP, user_id: 'p10', user_traits: { locale: { [EMAIL]: 1 } } }, 'rejected'],
    ['misspelt', { ...SIGNUP, user_id: 'p10', user_trait: TRAITS }, 'rejected'],
    ['first under an id', { ...SIGNUP, user_id: 'p11', event_id: 'taken', user_traits: TRAITS }, 'accepted'],
    [
      'in conflict',
      { ...SIGNUP, user_id: 'p11', event_id: 'taken', user_traits: { email: OTHER_EMAIL, phone: PHONE } },
      'conflict',
    ],
    ['again', { ...SIGNUP, user_id: 'p11', event_id: 'taken', user_traits: TRAITS }, 'duplicate'],
  ])('%s', async (_name, item, status) => {
    const body = JSON.stringify(item);
    const answer = await postRaw(url, '/api/v1/events', body);
    answers.push(answer);
    expect(answer.body.results).toMatchObject([{ status }]);
    expect(answer.text).not.toMatch(TELLTALE);
  });

  test('bodies that are not JSON are not quoted', async () => {
    for (const body of [`{"email":"${EMAIL}"`, `"${EMAIL}`, EMAIL, `[${EMAIL}]`, `{"a":"${PHONE}",}`]) {
      const answer = await postRaw(url, '/api/v1/events', body);
      answers.push(answer);
      expect(answer.status).toBe(400);
      expect(answer.text).not.toMatch(TELLTALE);
    }
  });

  test('the database has it nowhere in clear', async () => {
    const { pool } = tidings.database;
    const { rows: tables } = await pool.query<{ name: string }>(
      `select quote_ident(table_name) as name from information_schema.tables
       where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    expect(tables.length).toBeGreaterThan(15);
    let rows = 0;
    for (const { name } of tables) {
      const { rows: texts } = await pool.query<{ text: string }>(`select t::text as text from ${name} as t`);
      for (const { text } of texts) {
        // What is sealed would show as the hex of bytea.
        expect(text, name).not.toMatch(TELLTALE);
        expect(text, name).not.toContain(Buffer.from(LOCAL).toString('hex'));
        rows++;
      }
    }
    expect(rows).toBeGreaterThan(50);
  });

  test('no answer has it', async () => {
    const users = Array.from({ length: 11 }, (_, index) => `p${index + 1}`);
    const types = ['WELCOME_EMAIL', 'INSUFFICIENT_FUNDS_EMAIL', 'HIGH_RISK_ALERT'];
    const paths = [
      ...users.map((id) => `/api/v1/audit/${id}`),
      ...users.flatMap((id) => types.map((type) => `/api/v1/explain/${id}/${type}`)),
      '/api/v1/events/rejected?limit=200',
      '/api/v1/activity',
      '/api/v1/deliveries',
      '/api/v1/users',
    ];
    for (const path of paths) {
      const { status, text } = await raw(url, { path });
      expect(status, path).toBe(200);
      expect(text, path).not.toMatch(TELLTALE);
    }
    const { body } = await raw(url, { path: '/api/v1/audit/p1' });
    expect(body.profile.addresses).toEqual({ email: 'z…@example.org', phone: '+351…65' });
  });

  test('what is refused is kept whole, and trying it again works', async () => {
    const { body } = await raw(url, { path: '/api/v1/events/rejected?limit=200' });
    const conflict = body.rejected.find((one: { code: string }) => one.code === 'event_id_conflict');
    const corrected = { ...SIGNUP, user_id: 'p12', user_traits: { email: EMAIL } };
    const path = `/api/v1/events/rejected/${conflict.rejected_id}/retry`;
    expect((await postRaw(url, path, JSON.stringify(corrected))).body).toMatchObject({ accepted: 1 });
  });

  test('a delivery still gets it', async () => {
    const { pool } = tidings.database;
    const claimed = await claimDeliveries(pool, 'test', [{ channel: 'email', count: 50 }], tidings.clock.now, 1000);
    const of = (userId: string) => claimed.find((delivery) => delivery.userId === userId);
    const [p1, p11] = [of('p1'), of('p11')];
    expect(tidings.seal.open(p1?.address?.sealed as Buffer, addressAad(TENANT, 'p1', 'email'))).toBe(OTHER_EMAIL);
    expect(tidings.seal.open(p11?.address?.sealed as Buffer, addressAad(TENANT, 'p11', 'email'))).toBe(EMAIL);
    expect(JSON.stringify({ ...p1, address: p1?.address?.mask })).not.toMatch(TELLTALE);
  });

  test('an error of our own is logged, and does not tell it', async () => {
    const { pool } = tidings.database;
    // Something that cannot happen: the next batch fails in the middle, with the row in PostgreSQL's message.
    await pool.query(`alter table addresses add constraint never check (mask = '') not valid`);
    const item = { ...SIGNUP, user_id: 'p13', user_traits: TRAITS };
    const refused = await postRaw(url, '/api/v1/events', JSON.stringify(item));
    await pool.query('alter table addresses drop constraint never');
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ rejected: [{ code: 'undecidable' }] });
    expect(refused.text).not.toMatch(TELLTALE);
    expect(log.join('')).toContain('an event could not be decided');
    expect((await postRaw(url, '/api/v1/events', JSON.stringify(item))).body).toMatchObject({ accepted: 1 });

    await pool.query('alter table rejected_events rename to gone');
    const answer = await raw(url, { path: '/api/v1/events/rejected' });
    await pool.query('alter table gone rename to rejected_events');
    expect(answer.status).toBe(500);
    expect(log.join('')).toContain('request failed because of an internal error');
  });

  test('what a database or a parser quotes of its input is not logged', async () => {
    const { pool } = tidings.database;
    const quoting = [
      () => pool.query('select $1::text::uuid', [EMAIL]),
      () => pool.query('select $1::json', [`{"a": ${LOCAL}}`]),
      () => pool.query(`insert into addresses (tenant_id, user_id) values ('t', $1)`, [EMAIL]),
      async () => JSON.parse(`{"a": ${LOCAL}}`),
      async () => {
        throw new Error(`mail to ${EMAIL} failed`, { cause: new Error(`call ${PHONE}`) });
      },
    ];
    for (const fail of quoting) {
      const error = await fail().catch((reason: Error & { detail?: string; where?: string }) => reason);
      const { message, detail, where, cause } = error as Error & { detail?: string; where?: string };
      expect([message, detail, where, cause].join(' ')).toMatch(TELLTALE);
      logger.error({ err: error }, 'something failed');
      expect(log.at(-1)).not.toMatch(TELLTALE);
      expect(JSON.parse(log.at(-1) as string).err).toMatchObject({
        type: /Error$/.exec(error.constructor.name)?.input,
      });
    }
  });

  test('no log line has it', () => {
    expect(log.length).toBeGreaterThan(0);
    for (const line of log) expect(line).not.toMatch(TELLTALE);
  });
});

describe('a seal', () => {
  const key = randomBytes(32);
  const seal = new Seal(key);
  const purpose = addressAad(TENANT, 'maria', 'email');

  test('opens what it sealed, for the same row', () => {
    for (const text of [EMAIL, '', '🦊'.repeat(1000)]) {
      const { bytes, keyId } = seal.seal(text, purpose);
      expect(new Seal(key).open(bytes, purpose)).toBe(text);
      expect(keyId).toBe(new Seal(key).keyId);
    }
  });

  test('does not open under another key', () => {
    const other = new Seal(randomBytes(32));
    expect(other.keyId).not.toBe(seal.keyId);
    expect(() => other.open(seal.seal(EMAIL, purpose).bytes, purpose)).toThrow();
  });

  test('does not open on the row of another person, tenant or kind', () => {
    const { bytes } = seal.seal(EMAIL, purpose);
    for (const [tenant, user, kind] of [
      [TENANT, 'mark', 'email'],
      ['other', 'maria', 'email'],
      [TENANT, 'maria', 'phone'],
    ]) {
      expect(() => seal.open(bytes, addressAad(tenant as string, user as string, kind as string))).toThrow();
    }
  });

  test('does not open when a bit is changed or bytes are missing', () => {
    const { bytes } = seal.seal(EMAIL, purpose);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => seal.open(changed, purpose)).toThrow();
    }
    for (const length of [0, 11, 12, 20, 27, 28, bytes.length - 1]) {
      expect(() => seal.open(bytes.subarray(0, length), purpose)).toThrow();
    }
  });

  test('opens what was sealed before, and finds it: the key means the same for ever', () => {
    const old = new Seal(Buffer.alloc(32, 7));
    const bytes = Buffer.from('Thca2l+2+7hIHxDvkP1Ac2hV5ce7KSCMTkjlqJd2LeJmGsUcVK7/dpj0wVRv', 'base64');
    expect(old.open(bytes, 'row')).toBe('maria@example.com');
    expect(old.keyId).toBe('65d1e9277c0189a0');
    expect(old.hash('maria@example.com')).toBe('3GRS6WTTex56FR6xat5kHCQa1vRVQ5Gb');
  });

  test('never uses a nonce twice', () => {
    const nonces = Array.from({ length: 1000 }, () => seal.seal(EMAIL, purpose).bytes.toString('hex', 0, 12));
    expect(new Set(nonces).size).toBe(1000);
  });

  test('always hashes the same way', () => {
    expect(new Seal(key).hash(EMAIL)).toBe(seal.hash(EMAIL));
    expect(new Seal(randomBytes(32)).hash(EMAIL)).not.toBe(seal.hash(EMAIL));
    expect(seal.hash(OTHER_EMAIL)).not.toBe(seal.hash(EMAIL));
  });
});

describe('a logged error', () => {
  test('says what it was, where, and why, as far as that quotes nothing', () => {
    const cause = Object.assign(new RangeError('refused'), { code: '23505', table: 'addresses', constraint: 'once' });
    const error = new TypeError(`not for ${EMAIL}`, { cause });
    expect(serializeError(error)).toEqual({
      type: 'TypeError',
      message: `not for ${maskEmail(EMAIL)}`,
      stack: expect.stringMatching(/^ {4}at .*privacy\.test\.ts/),
      cause: {
        type: 'RangeError',
        message: 'refused',
        code: '23505',
        table: 'addresses',
        constraint: 'once',
        stack: expect.stringMatching(/^ {4}at /),
      },
    });
    const message = 'message omitted: it quotes its input';
    for (const quoting of [new SyntaxError(LOCAL), Object.assign(new Error(LOCAL), { code: '22P02' })]) {
      expect(serializeError(quoting)).toMatchObject({ message });
    }
    expect(serializeError(EMAIL)).toEqual({ type: 'string', message: 'not an error' });
  });
});

describe('a mask', () => {
  test.each([
    ['maria@example.com', 'm…@example.com'],
    ['🦊@example.com', '🦊…@example.com'],
    ['"a@b"@example.com', '"…@example.com'],
    ['@example.com', '…'],
    ['maria', '…'],
  ])('of %s is %s', (address, mask) => {
    expect(maskEmail(address)).toBe(mask);
  });

  test.each([
    ['+351912345678', '+351…78'],
    ['+351 912 345 678', '+351…78'],
    ['00351912345678', '003…78'],
    ['12345', '…'],
  ])('of %s is %s', (number, mask) => {
    expect(maskPhone(number)).toBe(mask);
  });

  test('of what was refused costs no more than its length', () => {
    // Letters and nothing else: each of these texts once cost the square of its length, all of them minutes.
    for (let index = 0; index < 10_000; index++) {
      const text = 'a'.repeat(1990) + index;
      expect(maskUntrusted(text)).toBe(text);
    }
  });

  const wide = (levels: number): unknown =>
    levels === 0 ? 'x'.repeat(2000) : Array.from({ length: 20 }, () => wide(levels - 1));
  test.each<[string, unknown]>([
    ['a long text', { properties: { note: 'x'.repeat(5_000_000) } }],
    ['texts of three bytes a character', { properties: Array(100).fill('漢'.repeat(2000)) }],
    ['texts that are written with escapes', { properties: Array(100).fill('\u0001'.repeat(2000)) }],
    ['lists of lists of texts', { properties: wide(4) }],
    ['a list of a million', { properties: Array(1_000_000).fill({}) }],
    ['long names', { properties: Object.fromEntries(Array.from({ length: 99 }, (_, n) => ['漢'.repeat(300) + n, n])) }],
    ['as many levels as are shown', { properties: [[[[[[[[wide(2)]]]]]]]] }],
  ])(
    'of what was refused has 16 KB at most, says where it was cut, and shows what else there is: %s',
    (_name, event) => {
      const masked = maskUntrusted({ ...(event as object), user_traits: wide(3), event_type: 'paid' });
      expect(masked).toMatchObject({ event_type: 'paid' });
      const text = JSON.stringify(masked);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16 * 1024);
      expect(text).toContain('…');
    },
  );

  test('of what was refused is all of it where it is short', () => {
    const event = {
      user_id: 'u',
      properties: { items: Array.from({ length: 90 }, (_, n) => ({ sku: `sku ${n}`, n })) },
    };
    expect(maskUntrusted(event)).toEqual(event);
  });

  test.each<[string, Json, Json]>([
    ['after a plus', '+1 please write to maria@example.com', '+1 please write to m…@example.com'],
    ['after what looks like a mask', 'H… write to maria@example.com', 'H… write to m…@example.com'],
    ['glued to what looks like a mask', 'H…maria@example.com', 'H…@example.com'],
    ['inside a text', 'call +351912345678 now', 'call +351…78 now'],
    ['in a URL', 'tel:+351912345678', 'tel:+351…78'],
    ['in parentheses', 'x (+351) 912 345 678', 'x (+351…78'],
    ['glued to an address', 'maria@example.com+351912345678', 'm…@example.com+351…78'],
    ['in a key', { '+351912345678 x': 1 }, { '+351…78 x': 1 }],
    ['as a number', { phone: 351912345678 }, { phone: '351…78' }],
    ['as numbers', { phones: [351912345678], 'e-mails': ['maria'] }, { phones: ['351…78'], 'e-mails': ['…'] }],
    ['by a name in capitals', { Phone: '912345678', EmailAddress: 'maria' }, { Phone: '912…78', EmailAddress: '…' }],
    ['by a name, after an ellipsis', { phone: '… 912345678' }, { phone: '912…78' }],
    ['by a name, before more', { email: 'maria@example.com or +351912345678' }, { email: 'm…@example.com' }],
  ])('of an address %s', (_name, given, masked) => {
    expect(maskDeep(given)).toEqual(masked);
    // As an event is read: only what holds an address is masked at all.
    expect(stored({ given })).toEqual({ given: masked });
    expect(maskDeep(masked)).toEqual(masked);
  });

  const letter = (text: string) => fc.constantFrom(...text);
  const text = (letters: string, minLength: number, maxLength: number) =>
    fc.array(letter(letters), { minLength, maxLength }).map((all) => all.join(''));
  const email = fc
    // Two characters of which one is an ellipsis would be a mask.
    .tuple(text('abcxyz019._+-…é', 3, 12), text('abc-é', 1, 8), text('abc', 2, 5))
    .map(([local, domain, top]) => `${local}@${domain}.${top}`);
  const number = fc
    .tuple(
      letter('123456789'),
      fc.array(fc.tuple(text(' .-()', 0, 2), text('0123456789', 1, 1)), { minLength: 7, maxLength: 14 }),
    )
    .map(([first, rest]) => `+${first}${rest.flat().join('')}`);
  const around = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    text('+ @…m.@-(1\n:,/', 0, 12),
    fc.constantFrom('m…', '+1 ', '+351…78', 'm…@example.com', 'm…@example.com ', 'tel:', '10:30 ', '<mailto:'),
  );

  test('of an address does not show it, whatever surrounds it', () => {
    fc.assert(
      fc.property(around, fc.oneof(email, number), around, (before, address, after) => {
        const whole = `${before}${address}${after}`;
        fc.pre(whole.isWellFormed() && !whole.includes('\0'));
        const shown = stored({ note: whole, list: [{ phone: whole }, { Email: [whole] }], [whole]: null });
        expect(Object.keys(shown)).toHaveLength(3);
        const parts = [...Object.keys(shown), ...textsIn(shown)];
        expect(parts.filter((part) => part.includes(address))).toEqual([]);
        expect(JSON.stringify(maskUntrusted({ note: whole, [whole]: [whole] }))).not.toContain(
          JSON.stringify(address).slice(1, -1),
        );
      }),
      runs(500),
    );
  });

  test('of a long text costs no more than its length', () => {
    // Each of these took the square of its length, or more, if a search began anew at every letter.
    for (const part of ['+', '+1', '+1 ', '+1(((((', '1 ', 'a@', 'a@a.', '@.', '…@', 'm…@a.b ']) {
      const long = part.repeat(1_000_000 / part.length);
      expect(maskDeep({ long }), part).toHaveProperty('long');
    }
  });

  test('leaves alone what is no address', () => {
    const plain = {
      a: '2025-10-31T19:00:00+02:00',
      b: '12.50',
      c: 'a @ b',
      d: '@maria',
      e: '+1',
      f: 'x'.repeat(10_000),
      g: null,
      h: '+1 vote on 2025-10-31',
      i: '+1 (2) - 34 .',
      j: 'Fri Oct 31 19:00:00 +0100 2025',
      k: '2025-10-31T19:00:00+0100/2025-11-01T19:00:00+0100',
      l: 1761937200000,
      m: 351912345678,
      n: '351912345678',
      o: '12 + 34 = 46, +12.50 EUR, +1,500,000',
      p: 'm…@example.com',
      q: '+351…78',
      email: 'm…@example.com',
      phone: '+351…78',
      mobile: true,
      phones: 12,
      emails: ['m…@example.com', '…'],
    };
    expect(maskDeep(plain)).toEqual(plain);
    expect(stored(plain)).toEqual(plain);
  });

  test('of a text hides its addresses, and leaves the rest of it', () => {
    expect(maskDeep({ say: `go @home, or ask ${EMAIL} now`, [EMAIL]: 1, phone: ['912 873 465'] })).toEqual({
      say: `go @home, or ask ${maskEmail(EMAIL)} now`,
      [maskEmail(EMAIL)]: 1,
      phone: [maskPhone('912 873 465')],
    });
  });

  test('of what was refused shows its form, and values that are no address', () => {
    const list = Array.from({ length: 101 }, (_, n) => n);
    const refused = {
      a: { vip: true, n: 1.5, far: Number.POSITIVE_INFINITY, none: null, gone: undefined },
      b: [`mail ${EMAIL} or @home`, '12345678', '123456789', '2025-10-31 19:00:00'],
      phone: 12,
      emails: 'none',
      addresses: [{ street: 'Rua' }],
      list,
    };
    expect(maskUntrusted(refused)).toEqual({
      a: { vip: true, n: 1.5, far: 'Infinity', none: null, gone: null },
      b: [`mail ${maskEmail(EMAIL)} or …`, '12345678', '123…89', '2025-10-31 19:00:00'],
      phone: '…',
      emails: '…',
      addresses: [{ street: 'Rua' }],
      list: [...list.slice(0, 100), '…'],
    });
    expect(maskUntrusted('\ud83ea\0')).toBe('\uFFFDa\uFFFD');
    const nested = (levels: number): unknown => (levels === 0 ? 'x' : [nested(levels - 1)]);
    expect(JSON.stringify(maskUntrusted(nested(8)))).toBe('[[[[[[[["x"]]]]]]]]');
    expect(JSON.stringify(maskUntrusted({ a: nested(8) }))).toBe('{"a":[[[[[[[["…"]]]]]]]]}');
  });

  test('of a long text is as long as it may be, and no half of a character ends it', () => {
    const exact = 'x'.repeat(500);
    expect(redact(exact)).toBe(exact);
    expect(redact(`${exact}x`)).toBe(`${'x'.repeat(499)}…`);
    expect(redact(`${'x'.repeat(498)}🦊y`)).toBe(`${'x'.repeat(498)}\uFFFD…`);
  });
});

/** The properties of an event as they are stored. */
function stored(properties: JsonObject): JsonObject {
  const item = { user_id: 'u', event_type: 'x', event_timestamp: AT, properties };
  const read = parseEvent(TENANT, item, () => null);
  if (isRejection(read)) throw new Error(read.message);
  return JSON.parse(read.propertiesText) as JsonObject;
}

/** All texts in it; not the names. */
function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [];
}
