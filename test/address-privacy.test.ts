import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serializeError } from '../src/privacy/log-serializers.ts';
import { claimDeliveries } from '../src/store/deliveries/claim.ts';
import { addressAad } from '../src/users/addresses.ts';
import { type TestServer, testServer } from './support/http.ts';
import { postRaw, type RawAnswer, raw } from './support/raw.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** An address is stored in one place, sealed: no other column, log line or response contains it. */

// Texts that appear nowhere else. TELLTALE matches the parts of an address that a mask does not show.
const LOCAL = 'zanzibar.quagmire';
const EMAIL = `${LOCAL}@example.com`;
const OTHER_EMAIL = `${LOCAL}+other@example.org`;
const PHONE = '+351912873465';
const SPACED_PHONE = '+351 912 873 465';
const TELLTALE = /zanzibar|quagmire|912873465|912 873 465|91287346/i;
let tidings: TestTidings;
let server: TestServer;
const log: string[] = [];

const logger = pino(
  { level: 'trace', serializers: { err: serializeError } },
  { write: (line: string) => void log.push(line) },
);

const answers: RawAnswer[] = [];

beforeAll(async () => {
  tidings = await testTidings({}, undefined, logger);
  server = await testServer(tidings, { log: logger, consoleDir: '/nowhere' });
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

const AT = '2025-10-31T10:00:00Z';
const SIGNUP = { event_type: 'signup_completed', event_timestamp: AT };
const TRAITS = { email: EMAIL, phone: PHONE, marketing_opt_in: true };

describe('an address in a request', () => {
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
      'in a text of a rejected event',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', note: `${EMAIL}, ${SPACED_PHONE}; tel:${PHONE}` },
      'rejected',
    ],
    [
      'as a number of a rejected event',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', user_traits: { phone: 351912873465 } },
      'rejected',
    ],
    [
      'as numbers in a list of a rejected event',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', user_traits: { phones: [351912873465] } },
      'rejected',
    ],
    ['as a key that is rejected', { ...SIGNUP, user_id: 'p10', properties: { [EMAIL]: 'a\0' } }, 'rejected'],
    [
      'as a key beside a rejected event',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', properties: { [EMAIL]: true } },
      'rejected',
    ],
    [
      'deep in a rejected event',
      { ...SIGNUP, user_id: 'p10', event_timestamp: 'x', a: [{ b: [{ c: { d: [EMAIL, PHONE] } }] }] },
      'rejected',
    ],
    [
      'inside a text that does not fit',
      { ...SIGNUP, user_id: 'p10', user_traits: { marketing_opt_in: `write to ${EMAIL}, call ${PHONE}` } },
      'rejected',
    ],
    [
      'as a number that violates the schema',
      { ...SIGNUP, user_id: 'p10', user_traits: { phone: 351912873465 } },
      'rejected',
    ],
    [
      'as a key that violates the schema',
      { ...SIGNUP, user_id: 'p10', user_traits: { locale: { [EMAIL]: 1 } } },
      'rejected',
    ],
    ['in a misspelled field', { ...SIGNUP, user_id: 'p10', user_trait: TRAITS }, 'rejected'],
    ['first under an id', { ...SIGNUP, user_id: 'p11', event_id: 'p11-signup', user_traits: TRAITS }, 'accepted'],
    [
      'in conflict',
      { ...SIGNUP, user_id: 'p11', event_id: 'p11-signup', user_traits: { email: OTHER_EMAIL, phone: PHONE } },
      'conflict',
    ],
    ['again', { ...SIGNUP, user_id: 'p11', event_id: 'p11-signup', user_traits: TRAITS }, 'duplicate'],
  ])('%s', async (_name, item, status) => {
    const body = JSON.stringify(item);
    const answer = await postRaw(server.url, '/api/v1/events', body);
    answers.push(answer);
    expect(answer.body.results).toMatchObject([{ status }]);
    expect(answer.text).not.toMatch(TELLTALE);
  });

  test('is not quoted from a body that is not JSON', async () => {
    for (const body of [`{"email":"${EMAIL}"`, `"${EMAIL}`, EMAIL, `[${EMAIL}]`, `{"a":"${PHONE}",}`]) {
      const answer = await postRaw(server.url, '/api/v1/events', body);
      answers.push(answer);
      expect(answer.status).toBe(400);
      expect(answer.text).not.toMatch(TELLTALE);
    }
  });

  test('is nowhere in clear text in the database', async () => {
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
        // A bytea value is shown as hex.
        expect(text, name).not.toMatch(TELLTALE);
        expect(text, name).not.toContain(Buffer.from(LOCAL).toString('hex'));
        rows++;
      }
    }
    expect(rows).toBeGreaterThan(50);
  });

  test('is in no response', async () => {
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
      const { status, text } = await raw(server.url, { path });
      expect(status, path).toBe(200);
      expect(text, path).not.toMatch(TELLTALE);
    }
    const { body } = await raw(server.url, { path: '/api/v1/audit/p1' });
    expect(body.profile.addresses).toEqual({ email: 'z…@example.org', phone: '+351…65' });
  });

  test('is complete in a rejected event, which can be retried', async () => {
    const { body } = await raw(server.url, { path: '/api/v1/events/rejected?limit=200' });
    const conflict = body.rejected.find((one: { code: string }) => one.code === 'event_id_conflict');
    const corrected = { ...SIGNUP, user_id: 'p12', user_traits: { email: EMAIL } };
    const path = `/api/v1/events/rejected/${conflict.rejected_id}/retry`;
    expect((await postRaw(server.url, path, JSON.stringify(corrected))).body).toMatchObject({ accepted: 1 });
  });

  test('is available to its delivery', async () => {
    const { pool } = tidings.database;
    const claimed = await claimDeliveries(pool, 'test', [{ channel: 'email', count: 50 }], tidings.clock.now, 1000);
    const of = (userId: string) => claimed.find((delivery) => delivery.userId === userId);
    const [p1, p11] = [of('p1'), of('p11')];
    expect(tidings.seal.open(p1?.address?.sealed as Buffer, addressAad(TENANT, 'p1', 'email'))).toBe(OTHER_EMAIL);
    expect(tidings.seal.open(p11?.address?.sealed as Buffer, addressAad(TENANT, 'p11', 'email'))).toBe(EMAIL);
    expect(JSON.stringify({ ...p1, address: p1?.address?.mask })).not.toMatch(TELLTALE);
  });

  test('is not in the log of an internal error', async () => {
    const { pool } = tidings.database;
    // Makes the next batch fail in the middle, with the row in PostgreSQL's message.
    await pool.query(`alter table addresses add constraint never check (mask = '') not valid`);
    const item = { ...SIGNUP, user_id: 'p13', user_traits: TRAITS };
    const rejected = await postRaw(server.url, '/api/v1/events', JSON.stringify(item));
    await pool.query('alter table addresses drop constraint never');
    expect(rejected.status).toBe(422);
    expect(rejected.body).toMatchObject({ rejected: [{ code: 'undecidable' }] });
    expect(rejected.text).not.toMatch(TELLTALE);
    expect(log.join('')).toContain('an event could not be decided');
    expect((await postRaw(server.url, '/api/v1/events', JSON.stringify(item))).body).toMatchObject({ accepted: 1 });

    await pool.query('alter table rejected_events rename to gone');
    const answer = await raw(server.url, { path: '/api/v1/events/rejected' });
    await pool.query('alter table gone rename to rejected_events');
    expect(answer.status).toBe(500);
    expect(log.join('')).toContain('request failed because of an internal error');
  });

  test('is not logged when a database or a parser quotes its input', async () => {
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

  test('is in no log line', () => {
    expect(log.length).toBeGreaterThan(0);
    for (const line of log) expect(line).not.toMatch(TELLTALE);
  });
});
