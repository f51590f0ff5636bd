import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApiDocument } from '../src/http/openapi/build-document.ts';
import { payment, type TestApi, testApi } from './support/api.ts';
import { NDJSON } from './support/batches.ts';

/** The examples of the OpenAPI document are requests that work; the helper compares each response with the document. */

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly example?: unknown }[];
  readonly requestBody?: {
    readonly content: {
      readonly [mediaType: string]: { readonly examples: { readonly [name: string]: { readonly value: unknown } } };
    };
  };
}

const document = (await buildApiDocument()) as {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
};

let api: TestApi;
let invited = 0;
let hasUsers = false;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

/** Makes the rows that an example names, and returns the id that it puts in place of that of the document. */
async function prepare(example: string): Promise<string | undefined> {
  // A few examples merge or erase the users.
  if (!hasUsers) await makeUsers();
  hasUsers = !/^(mergeUser|eraseUser|getErasure)$/.test(example);
  if (/Tenant/.test(example)) await makeTenant(example);
  if (/Issuer/.test(example)) await makeIssuer();
  if (/Account|Provider/.test(example)) await makeAccount(example);
  if (/Template|Translation|VariantTest/.test(example)) await makeTemplates(example);
  const [, make] = MAKERS.find(([pattern]) => pattern.test(example)) ?? [];
  return make?.(example);
}

/** Makers of the row whose id an example has in its path. */
const MAKERS: readonly (readonly [RegExp, (example: string) => Promise<string | undefined>])[] = [
  [/^(dismiss|retry|correct)RejectedEvent$/, rejectEvent],
  [/^(getJob|listJobFailures|stopJob)$/, startJob],
  [/^(change|remove)Member$/, inviteMember],
  [/Webhook/, makeWebhook],
  [/^(get|update|rotate|revoke)Key$/, makeKey],
  [/^getErasure$/, eraseUser],
  [/Batch/, makeBatch],
  [/^(get|change|delete)List$|OfList$|ListMembers$/, makeList],
  [/^(get|cancel|reschedule)Notification$/, scheduleNotification],
  [/^changeCustomerNotification/, findToggle],
];

async function rejectEvent(): Promise<string> {
  const { server } = api;
  const posted = await server.post('/api/v1/events', payment({ properties: { amount: 'ten' } }));
  expect(posted.status).toBe(422);
  return (await server.get('/api/v1/events/rejected')).body.rejected[0]?.rejected_id;
}

async function startJob(): Promise<string> {
  return (await api.server.post('/api/v1/jobs', { action: 'deliveries.retry', filter: {} })).body.job_id;
}

async function inviteMember(): Promise<string> {
  const email = `bo${++invited}@example.com`;
  return (await api.server.post('/api/v1/members', { email, role: 'viewer' })).body.member_id;
}

async function makeIssuer(): Promise<void> {
  const issuer = 'https://id.example.com';
  const path = `/api/v1/issuers/${encodeURIComponent(issuer)}`;
  await api.server.send('PUT', path, { jwks_url: issuer, audiences: ['app'] });
}

/** Makes the account that examples name; none for the example that creates it. */
async function makeAccount(example: string): Promise<void> {
  await api.tidings.database.pool.query('delete from provider_accounts');
  if (example === 'createProviderAccount') return;
  const settings = { url: 'smtp://mail.invalid:25', from: 'test@example.com' };
  await api.server.post('/api/v1/provider-accounts', { account: 'ses_eu', provider: 'smtp', settings });
}

/** Makes a webhook; for the example that sends a delivery again, the one that it names, with that delivery. */
async function makeWebhook(example: string): Promise<string> {
  const { endpoint_id } = (await api.server.post('/api/v1/webhooks', { url: 'https://hooks.invalid/hook' })).body;
  if (example !== 'replayWebhookDelivery') return endpoint_id;
  const { pool } = api.tidings.database;
  const replayed = '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e';
  await pool.query('update webhook_endpoints set endpoint_id = $1 where endpoint_id = $2', [replayed, endpoint_id]);
  await pool.query(
    `insert into deliveries (tenant_id, notification_id, channel, target, user_id, notification_type, status, due_at, retry_until,
                             in_doubt_policy, created_at, finished_at)
     values ('default', $1, 'webhook', $2, 'user-1042', 'NEWS', 'dead', now(), now(), 'resend', now(), now())`,
    [replayed, replayed],
  );
  return replayed;
}

async function makeKey(): Promise<string> {
  return (await api.server.post('/api/v1/keys', { name: 'example', scopes: ['users:read'] })).body.key_id;
}

async function eraseUser(): Promise<string> {
  return (await api.server.post('/api/v1/users/user-7/erase')).body.erasure_id;
}

/** Makes the users that the examples name. */
async function makeUsers(): Promise<void> {
  await api.tidings.database.pool.query('delete from merged_users; delete from erasures');
  for (const [user_id, email] of [
    ['user-1042', 'maria@example.com'],
    ['user-7', 'maria.silva@example.com'],
  ] as const) {
    const event = { event_id: randomUUID(), user_id, user_traits: { email, marketing_opt_in: true } };
    await api.server.post('/api/v1/events', payment(event));
  }
}

/** Makes the batch that an example names, in the state that its operation asks for. */
async function makeBatch(example: string): Promise<string | undefined> {
  if (example === 'createBatch') return;
  const { server } = api;
  const { batch_id } = (await server.post('/api/v1/batches', { type: 'WELCOME_EMAIL' })).body;
  const path = `/api/v1/batches/${batch_id}`;
  if (example !== 'addBatchRecipients') {
    await server.send('PUT', `${path}/recipients`, '{"user_id":"user-1042"}', NDJSON);
    for (const command of COMMANDS_BEFORE[example] ?? [])
      expect((await server.post(`${path}/${command}`)).status).toBe(200);
  }
  return batch_id;
}

async function makeList(): Promise<string> {
  await api.tidings.database.pool.query('delete from lists');
  return (await api.server.post('/api/v1/lists', { name: 'Newcomers' })).body.list_id;
}

const COMMANDS_BEFORE: { readonly [operation: string]: readonly string[] } = {
  pauseBatch: ['start'],
  resumeBatch: ['start', 'pause'],
};

async function scheduleNotification(): Promise<string> {
  const scheduled_at = new Date(api.tidings.clock.now + 3_600_000).toISOString();
  const request = { type: 'INSUFFICIENT_FUNDS_EMAIL', recipients: [{ user_id: 'user-1042' }], scheduled_at };
  return (await api.server.post('/api/v1/notifications', request)).body.results[0].notification_id;
}

/** Finds the toggle that an example names. */
async function findToggle(): Promise<string> {
  return (await api.server.get('/api/v1/customer-notifications/user-1042')).body[0].id;
}

/** Makes the template that examples name; none for the example that creates it. */
async function makeTemplates(example: string): Promise<void> {
  const { server, tidings } = api;
  await tidings.database.pool.query('delete from template_tests; delete from templates');
  await server.send('PATCH', '/api/v1/tenant', { settings: { template_source: 'api' } });
  if (example === 'createTemplate') return;
  const parts = { subject: 'Welcome', text: 'Hello' };
  const template = { name: 'CLIENT_WELCOME', type: 'WELCOME_EMAIL', channel: 'email', parts };
  expect((await server.post('/api/v1/templates', template)).status).toBe(201);
  const activate = (id: string) => server.post(`/api/v1/templates/${id}/activate`, {});
  if (example === 'rollBackTemplate') {
    await activate('CLIENT_WELCOME');
    await server.send('PATCH', '/api/v1/templates/CLIENT_WELCOME', { parts: { text: 'Hi' } });
    expect((await activate('CLIENT_WELCOME')).body.version).toBe(2);
  } else if (example === 'startVariantTest') {
    await activate('CLIENT_WELCOME');
    await server.post('/api/v1/templates', { ...template, name: 'SHORT', variant: 'short' });
    expect((await activate('SHORT')).status).toBe(200);
  }
}

/** Returns the header of a user, who reaches the own data alone. */
async function asUser(): Promise<{ authorization: string }> {
  const { token } = (await api.server.post('/api/v1/users/user-1042/tokens')).body;
  return { authorization: `Bearer ${token}` };
}

/** Makes the tenant that examples name, which some of them suspend or delete; none for the example that creates it. */
async function makeTenant(example: string): Promise<void> {
  const { pool } = api.tidings.database;
  if (example === 'createTenant') await pool.query(`delete from tenants where tenant_id = 'acme'`);
  else
    await pool.query(
      `insert into tenants (tenant_id, name) values ('acme', 'Acme') on conflict (tenant_id) do update set status = 'active'`,
    );
}

/** Statuses of examples whose subject this installation does not have, or that wants another state of it. */
const OTHER_STATUSES: { readonly [operation: string]: readonly number[] } = {
  // Nothing was delivered here, and no wait is pending.
  getMessage: [404],
  revealMessage: [404],
  retryDelivery: [404],
  cancelDelivery: [404],
  getSuppression: [404],
  // No emails are paused here.
  resumeSending: [404],
  // The ids of addresses follow from the key of the database.
  makeAddressPrimary: [404],
  removeAddress: [404],
  verifyAddress: [404],
  confirmAddress: [404],
  liftSuppression: [404],
  // Segments, sources, sinks and connectors are parts of the catalog.
  listSegmentUsers: [404],
  pauseSink: [404],
  resumeSink: [404],
  listParkedMessages: [404],
  retryParkedMessages: [404],
  discardParkedMessages: [404],
  pauseSource: [404],
  resumeSource: [404],
  setConnectorSecrets: [404],
  retryConnectorTask: [404],
  registerUserProducts: [404],
  callCardNetwork: [404],
  getDeadLetters: [404],
  removeDevice: [404],
  removeOwnDevice: [404],
  changeInboxItem: [404],
  changeOwnInboxItem: [404],
  cancelWait: [404],
  retryWait: [404],
  // Still rejected: the example corrects another field, or is no event of this catalog.
  retryRejectedEvent: [202, 422],
  correctRejectedEvent: [404, 422],
  dismissRejectedEvent: [200, 404],
  applyCatalog: [422],
  runCases: [422],
  makeCase: [422],
  tryCatalog: [422],
  backtestCatalog: [422],
  // No release was started: its examples have no version 2.
  startRelease: [404],
  getRelease: [404],
  raiseReleaseShare: [404],
  finishRelease: [404],
  rollBackRelease: [404],
  // Tenant default, which cannot follow itself.
  followCatalog: [404],
  // Further ahead than messages wait, by the clock of this test.
  pauseUser: [400],
  // No test was started.
  getVariantTestResults: [404],
  // A link that no start printed.
  useOwnerLink: [401],
  startWebhookPortalSession: [401],
};

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, string, string, Operation] => [
    operation.operationId,
    method.toUpperCase(),
    path,
    operation,
  ]),
);

describe('the examples of', () => {
  test.each(operations)('%s', async (name, method, path, operation) => {
    const id = await prepare(name);
    const given = operation.parameters ?? [];
    const textOf = (parameter: (typeof given)[number]) =>
      String(/^((member|endpoint)_)?id$/.test(parameter.name) ? (id ?? parameter.example) : parameter.example);
    const filled = given
      .filter((one) => one.in === 'path')
      .reduce((url, one) => url.replace(`{${one.name}}`, encodeURIComponent(textOf(one))), path);
    const query = new URLSearchParams(
      given
        .filter((one) => one.in === 'query' && one.example !== undefined)
        .map((one): [string, string] => [one.name, textOf(one)]),
    );
    const url = query.size > 0 ? `${filled}?${query}` : filled;
    const [[mediaType, content] = []] = Object.entries(operation.requestBody?.content ?? {});
    const bodies = Object.values(content?.examples ?? {});
    const typed = mediaType === undefined ? {} : { 'content-type': mediaType };
    const isOfUser = /^\/api\/v1\/me(\/|$)/.test(path);
    for (const body of method === 'GET' ? [undefined] : bodies.length > 0 ? bodies : [undefined]) {
      const answer = await api.server.send(method, url, body?.value, {
        ...(body ? typed : {}),
        ...(isOfUser ? await asUser() : {}),
      });
      const allowed = OTHER_STATUSES[name] ?? [200, 201, 202];
      expect(allowed, `${method} ${url} ${JSON.stringify(answer.body)}`).toContain(answer.status);
    }
  });
});
