import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCommand } from './support/cli.ts';
import { connectorsYaml, connectorWorker, setSecrets, useLender } from './support/connectors.ts';
import { testServer } from './support/http.ts';
import { type Customer, LENDER_SECRETS, Lender } from './support/stand-ins/lender.ts';
import { TENANT } from './support/tidings.ts';

/** Customers that are imported when their application is approved, and what becomes of failures. */

const lending = useLender();

const customer = (more: Partial<Customer> = {}): Customer => ({
  email: 'dana@example.com',
  phone: '+13125550147',
  name: { first: 'Dana', last: 'Reyes' },
  time_zone: 'America/Chicago',
  products: [{ product_uuid: randomUUID(), type: 'loan', status: 'approved' }],
  ...more,
});

async function approve(userId: string, status = 'approved') {
  const answer = await lending.server.post('/api/v1/events', {
    event_id: `${status} ${userId}`,
    user_id: userId,
    event_type: 'product_status_changed',
    event_timestamp: new Date(lending.tidings.clock.now).toISOString(),
    properties: { product_uuid: 'p', product: 'LOAN', status },
  });
  expect(answer.body.results[0].status).toMatch(/accepted|duplicate/);
}

async function tasksOf(userId: string) {
  const { body } = await lending.server.get(`/api/v1/connector-tasks?user_id=${encodeURIComponent(userId)}`);
  return body.tasks;
}

/** Lets time pass until the tasks of a user are as expected. */
async function untilTasks(userId: string, states: readonly string[]): Promise<void> {
  await vi.waitFor(
    async () => {
      const tasks: { state: string; due_at: string }[] = await tasksOf(userId);
      const due = tasks.filter(({ state }) => state === 'open').map(({ due_at }) => Date.parse(due_at));
      lending.tidings.clock.now = Math.max(lending.tidings.clock.now, ...due);
      expect(tasks.map(({ state }) => state).sort()).toEqual([...states].sort());
    },
    { timeout: 60_000, interval: 30 },
  );
}

async function eventsOf(userId: string): Promise<{ event_type: string; properties: Record<string, unknown> }[]> {
  const { rows } = await lending.tidings.pool.query(
    'select event_type, properties from events where user_id = $1 order by received_at, event_time, event_type',
    [userId],
  );
  return rows;
}

test('an approved customer becomes a user with traits, addresses, products and toggles, and the timeline tells it', async () => {
  const userId = randomUUID();
  const card = randomUUID();
  lending.lender.addCustomer(userId, {
    ...customer({
      products: [
        { product_uuid: `loan ${userId}`, type: 'loan', status: 'approved' },
        { product_uuid: card, type: 'credit', status: 'approved' },
      ],
      preferences: [
        { category: 'CARD_HIGH_PURCHASE', enabled: true, delivery_method: 'sms' },
        { category: 'OF_ANOTHER_SYSTEM', enabled: true },
      ],
    }),
  });
  await approve(userId);
  await untilTasks(userId, ['done', 'done']);
  const { body: user } = await lending.server.get(`/api/v1/users/${userId}`);
  expect(user.traits).toMatchObject({ first_name: 'Dana', time_zone: 'America/Chicago', products: ['LOAN', 'CREDIT'] });
  expect(JSON.stringify(user)).not.toContain('dana@example.com');
  expect(Object.keys(user.addresses).sort()).toEqual(['email', 'phone']);
  const { products } = (await lending.server.get(`/api/v1/users/${userId}/products`)).body;
  expect(
    products
      .map(({ product, registration }: { product: string; registration: string }) => [product, registration])
      .sort(),
  ).toEqual([
    ['CREDIT', 'registered'],
    ['LOAN', null],
  ]);
  const toggles = (await lending.server.get(`/api/v1/customer-notifications/${userId}`)).body;
  expect(toggles.find(({ category }: { category: string }) => category === 'CARD_HIGH_PURCHASE')).toMatchObject({
    enabled: true,
    selected_delivery_method: 'sms',
  });
  expect((await eventsOf(userId)).map(({ event_type }) => event_type).sort()).toEqual([
    'card.registered',
    'customer.imported',
    'preference.updated',
    'product_status_changed',
  ]);
  const { body: audit } = await lending.server.get(`/api/v1/audit/${userId}`);
  expect(JSON.stringify(audit)).toContain('customer.imported');
});

test('an application that is declined imports no user; approved twice, the customer is one user with the same products', async () => {
  const userId = randomUUID();
  lending.lender.addCustomer(userId, customer());
  await approve(userId, 'declined');
  expect(await tasksOf(userId)).toEqual([]);
  await approve(userId);
  await approve(userId);
  await untilTasks(userId, ['done']);
  lending.tidings.clock.now += 1000;
  await lending.server.post('/api/v1/events', {
    event_id: `again ${userId}`,
    user_id: userId,
    event_type: 'product_status_changed',
    event_timestamp: new Date(lending.tidings.clock.now).toISOString(),
    properties: { product_uuid: 'x', product: 'LOAN', status: 'approved' },
  });
  await untilTasks(userId, ['done', 'done']);
  expect((await lending.server.get(`/api/v1/users/${userId}/products`)).body.products).toHaveLength(1);
});

test('404, 500, and no answer are tried again later, and hold up no other customer', async () => {
  const [slow, next] = [randomUUID(), randomUUID()];
  lending.lender.addCustomer(slow, customer());
  lending.lender.addCustomer(next, customer());
  lending.lender.scriptUpstream(slow, { status: 404 }, { status: 500 }, { instead: 'hang' });
  await approve(slow);
  await vi.waitFor(
    async () => expect((await tasksOf(slow))[0]).toMatchObject({ state: 'open', attempts: 1, code: 'status_404' }),
    {
      timeout: 30_000,
    },
  );
  await approve(next);
  await untilTasks(next, ['done']);
  expect((await tasksOf(slow))[0]).toMatchObject({ state: 'open', attempts: 1 });
  await untilTasks(slow, ['done']);
  const failed = (await eventsOf(slow)).filter(({ event_type }) => event_type === 'customer.import_failed');
  expect(failed.map(({ properties }) => [properties.attempt, properties.code, properties.is_final])).toEqual([
    [1, 'status_404', false],
    [2, 'status_500', false],
    [3, 'timed_out', false],
  ]);
}, 90_000);

test('after the last attempt it is a dead letter with its reason, which a command retries', async () => {
  const userId = randomUUID();
  await approve(userId);
  await untilTasks(userId, ['dead']);
  const [task] = await tasksOf(userId);
  expect(task).toMatchObject({ code: 'status_404', attempts: 4, reason: 'The service answered with HTTP status 404.' });
  const { body: dead } = await lending.server.get('/api/v1/connector-tasks?state=dead&connector=customer_import');
  expect(dead.tasks.map(({ task_id }: { task_id: string }) => task_id)).toContain(task.task_id);
  const { connectors } = (await lending.server.get('/api/v1/connectors')).body;
  expect(connectors[0]).toMatchObject({ name: 'customer_import', dead_tasks: 1, secrets_set: ['shared_key'] });
  lending.lender.addCustomer(userId, customer());
  const retried = await lending.server.post(`/api/v1/connector-tasks/${task.task_id}/retry`);
  expect([retried.status, retried.body.state]).toEqual([200, 'open']);
  await untilTasks(userId, ['done']);
  expect((await lending.server.post(`/api/v1/connector-tasks/${task.task_id}/retry`)).body.code).toBe('not_retryable');
  expect((await lending.server.post(`/api/v1/connector-tasks/${randomUUID()}/retry`)).status).toBe(404);
});

test('an answer that is no customer, or does not fit the catalog, is a failure and no half of a user', async () => {
  const [odd, unfit] = [randomUUID(), randomUUID()];
  lending.lender.addCustomer(odd, { products: [{ type: 'loan' }] } as unknown as Customer);
  lending.lender.addCustomer(unfit, customer({ time_zone: 7 as unknown as string }));
  await approve(odd);
  await approve(unfit);
  await untilTasks(odd, ['dead']);
  await untilTasks(unfit, ['dead']);
  expect([(await tasksOf(odd))[0].code, (await tasksOf(unfit))[0].code]).toEqual(['answer_invalid', 'schema_mismatch']);
  for (const userId of [odd, unfit])
    expect((await lending.server.get(`/api/v1/users/${userId}/products`)).body.products).toEqual([]);
});

test('a service that gives no answer holds up no other one: its tasks are put off, and no attempts are lost', async () => {
  const silent = Array.from({ length: 40 }, () => randomUUID());
  for (const userId of silent) {
    lending.lender.addCustomer(userId, customer());
    lending.lender.scriptUpstream(userId, ...Array.from({ length: 4 }, () => ({ delay: 10_000 })));
    await approve(userId);
  }
  await vi.waitFor(
    async () => {
      const { body } = await lending.server.get('/api/v1/connector-tasks?state=open&limit=100');
      const due = body.tasks.filter(
        ({ due_at }: { due_at: string }) => Date.parse(due_at) <= lending.tidings.clock.now,
      );
      expect(due).toEqual([]);
    },
    { timeout: 30_000, interval: 50 },
  );
  const called = silent.filter((userId) => lending.lender.requestsTo(`/api/v1/customers/${userId}`).length > 0);
  expect(called.length).toBeLessThan(25);
  const waiting = silent.filter((userId) => !called.includes(userId));
  expect((await tasksOf(waiting[0] as string))[0]).toMatchObject({ state: 'open', attempts: 0 });
  // It answers again.
  for (const userId of silent) lending.lender.scriptUpstream(userId);
  for (const userId of silent) await untilTasks(userId, ['done']);
});

test('an id that would lead to another path of the service is not called', async () => {
  const before = lending.lender.requests.length;
  await approve('..');
  await untilTasks('..', ['dead']);
  expect((await tasksOf('..'))[0].code).toBe('id_unusable');
  expect(lending.lender.requests.length).toBe(before);
});

test('a status that is shortened within a character is stored', async () => {
  const userId = randomUUID();
  const product = { product_uuid: randomUUID(), type: 'loan', status: `${'x'.repeat(255)}😀` };
  lending.lender.addCustomer(userId, customer({ products: [product] }));
  await approve(userId);
  await untilTasks(userId, ['done']);
});

test('a user who is erased while they are fetched is not brought back, and no task is left of them', async () => {
  const userId = randomUUID();
  lending.lender.addCustomer(userId, customer());
  lending.lender.scriptUpstream(userId, { delay: 1200, body: { customer_uuid: userId, ...customer() } });
  const before = lending.lender.requestsTo(`/api/v1/customers/${userId}`).length;
  await approve(userId);
  await vi.waitFor(() => expect(lending.lender.requestsTo(`/api/v1/customers/${userId}`).length).toBe(before + 1), {
    timeout: 30_000,
  });
  lending.tidings.clock.now += 1000;
  expect((await lending.server.post(`/api/v1/users/${userId}/erase`, {})).status).toBe(202);
  expect(await tasksOf(userId)).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const { rows } = await lending.tidings.pool.query(
    `select (select count(*)::int from users where user_id = $1) as users, (select count(*)::int from user_products where user_id = $1) as products,
            (select count(*)::int from connector_tasks where user_id = $1) as tasks,
            (select count(*)::int from events where user_id = $1 and event_type like 'customer%') as events`,
    [userId],
  );
  expect(rows).toEqual([{ users: 0, products: 0, tasks: 0, events: 0 }]);
});

test('a worker that dies between the fetch and the record leaves the task to another one, and nothing is doubled', async () => {
  await lending.worker.stop();
  const userId = randomUUID();
  lending.lender.addCustomer(userId, customer());
  await approve(userId);
  const dying = connectorWorker(
    {
      ...lending.tidings,
      pool: Object.assign(Object.create(lending.tidings.pool), {
        // Statements go through, transactions do not.
        connect: (done?: never) => (done ? lending.tidings.pool.connect(done) : Promise.reject(new Error('killed'))),
      }),
    },
    lending.lender,
    { lease: 2000 },
  );
  await vi.waitFor(
    async () => expect((await eventsOf(userId)).map(({ event_type }) => event_type)).toContain('customer.imported'),
    {
      timeout: 30_000,
    },
  );
  await dying.stop();
  expect((await tasksOf(userId))[0].state).toBe('open');
  lending.lender.addCustomer(userId, customer({ name: { first: 'Changed', last: 'since' } }));
  lending.worker = connectorWorker(lending.tidings, lending.lender);
  lending.tidings.clock.now += 60_000;
  await untilTasks(userId, ['done']);
  expect((await eventsOf(userId)).filter(({ event_type }) => event_type === 'customer.imported')).toHaveLength(1);
  expect((await lending.server.get(`/api/v1/users/${userId}/products`)).body.products).toHaveLength(1);
});

test('a secret of the environment counts in place of one that was set, for the tenant of the installation alone', async () => {
  const secrets = new Map([['TIDINGS_CONNECTOR_CUSTOMER_IMPORT_SHARED_KEY', LENDER_SECRETS.shared_key]]);
  const settings = { servers: [], tenantId: TENANT, secrets };
  await lending.worker.stop();
  await lending.server.send('PUT', '/api/v1/connectors/customer_import/secrets', { shared_key: 'of another service' });
  const [own, others] = [randomUUID(), randomUUID()];
  for (const userId of [own, others]) lending.lender.addCustomer(userId, customer());
  const server = await testServer(lending.tidings, { connectorSettings: settings });
  try {
    lending.worker = connectorWorker(lending.tidings, lending.lender, { environment: settings });
    await approve(own);
    await untilTasks(own, ['done']);
    const [shown] = (await server.get('/api/v1/connectors')).body.connectors;
    expect(shown).toMatchObject({ secrets_set: ['shared_key'], secrets_of_environment: ['shared_key'] });
    expect(JSON.stringify(shown)).not.toContain(LENDER_SECRETS.shared_key);
    await lending.worker.stop();
    const environment = { ...settings, tenantId: 'another' };
    lending.worker = connectorWorker(lending.tidings, lending.lender, { environment });
    await approve(others);
    await untilTasks(others, ['dead']);
    expect((await tasksOf(others))[0].code).toBe('status_401');
  } finally {
    await server.close();
    await setSecrets(lending.server);
    await lending.worker.stop();
    lending.worker = connectorWorker(lending.tidings, lending.lender);
  }
});

test('tasks wait for a secret that is missing, without losing attempts, and go on when it is set', async () => {
  const secrets = '/api/v1/connectors/customer_import/secrets';
  await lending.server.send('PUT', secrets, { shared_key: null });
  const userId = randomUUID();
  lending.lender.addCustomer(userId, customer());
  await approve(userId);
  for (let look = 0; look < 6; look++) {
    await vi.waitFor(
      async () => {
        const [task] = await tasksOf(userId);
        expect(task).toMatchObject({ state: 'open', attempts: 0, code: 'secret_missing' });
        expect(Date.parse(task.due_at)).toBeGreaterThan(lending.tidings.clock.now);
      },
      { timeout: 30_000 },
    );
    if (look < 5) lending.tidings.clock.now = Date.parse((await tasksOf(userId))[0].due_at);
  }
  expect(lending.worker.worker.problem?.cause).toContain('tasks of 1 connector wait');
  await lending.server.send('PUT', secrets, { shared_key: LENDER_SECRETS.shared_key });
  await vi.waitFor(async () => expect((await tasksOf(userId))[0].state).toBe('done'), { timeout: 30_000 });
  expect((await eventsOf(userId)).map(({ event_type }) => event_type)).not.toContain('customer.import_failed');
  expect(lending.worker.worker.problem).toBeUndefined();
});

test('a private address is not called, unless the operator allows it; secrets are never shown', async () => {
  const userId = randomUUID();
  const other = await Lender.start();
  try {
    await lending.apply(connectorsYaml(other.url));
    other.addCustomer(userId, customer());
    await approve(userId);
    await untilTasks(userId, ['dead']);
    expect((await tasksOf(userId))[0]).toMatchObject({ code: 'address_rejected' });
    expect(other.requests).toEqual([]);
  } finally {
    await other.stop();
    await lending.apply(connectorsYaml(lending.lender.url));
  }
  const { rows } = await lending.tidings.pool.query(
    "select sealed::text, names from connector_secrets where connector = 'customer_import'",
  );
  expect(rows[0].names).toEqual(['shared_key']);
  const shown = JSON.stringify([
    (await lending.server.get('/api/v1/connectors')).body,
    (await lending.server.get('/api/v1/audit-log')).body,
  ]);
  expect(shown).toContain('connector.secrets_changed');
  expect(shown).not.toContain('a shared key');
});

describe('the commands of the lender', () => {
  beforeEach(() => vi.stubEnv('TIDINGS_URL', lending.server.url));
  afterEach(() => vi.unstubAllEnvs());
  const print = async (...args: string[]) => (await runCommand(...args)).text;

  test.each([
    [
      'generate_payment_reminder_objects',
      { payment_id: 'p', product: 'LOAN', amount: 240, due_on: '2026-12-20', autopay: false },
      'PAYMENT_REMINDER',
    ],
    ['generate_card_high_purchase_objects', { purchase_id: 'c', amount: 912.4, currency: 'USD' }, 'CARD_HIGH_PURCHASE'],
  ])('%s makes one set, however often it runs, and the rules decide about it', async (command, properties, rule) => {
    const file = join(tmpdir(), `${command}-${process.pid}.jsonl`);
    const at = new Date(lending.tidings.clock.now).toISOString();
    const lines = ['u1', 'u2'].map((user) => {
      const [[id, value], ...rest] = Object.entries(properties) as [[string, unknown], ...[string, unknown][]];
      return JSON.stringify({
        user_id: `${command} ${user}`,
        at,
        [id]: `${value} ${user}`,
        ...Object.fromEntries(rest),
      });
    });
    await writeFile(file, `${lines.join('\n')}\n`);
    expect(await print(command, file)).toBe('2 new, 0 there already, 0 rejected');
    expect(await print(command, file)).toBe('0 new, 2 there already, 0 rejected');
    const { rows } = await lending.tidings.pool.query('select decisions::text as made from events where user_id = $1', [
      `${command} u1`,
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0].made).toContain(rule);
    const late = JSON.stringify({ ...JSON.parse(lines[0] as string), at: 'soon' });
    await writeFile(file, `${lines[0]}\n${late}\n`);
    expect(await runCommand(command, file)).toMatchObject({
      exitCode: 1,
      text: expect.stringMatching(/^0 new, 1 there already, 1 rejected\nline 2: invalid_timestamp: \S/),
    });
    await writeFile(file, `${`${lines[0]}\n`.repeat(200)}{"user_id": "u"}`);
    const ended = await runCommand(command, file);
    expect(ended.exitCode).toBe(1);
    expect(ended.text).toMatch(/:201 needs "user_id", .*; before it, 0 were new, 200 there already, 0 rejected/s);
    await rm(file);
  });

  test('connectors, their tasks and the cards of a user are listed, and a card is registered', async () => {
    const userId = randomUUID();
    lending.lender.addCustomer(
      userId,
      customer({ products: [{ product_uuid: userId, type: 'credit', status: 'approved' }] }),
    );
    await approve(userId);
    await untilTasks(userId, ['done', 'done']);
    expect(await print('connectors', 'list')).toContain('customer_import  customer-import on product_status_changed');
    expect(await print('connectors', 'tasks', '--user', userId)).toMatch(/ {2}card_network .* {2}done/);
    expect(await print('cards', 'list', '--user', userId)).toMatch(
      / {2}CREDIT {2}approved {2}registered REG_121 {2}sub-/,
    );
    expect(await print('cards', 'register', '--user', userId)).toMatch(/ {2}open$/);
    expect(await print('connectors', 'set-secret', 'card_network', 'fi_token', '--secret', 'x')).toContain('fi_token');
  });
});
