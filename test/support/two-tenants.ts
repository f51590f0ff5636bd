import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { validateCatalogFiles } from '../../src/catalog/load-valid-catalog.ts';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { startJob } from '../../src/jobs/start-job.ts';
import { systemActor } from '../../src/model/principal.ts';
import { toCodeHash } from '../../src/notify/verify-address.ts';
import { documentRow, sealDocument } from '../../src/privacy/documents.ts';
import { toNormalAddress } from '../../src/privacy/normal-address.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { type TestServer, testServer } from './http.ts';
import { TENANT, type TestTidings, testTidings } from './tidings.ts';

/** Two tenants with the same kinds of rows: `default`, which the API acts for, and another one. */

export const OTHER = 'other';
/** A tenant whose catalog others may follow. */
export const BASE = 'base';
/** Everything of the other tenant has this word in it: ids, names of rules and types, texts. */
export const SECRET = /foreign/i;

/** Ids of a tenant's rows, one of each kind. */
export interface Rows {
  readonly tenantId: string;
  readonly userId: string;
  readonly notificationType: string;
  readonly sent: string;
  /** Two of them. */
  readonly deviceIds: readonly [string, string];
  /** Ids of three addresses of the user that do not receive; the code CODE was sent to the last. */
  readonly addressIds: readonly [string, string, string];
  readonly inboxItemId: string;
  /** A user who may be merged into another. */
  readonly mergeableId: string;
  /** Another user, who may be erased. */
  readonly erasableId: string;
  readonly erasureId: string;
  readonly stopped: string;
  readonly queued: string;
  readonly waitId: string;
  readonly setAsideWaitId: string;
  /** Three of them. */
  readonly rejectedIds: readonly string[];
  readonly jobId: string;
  /** Ids of two drafts; the first has a recipient. */
  readonly batchIds: readonly [string, string];
  /** Ids of two lists with a member. */
  readonly listIds: readonly [string, string];
  /** Name of a segment of its catalog. */
  readonly segment: string;
  /** A source of its catalog. */
  readonly source: string;
  /** A sink of its catalog, and a topic that it wrote before; of each a message was set aside. */
  readonly sinks: readonly [string, string];
  readonly keyIds: readonly [string, string];
  readonly rule: string;
  readonly correlationId: string;
  readonly issuer: string;
  readonly memberId: string;
  /** Names of accounts with a provider. */
  readonly accounts: readonly [string, string];
  /** Ids of endpoints of webhooks. */
  readonly endpointIds: readonly [string, string];
  /** Id of a delivery to the second of them. */
  readonly webhook: string;
  readonly suppressionId: string;
  /** A connector of its catalog, a task of it that is dead, and a product of the user that is registered. */
  readonly connector: string;
  readonly deadTaskId: string;
  readonly productId: string;
  /** Id of a toggle of the user. */
  readonly toggleId: string;
  /** Templates of the API: a draft, one with two versions, one to be archived, and one whose variants were tested. */
  readonly templateIds: readonly [string, string, string, string];
  /** A release that is finished. */
  readonly releaseId: string;
  /** Token of the user, with which it reaches `/api/v1/me`. */
  readonly token: string;
}

export interface TwoTenants {
  readonly tidings: TestTidings;
  readonly server: TestServer;
  readonly own: Rows;
  readonly other: Rows;
  /** Returns a digest of all rows of a tenant. */
  digest(tenantId: string): Promise<string>;
  close(): Promise<void>;
}

export async function twoTenants(): Promise<TwoTenants> {
  const tidings = await testTidings({ email: sandboxProvider(['email']) }, catalogOf('own'));
  const { pool } = tidings.database;
  const seed = async (tenantId: string, word: string): Promise<Omit<Rows, keyof Access | 'webhook'>> => {
    await pool.query('insert into tenants (tenant_id, name) values ($1, $2) on conflict do nothing', [tenantId, word]);
    for (const version of [1, 2]) {
      const data = await validateCatalogFiles(catalogOf(word, version));
      await applyCatalog(pool, tenantId, data, systemActor(`${word} actor`), tidings.clock.now);
    }
    await tidings.catalogs.refresh(tenantId);
    const eventOf = (type: string, user: string) => ({
      event_id: `${word} ${type} ${user}`,
      user_id: `${word} ${user}`,
      event_type: type,
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties: { text: `${word} text` },
      context: { correlation_id: `${word} correlation` },
      user_traits: user === 'unreachable' ? {} : { email: `${word}@example.com` },
    });
    const post = (type: string, user: string) => tidings.pipeline.ingest(tenantId, [eventOf(type, user)]);
    for (const user of ['maria', 'unreachable']) await post('mailed', user);
    await tidings.worker();
    await settle(tidings);
    await tidings.stopWorkers();
    const invalid = ['a', 'b', 'c'].map((user) => ({ ...eventOf('mailed', user), event_timestamp: word }));
    await tidings.pipeline.ingest(tenantId, invalid, true);
    for (const type of ['mailed', 'delayed']) {
      tidings.clock.now += 1000;
      await post(type, 'later');
    }
    const parts = { ...tidings, clock: () => tidings.clock.now };
    const { job } = await startJob(parts, {
      tenantId,
      actor: systemActor(`${word} actor`),
      action: 'deliveries.retry',
      filter: { user_id: `${word} unreachable` },
      name: `${word} job`,
      patch: null,
      perSecond: null,
      key: `${word} key`,
    });
    await pool.query(`insert into job_failures values ($1, $2, $3, 'c', $3)`, [tenantId, job.job_id, `${word} item`]);
    const keyIds = [`${word}-key-1`, `${word}-key-2`] as const;
    await pool.query(
      `insert into api_keys (tenant_id, key_id, hash, last4, name, scopes, created_by)
       select $1, id, '', '', $2, '{users:read}', '{"kind":"system","id":"test","name":"test","from":null}' from unnest($3::text[]) as id`,
      [tenantId, `${word} key`, keyIds],
    );
    await pool.query(
      `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at,
                          state, attempts, failure, set_aside_at)
       select tenant_id, user_id, gen_random_uuid(), rule, key, kind, catalog_version, status, trigger_time, due_at, began_at,
              state, 8, $2, began_at
       from waits where tenant_id = $1`,
      [tenantId, `${word} failure`],
    );
    const correlationId = `${word} correlation`;
    const rule = `${word.toUpperCase()}_DELAYED`;
    const deviceIds = [randomUUID(), randomUUID()] as const;
    const inboxItemId = randomUUID();
    await pool.query(
      `insert into devices (tenant_id, device_id, user_id, platform, service, app, sealed, hash, mask, registered_at, seen_at)
       select $1, id, $3, 'android', 'fcm', $4, '', $4 || id, $4, now(), now() from unnest($2::uuid[]) as id`,
      [tenantId, deviceIds, `${word} maria`, `${word} app`],
    );
    // A group of its own: those of other tenants would have the same id.
    await pool.query(
      `update deliveries set dead_letter = dead_letter_group('recipient', 'sms', 'sandbox', $1, 'missing_phone', null)
       where tenant_id = $1 and status = 'undeliverable'`,
      [tenantId],
    );
    await pool.query(
      `insert into route_moves (tenant_id, channel, account, share, since, moved_at, cause) values ($1, 'email', $2, 10, now(), now(), $3)`,
      [tenantId, `${word}-account`, `${word} cause`],
    );
    const suppressionId = randomUUID();
    await pool.query(
      `insert into suppressions (tenant_id, channel, address_hash, scope, suppression_id, address_mask, reason, since, evidence)
       values ($1, 'email', $3, 'all', $2, $3, 'manual', now(), '{}')`,
      [tenantId, suppressionId, `${word} address`],
    );
    await pool.query(
      `insert into email_standings (tenant_id, notification_type, alerted_at, paused_at, cause) values ($1, 'PAUSED', now(), now(), $2)`,
      [tenantId, `${word} cause`],
    );
    await pool.query(`insert into inboxes (tenant_id, user_id, last) values ($1, $2, 1)`, [tenantId, `${word} maria`]);
    await pool.query(
      `insert into inbox_items (tenant_id, user_id, notification_id, sequence, change, notification_type, sealed, created_at)
       values ($1, $2, $3, 1, 1, $4, '', now())`,
      [tenantId, `${word} maria`, inboxItemId, `${word} type`],
    );
    const [erasableId, erasureId] = [`${word} erasable`, randomUUID()];
    const mergeableId = `${word} mergeable`;
    await pool.query(
      `insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at)
       select $1, id, '{}', '{}', '{}', now(), now() from unnest($2::text[]) as id`,
      [tenantId, [erasableId, mergeableId]],
    );
    await pool.query(
      `insert into erasures (tenant_id, user_hash, erasure_id, erased_at, until, job_id, actor, counts, finished_at)
       values ($1, $3, $2, '2020-01-01', $2, $2, '{}', '{}', '2020-01-02')`,
      [tenantId, erasureId, `${word} hash`],
    );
    await addPossessions(pool, tenantId, erasableId);
    await addConsent(pool, tenantId, `${word} maria`);
    const templateIds = await addTemplates(pool, tenantId, word);
    const releaseId = await addRelease(pool, tenantId, word);
    const batchIds = [randomUUID(), randomUUID()] as const;
    const type = (await load(pool, tenantId)).notificationType;
    await pool.query(
      `insert into batches (tenant_id, batch_id, operation_id, name, request, lines, actor, created_at)
       select $1, id, id, $3, $4, case id when $5 then 1 else 0 end, '{"kind": "system", "id": "test", "name": "test"}', now()
       from unnest($2::uuid[]) as id`,
      [tenantId, batchIds, `${word} batch`, JSON.stringify({ type, priority: 'LOW' }), batchIds[0]],
    );
    await pool.query(`insert into batch_recipients (tenant_id, batch_id, line, user_id) values ($1, $2, 0, $3)`, [
      tenantId,
      batchIds[0],
      `${word} erasable`,
    ]);
    const [connector, deadTaskId, productId] = [CONNECTOR, randomUUID(), `${word} product`];
    await addProduct(tidings, tenantId, { userId: `${word} maria`, productId, deadTaskId, connector });
    const listIds = [randomUUID(), randomUUID()] as const;
    await pool.query(
      `insert into lists (tenant_id, list_id, name, members, created_by, created_at, updated_at)
       select $1, id, $3 || n, 1, $3, now(), now() from unnest($2::uuid[]) with ordinality as r(id, n)`,
      [tenantId, listIds, `${word} list`],
    );
    await pool.query(
      'insert into list_members (tenant_id, list_id, user_id, added_at) select $1, id, $3, now() from unnest($2::uuid[]) as id',
      [tenantId, listIds, `${word} maria`],
    );
    return {
      ...(await load(pool, tenantId)),
      listIds,
      ...{ connector, deadTaskId, productId },
      segment: segmentOf(word),
      source: sourceOf(word),
      sinks: await addParked(pool, tenantId, word),
      tenantId,
      templateIds,
      releaseId,
      erasableId,
      mergeableId,
      erasureId,
      deviceIds,
      inboxItemId,
      suppressionId,
      keyIds,
      jobId: job.job_id,
      batchIds,
      rule,
      correlationId,
    };
  };
  await pool.query('insert into tenants (tenant_id, name) values ($1, $1)', [BASE]);
  await applyCatalog(pool, BASE, await validateCatalogFiles(catalogOf('base')), systemActor('base'), tidings.clock.now);
  const rowsOfOther = await seed(OTHER, 'foreign');
  const rowsOfOwn = await seed(TENANT, 'own');
  const server = await testServer(tidings, { perMinute: 1_000_000 });
  const accessOfOther = await addAccess(server, OTHER, 'foreign', rowsOfOther.userId);
  const accessOfOwn = await addAccess(server, TENANT, 'own', rowsOfOwn.userId);
  await addCode(tidings, OTHER, 'foreign', rowsOfOther.userId);
  await addCode(tidings, TENANT, 'own', rowsOfOwn.userId);
  const webhookOfOther = await addWebhook(pool, OTHER, accessOfOther.endpointIds[1]);
  const webhookOfOwn = await addWebhook(pool, TENANT, accessOfOwn.endpointIds[1]);
  const other = { ...rowsOfOther, ...accessOfOther, webhook: webhookOfOther };
  const own = { ...rowsOfOwn, ...accessOfOwn, webhook: webhookOfOwn };
  return {
    tidings,
    server,
    own,
    other,
    async digest(tenantId) {
      const { rows } = await pool.query<{ name: string }>(
        `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
           and not relispartition and exists (select from pg_attribute where attrelid = oid and attname = 'tenant_id')
         order by 1`,
      );
      const digests = [];
      for (const { name } of rows) {
        const { rows: found } = await pool.query(
          `select count(*) as rows, md5(string_agg(row, '|' order by row)) as digest
           from (select (to_jsonb(t) ${OWN_USES})::text as row from ${name} as t where tenant_id = $1) as found`,
          [tenantId],
        );
        digests.push(`${name} ${found[0].rows} ${found[0].digest}`);
      }
      return digests.join('\n');
    },
    async close() {
      await server.close();
      await tidings.close();
    },
  };
}

/** Leaves out when a key was last used: it is noted some time after the call, also that of an earlier test. */
const OWN_USES = `- 'last_used_at'`;

type Access = Pick<Rows, 'toggleId' | 'addressIds' | 'issuer' | 'memberId' | 'accounts' | 'endpointIds' | 'token'>;

/** Gives a tenant an issuer, a member, and a token of a user. */
async function addAccess(server: TestServer, tenantId: string, word: string, userId: string): Promise<Access> {
  const send = async (method: string, path: string, body?: object) => {
    const { status, body: made } = await server.send(method, path, body, { 'x-tidings-tenant': tenantId });
    if (status !== 201) throw new Error(JSON.stringify(made));
    return made;
  };
  const issuer = `https://${word}.example.com`;
  await send('PUT', `/api/v1/issuers/${encodeURIComponent(issuer)}`, ISSUER);
  for (const name of ['one', 'two']) {
    await send('POST', '/api/v1/members', {
      issuer,
      subject: `${word} ${name}`,
      name: `${word} member`,
      role: 'owner',
    });
  }
  const { member_id: memberId } = await send('POST', '/api/v1/members', {
    issuer,
    subject: `${word} subject`,
    name: `${word} member`,
    role: 'viewer',
  });
  const { token } = await send('POST', `/api/v1/users/${encodeURIComponent(userId)}/tokens`, { lifetime: '24h' });
  const accounts = [`${word}-account-1`, `${word}-account-2`] as const;
  for (const account of accounts) await send('POST', '/api/v1/provider-accounts', { ...ACCOUNT, account });
  const description = `${word} endpoint`;
  const make = async () => (await send('POST', '/api/v1/webhooks', { ...WEBHOOK, description })).endpoint_id;
  const addAddress = async (address: string) =>
    (await send('POST', `/api/v1/users/${encodeURIComponent(userId)}/addresses`, { kind: 'email', address }))
      .address_id;
  const addressIds = [
    await addAddress(`${word}@one.example`),
    await addAddress(`${word}@two.example`),
    await addAddress(`${word}@three.example`),
  ] as const;
  const { body: toggles } = await server.get(`/customer-notifications/${encodeURIComponent(userId)}`, {
    'x-tidings-tenant': tenantId,
  });
  const toggleId = toggles[0].id;
  return { issuer, memberId, accounts, endpointIds: [await make(), await make()], addressIds, toggleId, token };
}

/** Gives a user what a user may have: a device, a verified address and a consent. */
async function addPossessions(pool: TestTidings['pool'], tenantId: string, userId: string): Promise<void> {
  for (const statement of [
    `insert into devices (tenant_id, device_id, user_id, platform, service, app, sealed, hash, mask, registered_at, seen_at)
     values ($1, gen_random_uuid(), $2, 'android', 'fcm', $2, '', $2, $2, now(), now())`,
    `insert into addresses (tenant_id, user_id, kind, place, is_trait, added_at, sealed, key_id, hash, mask, updated_at)
     values ($1, $2, 'phone', 0, false, now(), '', '', $2, $2, now())`,
    `insert into address_verifications (tenant_id, user_id, kind, hash, verified_at, method)
     values ($1, $2, 'phone', $2, now(), 'code')`,
  ])
    await pool.query(statement, [tenantId, userId]);
  await addConsent(pool, tenantId, userId);
}

async function addConsent(pool: TestTidings['pool'], tenantId: string, userId: string): Promise<void> {
  await pool.query(
    `insert into consents (tenant_id, user_id, consent_id, purpose, channel, state, address_mask, recorded_by, at, recorded_at)
     values ($1, $2, gen_random_uuid(), $2, 'email', 'granted', $2, $2, now(), now())`,
    [tenantId, userId],
  );
}

/** Adds templates of the API to a tenant, and a test that has ended. */
/** Adds a release of version 2 that was finished. */
async function addRelease(pool: TestTidings['pool'], tenantId: string, word: string): Promise<string> {
  const by = JSON.stringify(systemActor(`${word} actor`));
  const { rows } = await pool.query<{ id: string }>(
    `insert into releases (tenant_id, release_id, operation_id, from_version, to_version, state, share, steps, note, watch, finish_at,
                           started_at, started_by, checked_at, ended_at, ended_by, end_reason, comparison)
     values ($1, gen_random_uuid(), gen_random_uuid(), 1, 2, 'finished', 1000, $3, $2, null, now(), now() - interval '1 day', $4, now(),
             now(), $4, $2, null)
     returning release_id as id`,
    [tenantId, `${word} release`, JSON.stringify([{ at: 0, share: 1000, by: JSON.parse(by) }]), by],
  );
  return rows[0]?.id as string;
}

async function addTemplates(pool: TestTidings['pool'], tenantId: string, word: string): Promise<Rows['templateIds']> {
  const ids = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const;
  const by = JSON.stringify(systemActor(`${word} actor`));
  await pool.query(`update tenants set settings = '{"template_source":"api"}' where tenant_id = $1`, [tenantId]);
  await pool.query(
    `insert into templates (tenant_id, template_id, name, notification_type, channel, locale, created_at)
     select $1, id, $3 || i, upper($3), 'email', 'en', now() from unnest($2::uuid[]) with ordinality as t (id, i)`,
    [tenantId, ids, word],
  );
  await pool.query(
    `insert into template_versions (tenant_id, template_id, version, parts, created_by, created_at, updated_at, activated_at)
     select $1, id, version, json_build_object('subject', $3::text, 'text', version::text), $4::json, now(), now(),
            case when id <> ($2::uuid[])[1] then now() end
     from unnest($2::uuid[]) as id, generate_series(1, case when id = ($2::uuid[])[2] then 2 else 1 end) as version`,
    [tenantId, ids, word, by],
  );
  await pool.query(
    `insert into template_activations (tenant_id, activation_id, template_id, kind, version, catalog_version, by, at)
     values ($1, gen_random_uuid(), $2, 'activated', 1, 1, $3, now())`,
    [tenantId, ids[1], by],
  );
  await pool.query(
    `insert into template_tests (tenant_id, test_id, notification_type, channel, shares, metric, planned_users, started_at, ended_at)
     values ($1, gen_random_uuid(), upper($2), 'email', '{"default":50,"short":50}', 'clicked', 2, now() - interval '1 day', now())`,
    [tenantId, word],
  );
  // Sums of any time that a request asks for by default, by the clock of the test or of the database.
  await pool.query(
    `insert into metric_rollups (tenant_id, grain, dimension, bucket, notification_type, value, events, decided, held, sent, cost)
     select $1, g, d, date_bin(length, t - ago * interval '1 hour', '1970-01-05T00:00:00Z'), case d when 'type' then upper($2) else '' end,
            case d when 'reason' then 'limit_reached' when 'cost' then 'EUR ses' when 'type' then '' else $2 end, 1, 1, 1, 1, 1
     from (values ('minute', interval '1 minute'), ('hour', '1 hour'), ('day', '1 day'), ('week', '7 days'), ('four_weeks', '28 days')) as s(g, length)
     cross join unnest(array['type', 'channel', 'reason', 'cost', 'experiment']) as d
     cross join unnest(array[now(), $3::timestamptz]) as t cross join generate_series(0, 200, 3) as ago
     on conflict do nothing`,
    [tenantId, word, '2025-11-20T12:00:00Z'],
  );
  return ids;
}

/** Adds a product that is registered with a card network, and a task about it that is dead. */
async function addProduct(
  { pool, seal }: TestTidings,
  tenantId: string,
  {
    userId,
    productId,
    deadTaskId,
    connector,
  }: { userId: string; productId: string; deadTaskId: string; connector: string },
): Promise<void> {
  const sealed = sealDocument(
    seal,
    JSON.stringify({ subscriber_reference_id: `${productId} subscriber` }),
    documentRow('user_products', tenantId, productId),
  );
  await pool.query(
    `insert into user_products (tenant_id, product_id, user_id, product, registration, registration_code, sealed, updated_at)
     values ($1, $2, $3, 'CREDIT', 'registered', 'REG_121', $4, now())`,
    [tenantId, productId, userId, sealed],
  );
  await pool.query(
    `insert into connector_tasks (tenant_id, task_id, connector, kind, user_id, product_id, state, created_at, due_at, ended_at)
     values ($1, $2, $3, 'card-registration', $4, $5, 'dead', now(), now(), now())`,
    [tenantId, deadTaskId, connector, userId, productId],
  );
}

/** The connector of every catalog. */
const CONNECTOR = 'cards';

/** The code that was sent to the last address of each user. */
export const CODE = '042917';

async function addCode({ pool, seal }: TestTidings, tenantId: string, word: string, userId: string): Promise<void> {
  const hash = seal.sign(toNormalAddress('email', `${word}@three.example`));
  await pool.query(
    `insert into address_verifications (tenant_id, user_id, kind, hash, code_hash, expires_at)
     values ($1, $2, 'email', $3, $4, '2100-01-01')`,
    [tenantId, userId, hash, toCodeHash(seal, { tenantId, userId, kind: 'email', hash }, CODE)],
  );
}

/** Adds a delivery to the endpoint of a tenant, and returns its id. */
async function addWebhook(pool: TestTidings['pool'], tenantId: string, endpointId: string): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into deliveries (tenant_id, notification_id, channel, target, user_id, notification_type, status, due_at, retry_until,
                             in_doubt_policy, attempts, created_at, finished_at, provider, started_at, duration_ms)
     select tenant_id, notification_id, 'webhook', $2, user_id, notification_type, 'sent', due_at, retry_until, in_doubt_policy, 1,
            created_at, created_at, 'webhook', created_at, 1
     from deliveries where tenant_id = $1 and status = 'sandboxed' limit 1
     returning notification_id || '.webhook.' || target as id`,
    [tenantId, endpointId],
  );
  return rows[0]?.id ?? '';
}

/** An endpoint of webhooks; nothing answers at its URL. */
export const WEBHOOK = { url: 'https://hooks.invalid/hook' };

/** An account with a provider; at its URL nothing answers. */
export const ACCOUNT = {
  provider: 'smtp',
  settings: { url: 'smtp://mail.invalid:25', from: 'Test <test@example.com>' },
  enabled: false,
};

/** Settings of an issuer of tokens. */
export const ISSUER = { jwks_url: 'https://id.example.com/jwks.json', audiences: ['app'] };

function segmentOf(word: string): string {
  return `${word.toUpperCase()}_SEGMENT`;
}

function sinkOf(word: string): string {
  return `${word.toUpperCase()}_SINK`;
}

/** Adds a message that was set aside to each of two topics. Returns the names by which they are called. */
async function addParked(
  pool: TestTidings['pool'],
  tenantId: string,
  word: string,
): Promise<readonly [string, string]> {
  const topics = [`${word}.facts`, `${word}.before`];
  await pool.query(`insert into kafka_topics (tenant_id, topic, parked) select $1, unnest($2::text[]), 1`, [
    tenantId,
    topics,
  ]);
  await pool.query(
    `insert into kafka_outbox (tenant_id, message_id, topic, kind, user_id, type, event_id, at, data, bytes, created_at, parked_at,
                               parked_code)
     select $1, gen_random_uuid(), t, 'fact', $3, 'mailed', 'parked', now(), '{}', 2, now(), now(), 'too_large'
     from unnest($2::text[]) as t`,
    [tenantId, topics, `${word} parked`],
  );
  return [sinkOf(word), `${word}.before`];
}

function sourceOf(word: string): string {
  return `${word.toUpperCase()}_SOURCE`;
}

export function catalogOf(word: string, version = 0): Map<string, string> {
  const name = word.toUpperCase();
  return new Map([
    ['events.yaml', 'events: { mailed: {}, delayed: {} }\ntraits: { email: string }\n'],
    ['notifications.yaml', `notifications:\n  ${name}: { category: SYSTEM, channels: [email] }\n`],
    [
      'rules.yaml',
      `rules:\n  ${name}_MAILED: { on: mailed, notify: ${name} }\n  ${name}_DELAYED: { on: delayed, delay: ${version + 1}h, notify: ${name} }\n`,
    ],
    [
      'connectors.yaml',
      `connectors: { ${CONNECTOR}: { kind: card-registration, mode: upstream, url: "https://cards.invalid", timeout: 1s } }\n`,
    ],
    ['segments.yaml', `segments: { ${segmentOf(word)}: 'user.email != "${word}"' }\n`],
    ['sinks.yaml', `sinks: { ${sinkOf(word)}: { topic: ${word}.facts, event_types: [mailed] } }\n`],
    ['sources.yaml', `sources: { ${sourceOf(word)}: { topic: ${word}.events } }\n`],
    [`templates/${name}/email.en.subject.txt`, `${word} subject`],
    [`templates/${name}/email.en.txt`, `${word} {{event.text}}`],
    [`templates/${name}/email.en@short.subject.txt`, `${word} short`],
    [`templates/${name}/email.en@short.txt`, `${word} short`],
  ]);
}

async function settle({ database }: TestTidings): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rows } = await database.pool.query('select from deliveries where finished_at is null limit 1');
    if (rows.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('deliveries are still open');
}

async function load(
  pool: pg.Pool,
  tenantId: string,
): Promise<
  Omit<
    Rows,
    | 'tenantId'
    | 'deviceIds'
    | 'erasableId'
    | 'mergeableId'
    | 'erasureId'
    | 'inboxItemId'
    | 'suppressionId'
    | 'templateIds'
    | 'releaseId'
    | 'jobId'
    | 'batchIds'
    | 'listIds'
    | 'connector'
    | 'deadTaskId'
    | 'productId'
    | 'segment'
    | 'source'
    | 'sinks'
    | 'keyIds'
    | 'rule'
    | 'correlationId'
    | 'webhook'
    | keyof Access
  >
> {
  const { rows } = await pool.query(
    `select (select array[user_id, notification_type] from deliveries where tenant_id = $1 and status = 'sandboxed') as named,
            (select notification_id || '.' || channel from deliveries where tenant_id = $1 and status = 'sandboxed') as sent,
            (select notification_id || '.' || channel from deliveries where tenant_id = $1 and status = 'undeliverable') as stopped,
            (select notification_id || '.' || channel from deliveries where tenant_id = $1 and status = 'queued') as queued,
            (select wait_id from waits where tenant_id = $1 and set_aside_at is null) as wait,
            (select wait_id from waits where tenant_id = $1 and set_aside_at is not null) as set_aside,
            array(select rejected_id from rejected_events where tenant_id = $1)::text[] as rejected`,
    [tenantId],
  );
  const { named, sent, stopped, queued, wait, set_aside: setAside, rejected } = rows[0];
  const found = { sent, stopped, queued, waitId: wait, setAsideWaitId: setAside, rejectedIds: rejected };
  if (Object.values({ ...found, named }).includes(null)) throw new Error(JSON.stringify(rows[0]));
  return { userId: named[0], notificationType: named[1], ...found };
}
