import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { getHeapSnapshot } from 'node:v8';
import pino from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { readCardAnswer } from '../src/connectors/cards/card-answer.ts';
import type { JsonObject } from '../src/model/event.ts';
import { connectorsYaml, connectorWorker, NETWORK, useLender } from './support/connectors.ts';
import { type CardScript, LENDER_SECRETS, type Padding } from './support/stand-ins/lender.ts';

/** Cards that are registered with a card network: by the card API of upstream, and hop by hop. */

const logged: string[] = [];
const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
const lending = useLender({ log, exempt: ({ hostname }) => hostname === '127.0.0.1' });

async function use(cards: string, url = lending.lender.url): Promise<void> {
  await lending.apply(connectorsYaml(url, cards));
}

const numbersOf = (url: string) => `numbers: { url: ${url}, path: "/credit_cards/{reference}" }`;

async function approve(userId: string): Promise<void> {
  await lending.server.post('/api/v1/events', {
    event_id: `approved ${userId}`,
    user_id: userId,
    event_type: 'product_status_changed',
    event_timestamp: new Date(lending.tidings.clock.now).toISOString(),
    properties: { product_uuid: 'p', product: 'CREDIT', status: 'approved' },
  });
}

/** Imports a customer with a card, and lets time pass until the registration has ended. Returns its product and task. */
async function register(...script: CardScript[]) {
  const [userId, productId] = [randomUUID(), randomUUID()];
  const product = { product_uuid: productId, type: 'credit', status: 'approved' };
  lending.lender.addCustomer(userId, { email: 'dana@example.com', products: [product] });
  lending.lender.scriptCard(productId, ...script);
  await approve(userId);
  return ended(userId);
}

async function ended(userId: string) {
  const [task] = await vi.waitFor(
    async () => {
      const { tasks } = (await lending.server.get(`/api/v1/connector-tasks?user_id=${userId}`)).body;
      const due = tasks.flatMap((one: { state: string; due_at: string }) =>
        one.state === 'open' ? Date.parse(one.due_at) : [],
      );
      lending.tidings.clock.now = Math.max(lending.tidings.clock.now, ...due);
      const cards = tasks.filter(({ kind }: { kind: string }) => kind === 'card-registration');
      expect(cards.map(({ state }: { state: string }) => state)).toEqual([expect.stringMatching(/done|dead/)]);
      return cards;
    },
    { timeout: 60_000, interval: 30 },
  );
  const { products } = (await lending.server.get(`/api/v1/users/${userId}/products`)).body;
  return { userId, task, product: products[0] };
}

describe('by the card API of upstream', () => {
  test('the first hop is as documented, and the subscriber is stored, sealed, and passed to later calls', async () => {
    const { userId, task, product } = await register('S');
    expect(task.state).toBe('done');
    expect(product).toMatchObject({ registration: 'registered', registration_code: 'REG_121' });
    expect(product.subscriber_reference_id).toMatch(/^sub-/);
    const [sent] = lending.lender.requestsTo('/api/v1/cm/register_valid_user').slice(-1);
    expect([sent?.method, sent?.body]).toEqual([
      'POST',
      JSON.stringify({ registrationTokenList: [product.product_id] }),
    ]);
    expect(sent?.headers['content-type']).toBe('application/json');
    expect(sent?.headers['x-avant-authorization']).toMatch(/^ey/);
    const { rows } = await lending.tidings.pool.query('select user_products::text as row from user_products');
    expect(rows.some(({ row }) => row.includes(product.subscriber_reference_id))).toBe(false);
    const path = `/api/v1/users/${userId}/products/${product.product_id}/calls`;
    const listed = await lending.server.post(`${path}/get_card_list`, {});
    expect(listed.body).toMatchObject({
      outcome: 'answered',
      answer: { opId: 'get_card_list', subscriberReferenceId: product.subscriber_reference_id },
    });
    expect(JSON.stringify(listed.body)).toMatch(/"cardNumber":"…\d{4}","label":"…-\d{4}"/);
    const body = { policy: { international: false } };
    expect((await lending.server.post(`${path}/set_card_policy`, { body })).body.outcome).toBe('answered');
    const [policy] = lending.lender.requestsTo('/api/v1/cm/set_card_policy');
    expect(JSON.parse(policy?.body ?? '')).toEqual({ ...body, subscriberReferenceId: product.subscriber_reference_id });
  });

  test('R is tried again until it is S; I is final and has a reason; both are in the timeline', async () => {
    const again = await register('R', 'R', 'S');
    expect(again.product.registration).toBe('registered');
    const unusable = await register('I');
    expect(unusable.task).toMatchObject({ state: 'dead', code: 'card_status_I', attempts: 1 });
    expect(unusable.task.reason).toMatch(/bad state/);
    expect(unusable.product).toMatchObject({ registration: 'unusable', subscriber_reference_id: null });
    const { rows } = await lending.tidings.pool.query(
      `select event_type, properties ->> 'code' as code from events where user_id = $1 and event_type like 'card.%' order by event_time, event_type desc`,
      [again.userId],
    );
    expect(rows.map(({ event_type, code }) => `${event_type} ${code}`).sort()).toEqual([
      'card.registered REG_121',
      'card.registration_failed card_status_R',
      'card.registration_failed card_status_R',
    ]);
  });

  test('of a list of cards, one that is registered is kept while another is tried again', async () => {
    const { task, product } = await register(['S', 'I', 'R'], ['S', 'I']);
    expect([task.state, product.registration]).toEqual(['done', 'registered']);
  });

  test('a general failure, silence and nonsense are tried again; a code that is not known is kept, and never success', async () => {
    const passing = await register('REG_101', 'hang', 'nonsense', 'REG_120');
    expect(passing.product).toMatchObject({ registration: 'registered', registration_code: 'REG_120' });
    const unknown = await register('REG_999');
    expect(unknown.task).toMatchObject({ state: 'dead', code: 'REG_999', attempts: 1 });
    expect(unknown.product).toMatchObject({
      registration: 'failed',
      registration_code: 'REG_999',
      subscriber_reference_id: null,
    });
    const failing = await register('REG_101', 'REG_101', 'REG_101', 'REG_101');
    expect(failing.task).toMatchObject({ state: 'dead', code: 'REG_101' });
  });

  test('one that is asked to wait until its last attempt has failed; one that is registered stays so if a later registration fails', async () => {
    const waiting = await register('R', 'R', 'R', 'R');
    expect(waiting.task).toMatchObject({ state: 'dead', code: 'card_status_R', attempts: 4 });
    expect(waiting.product).toMatchObject({ registration: 'failed', registration_code: 'card_status_R' });
    const { userId, product } = await register('S');
    lending.lender.scriptCard(product.product_id, 'REG_999');
    await lending.server.post(`/api/v1/users/${userId}/products/register`, {});
    await vi.waitFor(
      async () => {
        const { tasks } = (await lending.server.get(`/api/v1/connector-tasks?user_id=${userId}&state=dead`)).body;
        expect(tasks).toMatchObject([{ code: 'REG_999' }]);
      },
      { timeout: 30_000 },
    );
    const { products } = (await lending.server.get(`/api/v1/users/${userId}/products`)).body;
    expect(products[0]).toMatchObject({ registration: 'registered', registration_code: 'REG_121' });
  });

  test('a product is registered by command; without a product there is nothing to register', async () => {
    const { userId, product } = await register('I');
    const asked = await lending.server.post(`/api/v1/users/${userId}/products/register`, {
      product_ids: [product.product_id],
    });
    expect([asked.status, asked.body.tasks.length]).toEqual([202, 1]);
    await vi.waitFor(
      async () => {
        const { products } = (await lending.server.get(`/api/v1/users/${userId}/products`)).body;
        expect(products[0].registration).toBe('registered');
      },
      { timeout: 30_000 },
    );
    expect((await lending.server.post(`/api/v1/users/${randomUUID()}/products/register`, {})).status).toBe(404);
  });
});

test.each([
  [{}, 'answer_invalid'],
  [{ apiVersion: 'v1.0' }, 'answer_invalid'],
  [{ responseStatus: { messageCode: 'REG_121\u0000' } }, 'answer_invalid'],
  [{ responseDataList: [{ cardStatusMap: { a: 'X' } }] }, 'answer_invalid'],
  [{ responseDataList: [{ cardStatusMap: { a: 'S' } }] }, 'answer_invalid'],
  [{ responseStatus: { messageCode: 'REG_101' } }, 'REG_101'],
  [{ responseStatus: { messageCode: 'OK' } }, 'OK'],
] as const)('an answer with %j is no success', (change, code) => {
  const right = {
    apiVersion: 'v2.0',
    opId: 'REGISTER_VALID_USER',
    responseDataList: [{ subscriberReferenceId: 's', cardStatusMap: { a: 'S' } }],
    responseStatus: { messageCode: 'REG_122' },
  };
  expect(readCardAnswer(right, 'a')).toMatchObject({ outcome: 'registered', subscriberReferenceId: 's' });
  const bad = { subscriberReferenceId: 'bad', cardStatusMap: { b: 'I' } };
  const mixed = { ...right, responseDataList: [bad, ...right.responseDataList] };
  expect(readCardAnswer(mixed, 'the ciphertext')).toMatchObject({ outcome: 'registered', subscriberReferenceId: 's' });
  const answer = (Object.keys(change).length === 0 ? {} : { ...right, ...change }) as unknown as JsonObject;
  expect(() => readCardAnswer(answer, 'a')).toThrowError(expect.objectContaining({ code }));
});

describe('hop by hop', () => {
  test.each(['oaep-sha256', 'oaep-sha1', 'pkcs1-v1.5'] as const)(
    'the network decrypts the right number: %s',
    async (padding: Padding) => {
      lending.lender.padding = padding;
      await use(NETWORK(lending.lender.url, `${numbersOf(lending.lender.url)}\n      padding: ${padding}`));
      lending.lender.decrypted.length = 0;
      const { product } = await register('R', 'S');
      expect(product.registration).toBe('registered');
      expect(lending.lender.decrypted).toEqual([true, true]);
      const [sent] = lending.lender.requestsTo('/fiserver/cbes/perform.do').slice(-1);
      expect(Object.keys(JSON.parse(sent?.body ?? '{}')).sort()).toEqual([
        ...['appToken', 'fiToken', 'inLineProvisioning', 'isEncrypted', 'language', 'registrationTokenList'],
      ]);
      // The reference is remembered, the number is not.
      expect(lending.lender.requestsTo(`/accounts/${product.product_id}`)).toHaveLength(1);
      expect(lending.lender.requestsTo('/credit_cards/').length).toBeGreaterThanOrEqual(2);
    },
  );

  test('a gateway gets the references, and does the rest', async () => {
    await use(NETWORK(lending.lender.url, `gateway: { url: ${lending.lender.url} }`));
    const { product } = await register('S');
    expect(product.registration).toBe('registered');
    const [sent] = lending.lender.requestsTo('/cm/api/v2.0/cm/register_valid_user').slice(-1);
    expect(JSON.parse(sent?.body ?? '')).toEqual({ registrationTokenList: [expect.stringMatching(/^fdr-/)] });
  });

  test('a text that is no certificate, and a card that is not known, end as dead letters that name no number', async () => {
    await use(NETWORK(lending.lender.url, numbersOf(lending.lender.url)));
    await lending.server.send('PUT', '/api/v1/connectors/card_network/secrets', { certificate: 'no certificate' });
    const { task } = await register('S');
    expect(task).toMatchObject({ state: 'dead', code: 'certificate_invalid' });
    await lending.server.send('PUT', '/api/v1/connectors/card_network/secrets', {
      certificate: LENDER_SECRETS.certificate,
    });
    const { rows } = await lending.tidings.pool.query(
      `select (select string_agg(t::text, '') from events as t) || (select string_agg(t::text, '') from connector_tasks as t)
         || (select string_agg(t::text, '') from user_products as t) || (select string_agg(t::text, '') from audit_log as t) as text`,
    );
    expect(lending.lender.knowsNumberIn(Buffer.from(rows[0].text))).toBe(false);
    expect(lending.lender.knowsNumberIn(Buffer.from(logged.join('')))).toBe(false);
  });
});

test('after a registration no card number is in the heap of the process, its database or its logs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-heap-'));
  const [userId, productId] = [randomUUID(), randomUUID()];
  const file = fileURLToPath(new URL('support/stand-ins/lender-process.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', file, userId, productId], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  try {
    const url: string = (await lines.next()).value;
    await use(NETWORK(url, numbersOf(url)), url);
    await lending.worker.stop();
    lending.worker = connectorWorker(lending.tidings, { url }, { log });
    await approve(userId);
    const { product } = await ended(userId);
    expect(product.registration).toBe('registered');
    const [heap, rest] = [join(folder, 'heap'), join(folder, 'rest')];
    await pipeline(getHeapSnapshot(), createWriteStream(heap));
    const { rows } = await lending.tidings.pool.query(
      `select string_agg(row, '') as text from (
         select events::text as row from events union all select connector_tasks::text from connector_tasks
         union all select user_products::text from user_products union all select audit_log::text from audit_log
         union all select users::text from users) as all_rows`,
    );
    await writeFile(rest, rows[0].text + logged.join(''));
    for (const path of [heap, rest]) {
      child.stdin?.write(`${path}\n`);
      expect((await lines.next()).value).toBe('false 1');
    }
  } finally {
    child.kill();
    await rm(folder, { recursive: true, force: true });
  }
}, 280_000);
