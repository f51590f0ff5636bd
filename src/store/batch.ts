import { jsonText } from '../events/content.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import type { Decision } from '../model/decision.ts';
import type { Channel, InDoubtPolicy } from '../model/delivery.ts';
import type { JsonObject, Millis, Profile } from '../model/event.ts';
import type { Verdict } from '../model/plan.ts';
import type { ReleaseUnderWay } from '../model/release.ts';
import type { Terms } from '../model/terms.ts';
import type { NewUse } from '../rules/context.ts';
import { isoTime } from '../time/iso-time.ts';
import type { AddressChange } from '../users/addresses.ts';
import { MAX_ADDED_ADDRESSES } from './addresses.ts';
import { type AuditEntry, auditStatement } from './audit-log.ts';
import { insertTasksStatement, type NewTask } from './connectors/tasks.ts';
import { type ConsentRow, copyConsents } from './consents.ts';
import { anyFired, hasTraitChange, packDecisions } from './decisions.ts';
import { reviveStatement } from './deliveries/revive.ts';
import { type GoalRows, goalStatements } from './goals/goal-rows.ts';
import { copyOutbox, type NewMessage } from './kafka/outbox.ts';
import { countStatement } from './metrics/count-batch.ts';
import { anyHeld } from './metrics/held.ts';
import { type Columns, CopyRows } from './pg/copy.ts';
import { runPipelined, type Statement } from './pg/pipeline.ts';
import { type Connection, parsePgTime } from './pg/pool.ts';
import { releaseHeld, writeTerms } from './terms.ts';
import { type WaitWrite, writeWaitsStatement } from './waits/waits.ts';
import { sequenceStatement } from './webhooks/sequence.ts';

/** Everything that one transaction writes; all of one tenant. */
export interface Batch {
  readonly tenantId: string;
  /** Decision time. */
  readonly now: Millis;
  /** The release that is under way; null: none is. */
  readonly release: ReleaseUnderWay | null;
  readonly events: readonly {
    readonly event: ReceivedEvent;
    /** The original content, if its texts are masked. */
    readonly sealed: Buffer | null;
    /** JSON of the excerpt of a large content. */
    readonly excerpt: string | null;
    readonly decisions: readonly Decision[];
    /** The catalog version that decided about its user. */
    readonly catalogVersion: number;
  }[];
  readonly profiles: readonly {
    readonly userId: string;
    /** With addresses masked. */
    readonly profile: Profile;
    /** The original of the profile, if it differs. */
    readonly sealed: Buffer | null;
    readonly addressHashes: JsonObject;
    /** The user's valid IANA time zone; null if unknown. */
    readonly zone: string | null;
    /** Their name as it is searched; null: unknown. */
    readonly name: string | null;
    /** No row of this user is stored. */
    readonly isNew: boolean;
  }[];
  /** Terms that have changed. */
  readonly terms: readonly { readonly userId: string; readonly terms: Terms }[];
  /** Consents, to be appended. */
  readonly consents: readonly ConsentRow[];
  /** Entries of the audit log about the changes that events make. */
  readonly audit: readonly AuditEntry[];
  /** Users whose held deliveries are to be decided again. */
  readonly replanned: readonly string[];
  readonly addresses: readonly AddressChange[];
  readonly uses: readonly (NewUse & { readonly userId: string })[];
  readonly notifications: readonly {
    readonly userId: string;
    readonly notificationId: string;
    readonly type: string;
    readonly category: string;
    readonly rule: string;
    readonly decisionId: string;
    readonly eventId: string;
    /** The version whose rule decided it. */
    readonly catalogVersion: number;
    /** The JSON text of the values that its templates may show, with addresses masked. */
    readonly dataText: string;
    /** The originals, if they differ. */
    readonly sealed: Buffer | null;
    readonly correlationId: string | null;
    /** Whether it may go to endpoints of webhooks, which learn its place in the order of the user. */
    readonly isForEndpoints: boolean;
  }[];
  /** Facts for endpoints of webhooks; the content of each is a notification with its id. */
  readonly facts: readonly {
    readonly factId: string;
    readonly userId: string;
    readonly type: string;
    readonly about: string | null;
    readonly channel: string | null;
  }[];
  readonly waits: readonly WaitWrite[];
  readonly deliveries: readonly {
    readonly userId: string;
    readonly notificationId: string;
    readonly type: string;
    /** That of its notification. */
    readonly catalogVersion: number;
    readonly channel: Channel;
    readonly dueAt: Millis;
    readonly retryUntil: Millis;
    readonly expiresAt: Millis | null;
    readonly inDoubt: InDoubtPolicy;
    readonly priority: number;
    readonly step: number | null;
    readonly holdCode: string | null;
    /** Verdict of the plan; absent: the ordinary one. */
    readonly verdict?: Verdict;
  }[];
  /** Messages for Kafka topics. */
  readonly outbox: readonly NewMessage[];
  /** Rows for goals; absent: no notification type has one. */
  readonly goals?: GoalRows | undefined;
  /** Tasks of connectors that the events ask for; one that is there is not written again. */
  readonly tasks: readonly NewTask[];
}

/** Work for the workers that a batch has left. */
export interface Written {
  /** Whether there are new deliveries, or some may have been queued again. */
  readonly hasDeliveries: boolean;
  /** When the first of the facts, and of the waits that are due soon, is due; null: none is. */
  readonly timersDue: Millis | null;
  /** Whether there are tasks of connectors. */
  readonly hasTasks: boolean;
  /** Whether there are messages for Kafka topics. */
  readonly hasMessages: boolean;
}

/**
 * Writes a batch and commits, in one round trip. Keys are strict (no `on conflict` where a row must be new): if two
 * transactions ever decide the same, the second fails with a unique violation (23505) and is run again on what the first
 * one stored.
 * @param beside further statements of the transaction
 */
export async function writeBatch(
  connection: Connection,
  batch: Batch,
  beside: readonly Statement[] = NOTHING,
): Promise<Written> {
  const {
    events,
    profiles,
    terms,
    consents,
    audit,
    replanned,
    addresses,
    uses,
    notifications,
    deliveries,
    facts,
    waits,
    tasks,
    outbox,
  } = batch;
  const statements: Statement[] = events.length > 0 ? [copyEvents(batch)] : [];
  const withCallerId = events.filter(({ event }) => event.hasCallerId);
  if (withCallerId.length > 0) statements.push(copyEventIds(batch.tenantId, withCallerId));
  const [newUsers, knownUsers] = partition(profiles, ({ isNew }) => isNew);
  const newIds = new Set(newUsers.map(({ userId }) => userId));
  const [newAddresses, changedAddresses] = partition(addresses, ({ userId }) => newIds.has(userId));
  if (newUsers.length > 0) statements.push(copyUsers(batch, newUsers));
  if (newAddresses.length > 0) statements.push(copyAddresses(batch, newAddresses));
  if (knownUsers.length > 0) statements.push(updateUsers(batch, knownUsers));
  if (changedAddresses.length > 0) statements.push(updateAddresses(batch, changedAddresses));
  const found = changedAddresses.filter(({ isFirst, sealed }) => isFirst && sealed !== null);
  if (found.length > 0) statements.push(reviveStatement(batch.tenantId, found, batch.now));
  if (terms.length > 0) statements.push(...writeTerms(batch.tenantId, terms));
  if (consents.length > 0) statements.push(copyConsents(batch.tenantId, consents, batch.now));
  if (audit.length > 0) statements.push(auditStatement(batch.tenantId, audit, batch.now));
  if (replanned.length > 0) statements.push(releaseHeld(batch.tenantId, replanned, batch.now));
  if (uses.length > 0) statements.push(copyUses(batch));
  if (notifications.length > 0) statements.push(copyNotifications(batch));
  if (deliveries.length > 0) statements.push(copyDeliveries(batch));
  if (facts.length > 0) statements.push(copyFacts(batch));
  const forEndpoints = notifications.filter(({ isForEndpoints }) => isForEndpoints);
  if (forEndpoints.length > 0) statements.push(sequenceStatement(batch.tenantId, forEndpoints));
  if (outbox.length > 0) statements.push(copyOutbox(batch.tenantId, outbox, batch.now));
  if (tasks.length > 0) statements.push(insertTasksStatement(batch.tenantId, tasks, batch.now));
  if (batch.goals) statements.push(...goalStatements(batch.tenantId, batch.now, batch.goals));
  const counts = countStatement(batch);
  if (counts) statements.push(counts);
  if (waits.length > 0) statements.push(writeWaitsStatement(batch.tenantId, waits, batch.now));
  if (beside.length > 0) statements.unshift(...beside);
  const rows = await runPipelined(connection, [...statements, COMMIT]);
  // The statement of the waits is the last before the commit.
  const due = waits.length > 0 ? rows[statements.length - 1]?.[0]?.[0] : undefined;
  const waitsDue = due ? parsePgTime(due) : null;
  const timersDue = facts.length > 0 ? Math.min(batch.now, waitsDue ?? batch.now) : waitsDue;
  const hasDeliveries = deliveries.length + found.length + replanned.length > 0;
  return { hasDeliveries, timersDue, hasTasks: tasks.length > 0, hasMessages: outbox.length > 0 };
}

/** Ends a transaction that has nothing to write but these statements. */
export async function commit(connection: Connection, beside: readonly Statement[] = NOTHING): Promise<void> {
  await runPipelined(connection, [...beside, COMMIT]);
}

const NOTHING: readonly Statement[] = [];

const COMMIT: Statement = { name: 'commit', text: 'commit' };

const EVENT_COLUMNS: Columns = {
  tenant_id: 'text',
  user_id: 'text',
  event_time: 'time',
  key: 'uuid',
  event_type: 'text',
  event_id: 'text',
  received_at: 'time',
  properties: 'text',
  traits: 'text',
  context: 'text',
  correlation_id: 'text',
  sealed: 'bytea',
  excerpt: 'text',
  catalog_version: 'int4',
  has_fired: 'bool',
  has_trait_change: 'bool',
  has_held: 'bool',
  decisions: 'text',
};

function copyEvents({ tenantId, now, events }: Batch): Statement {
  const rows = new CopyRows('events', EVENT_COLUMNS);
  for (const { event, sealed, excerpt, decisions, catalogVersion } of events) {
    rows.add([
      tenantId,
      event.userId,
      event.time,
      event.key,
      event.type,
      event.hasCallerId ? event.eventId : null,
      now,
      event.propertiesText,
      event.traitsText,
      event.contextText,
      event.correlationId,
      sealed,
      excerpt,
      catalogVersion,
      anyFired(decisions) || null,
      hasTraitChange(decisions) || null,
      anyHeld(decisions) || null,
      packDecisions(decisions, event.eventId),
    ]);
  }
  return rows.statement();
}

const EVENT_ID_COLUMNS: Columns = {
  tenant_id: 'text',
  key: 'uuid',
  content_hash: 'uuid',
  user_id: 'text',
  event_time: 'time',
};

function copyEventIds(tenantId: string, events: Batch['events']): Statement {
  const rows = new CopyRows('event_ids', EVENT_ID_COLUMNS);
  for (const { event } of events) rows.add([tenantId, event.key, event.contentHash, event.userId, event.time]);
  return rows.statement();
}

const USER_COLUMNS: Columns = {
  tenant_id: 'text',
  user_id: 'text',
  traits: 'text',
  trait_times: 'text',
  address_hashes: 'text',
  first_seen_at: 'time',
  updated_at: 'time',
  zone: 'text',
  name: 'text',
  sealed: 'bytea',
};

function copyUsers({ tenantId, now }: Batch, users: Batch['profiles']): Statement {
  const rows = new CopyRows('users', USER_COLUMNS);
  for (const { userId, profile, sealed, addressHashes, zone, name } of users) {
    const { traits, traitTimes } = profile;
    const texts = [traits, traitTimes, addressHashes].map(jsonText);
    rows.add([tenantId, userId, ...texts, now, now, zone, name, sealed]);
  }
  return rows.statement();
}

function updateUsers({ tenantId, now }: Batch, users: Batch['profiles']): Statement {
  const rows = users.map(({ userId, profile, sealed, addressHashes, zone, name }) => ({
    u: userId,
    z: zone,
    n: name,
    v: profile.traits,
    t: profile.traitTimes,
    h: addressHashes,
    s: sealed?.toString('base64') ?? null,
  }));
  return { name: 'update-users', text: UPDATE_USERS, values: [tenantId, isoTime(now), jsonText(rows)] };
}

/** An insert that conflicts with the stored row: an update with a join may be planned as a scan of all users. */
const UPDATE_USERS = `
insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at, zone, name, sealed)
select $1, u, v, t, h, $2, $2, z, n, decode(s, 'base64')
from json_to_recordset($3) as r(u text, v json, t json, h json, z text, n text, s text)
on conflict (tenant_id, user_id) do update
set traits = excluded.traits, trait_times = excluded.trait_times, address_hashes = excluded.address_hashes,
    updated_at = excluded.updated_at, zone = excluded.zone, name = excluded.name, sealed = excluded.sealed`;

const ADDRESS_COLUMNS: Columns = {
  tenant_id: 'text',
  user_id: 'text',
  kind: 'text',
  sealed: 'bytea',
  key_id: 'text',
  hash: 'text',
  mask: 'text',
  updated_at: 'time',
};

/** Copies addresses of new users: without a row in `users`, a user has no address. */
function copyAddresses({ tenantId, now }: Batch, addresses: Batch['addresses']): Statement {
  const rows = new CopyRows('addresses', ADDRESS_COLUMNS);
  for (const { userId, kind, sealed, hash, mask } of addresses) {
    if (sealed !== null) rows.add([tenantId, userId, kind, sealed.bytes, sealed.keyId, hash, mask, now]);
  }
  return rows.statement();
}

function updateAddresses({ tenantId, now }: Batch, addresses: Batch['addresses']): Statement {
  const rows = addresses.map(({ userId, kind, sealed, hash, mask }) => ({
    u: userId,
    k: kind,
    s: sealed ? sealed.bytes.toString('base64') : null,
    i: sealed?.keyId ?? null,
    h: hash,
    m: mask,
  }));
  return { name: 'update-addresses', text: UPDATE_ADDRESSES, values: [tenantId, isoTime(now), jsonText(rows)] };
}

/**
 * Ordinarily the one address of a kind is replaced in its place. One that was added by a request stays beside the new address of the
 * traits: then all of the kind are removed and inserted, in the same order after the new one. What is removed is grouped
 * before the first row is inserted, so that its places are free by then.
 */
const UPDATE_ADDRESSES = `
with change as materialized (
  select u, k, decode(s, 'base64') as s, i, h, m
  from json_to_recordset($3) as r(u text, k text, s text, i text, h text, m text)
), removed as (
  delete from addresses where ctid = any (array(
    select known.ctid from change
    cross join lateral (
      select ctid, bool_or(added_at is not null) over () as has_others from addresses
      where tenant_id = $1 and user_id = u and kind = k limit ${MAX_ADDED_ADDRESSES + 1}
    ) as known
    where s is null or has_others))
  returning *
), kept as (
  select removed.*, row_number() over (partition by user_id, kind order by place) - case when s is null then 1 else 0 end as turn
  from removed join change on u = user_id and k = kind
  where added_at is not null and (s is null or hash <> h)
)
insert into addresses (tenant_id, user_id, kind, place, is_trait, added_at, sealed, key_id, hash, mask, updated_at)
select $1, u, k, 0, true, known.added_at, s, i, h, m, $2
from change
left join (select user_id, kind, hash, max(added_at) as added_at from removed group by 1, 2, 3) as known
  on known.user_id = u and known.kind = k and known.hash = h
where s is not null
union all
select tenant_id, user_id, kind, turn, false, added_at, sealed, key_id, hash, mask, updated_at from kept
on conflict (tenant_id, user_id, kind, place) do update
set sealed = excluded.sealed, key_id = excluded.key_id, hash = excluded.hash, mask = excluded.mask,
    updated_at = excluded.updated_at`;

const LIMIT_USE_COLUMNS: Columns = {
  tenant_id: 'text',
  user_id: 'text',
  limit_key: 'text',
  bucket: 'text',
  slot: 'int2',
  event_time: 'time',
  event_id: 'text',
  notification_id: 'uuid',
};

function copyUses({ tenantId, uses }: Batch): Statement {
  const rows = new CopyRows('limit_uses', LIMIT_USE_COLUMNS);
  for (const { userId, limitKey, bucket, slot, at, eventId, notificationId } of uses) {
    rows.add([tenantId, userId, limitKey, bucket, slot, at, eventId, notificationId]);
  }
  return rows.statement();
}

const FACT_COLUMNS: Columns = {
  tenant_id: 'text',
  fact_id: 'uuid',
  user_id: 'text',
  type: 'text',
  notification_type: 'text',
  channel: 'text',
  due_at: 'time',
};

function copyFacts({ tenantId, now, facts }: Batch): Statement {
  const rows = new CopyRows('webhook_facts', FACT_COLUMNS);
  for (const { factId, userId, type, about, channel } of facts)
    rows.add([tenantId, factId, userId, type, about, channel, now]);
  return rows.statement();
}

const NOTIFICATION_COLUMNS: Columns = {
  tenant_id: 'text',
  user_id: 'text',
  notification_id: 'uuid',
  notification_type: 'text',
  category: 'text',
  rule: 'text',
  decision_id: 'text',
  event_id: 'text',
  catalog_version: 'int4',
  data: 'text',
  sealed: 'bytea',
  correlation_id: 'text',
  created_at: 'time',
};

const AIMED_COLUMNS: Columns = { ...NOTIFICATION_COLUMNS, has_goal: 'bool' };

function copyNotifications({ tenantId, now, notifications, goals }: Batch): Statement {
  const rows = goals
    ? new CopyRows('notifications', AIMED_COLUMNS, 'copy-aimed-notifications')
    : new CopyRows('notifications', NOTIFICATION_COLUMNS);
  for (const notification of notifications) {
    const { catalogVersion, type } = notification;
    const values = [
      tenantId,
      notification.userId,
      notification.notificationId,
      type,
      notification.category,
      notification.rule,
      notification.decisionId,
      notification.eventId,
      catalogVersion,
      notification.dataText,
      notification.sealed,
      notification.correlationId,
      now,
    ];
    rows.add(goals ? [...values, goals.types.get(catalogVersion)?.has(type) ? true : null] : values);
  }
  return rows.statement();
}

const DELIVERY_COLUMNS: Columns = {
  tenant_id: 'text',
  notification_id: 'uuid',
  channel: 'text',
  user_id: 'text',
  notification_type: 'text',
  due_at: 'time',
  retry_until: 'time',
  in_doubt_policy: 'text',
  created_at: 'time',
  priority: 'int2',
  expires_at: 'time',
  step: 'int2',
  hold_code: 'text',
  plan: 'text',
  catalog_version: 'int4',
};

function copyDeliveries({ tenantId, now, deliveries }: Batch): Statement {
  const rows = new CopyRows('deliveries', DELIVERY_COLUMNS);
  for (const one of deliveries) {
    const { userId, notificationId, type, channel, dueAt, retryUntil, inDoubt } = one;
    const { priority, expiresAt, step, holdCode, verdict, catalogVersion } = one;
    rows.add([
      tenantId,
      notificationId,
      channel,
      userId,
      type,
      dueAt,
      retryUntil,
      inDoubt,
      now,
      priority,
      expiresAt,
      step,
      holdCode,
      verdict ? JSON.stringify(verdict) : null,
      catalogVersion,
    ]);
  }
  return rows.statement();
}

/** Splits a list into the items that match, and the others. */
function partition<T>(items: readonly T[], matches: (item: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const item of items) parts[matches(item) ? 0 : 1].push(item);
  return parts;
}
