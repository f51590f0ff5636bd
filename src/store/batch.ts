import { jsonText } from '../events/content.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import type { AddressChange } from '../events/reach.ts';
import type { Channel, Decision, InDoubtPolicy, JsonObject, Millis, Profile } from '../model.ts';
import type { NewUse } from '../rules/verdicts.ts';
import { CopyRows, copyStatement, copyText } from './copy.ts';
import { type Connection, timestamp } from './database.ts';
import { packDecisions } from './decisions.ts';
import { runTogether, type Statement } from './round-trip.ts';
import { type WrittenWait, writeWaitsStatement } from './waits.ts';

/** Everything one batch writes; all of one tenant. */
export interface Batch {
  readonly tenantId: string;
  readonly now: Millis;
  readonly catalogVersion: number;
  readonly events: readonly {
    readonly event: ReceivedEvent;
    readonly decisions: readonly Decision[];
  }[];
  readonly profiles: readonly {
    readonly userId: string;
    readonly profile: Profile;
    readonly addressHashes: JsonObject;
    /** Where the person lives, if that is known: a valid IANA zone. */
    readonly zone: string | null;
    /** Never heard of before. */
    readonly isNew: boolean;
  }[];
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
    /** Of the rule that decided it. */
    readonly catalogVersion: number;
    /** What its templates may show, as JSON. */
    readonly dataText: string;
  }[];
  readonly waits: readonly WrittenWait[];
  readonly deliveries: readonly {
    readonly userId: string;
    readonly notificationId: string;
    readonly type: string;
    readonly channel: Channel;
    readonly dueAt: Millis;
    readonly giveUpAt: Millis;
    readonly inDoubt: InDoubtPolicy;
  }[];
}

/** Heard by workers when there is something to deliver. */
export const DELIVERIES_CHANNEL = 'tidings_deliveries';

/**
 * Writes a batch and commits, in one round trip. Keys are strict (no `on conflict` where a row must be new): should two
 * transactions ever decide the same, the second fails on its key and is run again on what the first one left.
 */
export async function writeBatch(connection: Connection, batch: Batch): Promise<void> {
  const { events, profiles, addresses, uses, notifications, deliveries, waits } = batch;
  const statements: Statement[] = events.length > 0 ? [copyEvents(batch)] : [];
  const named = events.filter(({ event }) => event.named);
  if (named.length > 0) statements.push(copyKeys(batch.tenantId, named));
  const [newcomers, known] = parted(profiles, ({ isNew }) => isNew);
  const newIds = new Set(newcomers.map(({ userId }) => userId));
  const [theirs, changed] = parted(addresses, ({ userId }) => newIds.has(userId));
  if (newcomers.length > 0) statements.push(copyPeople(batch, newcomers));
  if (theirs.length > 0) statements.push(copyAddresses(batch, theirs));
  if (known.length > 0) statements.push(changePeople(batch, known));
  if (changed.length > 0) statements.push(changeAddresses(batch, changed));
  if (uses.length > 0) statements.push(copyUses(batch));
  if (notifications.length > 0) statements.push(copyNotifications(batch));
  if (deliveries.length > 0) statements.push(copyDeliveries(batch), NOTIFY);
  if (waits.length > 0) statements.push(writeWaitsStatement(batch.tenantId, waits, batch.now));
  await runTogether(connection, [...statements, COMMIT]);
}

/** Ends a transaction that has nothing to write. */
export async function commit(connection: Connection): Promise<void> {
  await runTogether(connection, [COMMIT]);
}

const COMMIT: Statement = { name: 'commit', text: 'commit' };
const NOTIFY: Statement = { name: 'notify', text: `select pg_notify('${DELIVERIES_CHANNEL}', '')` };

function copyEvents({ tenantId, now, catalogVersion, events }: Batch): Statement {
  const receivedAt = timestamp(now);
  const rows = new CopyRows();
  for (const { event, decisions } of events) {
    rows.add([
      tenantId,
      event.userId,
      event.at,
      event.key,
      event.type,
      event.named ? event.eventId : null,
      receivedAt,
      event.propertiesText,
      event.traitsText,
      event.contextText,
      catalogVersion,
      packDecisions(decisions, event.eventId),
    ]);
  }
  return copyStatement(
    'events',
    'tenant_id, user_id, event_time, key, event_type, event_id, received_at, properties, traits, context, catalog_version, decisions',
    rows,
  );
}

function copyKeys(tenantId: string, named: Batch['events']): Statement {
  const rows = new CopyRows();
  for (const { event } of named) rows.add([tenantId, event.key, event.contentHash, event.userId, event.at]);
  return copyStatement('event_keys', 'tenant_id, key, content_hash, user_id, event_time', rows);
}

function copyPeople({ tenantId, now }: Batch, people: Batch['profiles']): Statement {
  const seenAt = timestamp(now);
  const rows = new CopyRows();
  for (const { userId, profile, addressHashes, zone } of people) {
    const { traits, traitTimes } = profile;
    rows.add([tenantId, userId, jsonText(traits), jsonText(traitTimes), jsonText(addressHashes), seenAt, seenAt, zone]);
  }
  return copyStatement(
    'users',
    'tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at, zone',
    rows,
  );
}

function changePeople({ tenantId, now }: Batch, people: Batch['profiles']): Statement {
  const rows = people.map(({ userId, profile, addressHashes, zone }) => ({
    u: userId,
    z: zone,
    v: profile.traits,
    t: profile.traitTimes,
    h: addressHashes,
  }));
  return { name: 'change-people', text: CHANGE_PEOPLE, values: [tenantId, timestamp(now), jsonText(rows)] };
}

/** As an insert that meets its row: an update with a join may be planned as a scan of all people. */
const CHANGE_PEOPLE = `
insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at, zone)
select $1, u, v, t, h, $2, $2, z from json_to_recordset($3) as r(u text, v json, t json, h json, z text)
on conflict (tenant_id, user_id) do update
set traits = excluded.traits, trait_times = excluded.trait_times, address_hashes = excluded.address_hashes,
    updated_at = excluded.updated_at, zone = excluded.zone`;

/** Of people who had none: nobody has an address without a row of users. */
function copyAddresses({ tenantId, now }: Batch, addresses: Batch['addresses']): Statement {
  const updatedAt = timestamp(now);
  const rows = new CopyRows();
  for (const { userId, kind, sealed, hash, mask } of addresses) {
    if (sealed === null) continue;
    const bytes = `\\x${sealed.bytes.toString('hex')}`;
    rows.add([tenantId, userId, kind, bytes, sealed.keyId, hash, copyText(mask), updatedAt]);
  }
  return copyStatement('addresses', 'tenant_id, user_id, kind, sealed, key_id, hash, mask, updated_at', rows);
}

function changeAddresses({ tenantId, now }: Batch, addresses: Batch['addresses']): Statement {
  const rows = addresses.map(({ userId, kind, sealed, hash, mask }) => ({
    u: userId,
    k: kind,
    s: sealed ? sealed.bytes.toString('base64') : null,
    i: sealed?.keyId ?? null,
    h: hash,
    m: mask,
  }));
  return { name: 'change-addresses', text: CHANGE_ADDRESSES, values: [tenantId, timestamp(now), jsonText(rows)] };
}

const CHANGE_ADDRESSES = `
with unreachable as (
  delete from addresses where ctid = any (array(
    select held.ctid from json_to_recordset($3) as r(u text, k text, s text)
    cross join lateral (select ctid from addresses where tenant_id = $1 and user_id = u and kind = k limit 1) as held
    where s is null))
)
insert into addresses (tenant_id, user_id, kind, sealed, key_id, hash, mask, updated_at)
select $1, u, k, decode(s, 'base64'), i, h, m, $2
from json_to_recordset($3) as r(u text, k text, s text, i text, h text, m text) where s is not null
on conflict (tenant_id, user_id, kind) do update
set sealed = excluded.sealed, key_id = excluded.key_id, hash = excluded.hash, mask = excluded.mask,
    updated_at = excluded.updated_at`;

function copyUses({ tenantId, uses }: Batch): Statement {
  const rows = new CopyRows();
  for (const use of uses) {
    rows.add([
      tenantId,
      use.userId,
      use.limitKey,
      use.bucket,
      use.slot,
      timestamp(use.at),
      use.eventId,
      use.notificationId,
    ]);
  }
  return copyStatement(
    'limit_uses',
    'tenant_id, user_id, limit_key, bucket, slot, event_time, event_id, notification_id',
    rows,
  );
}

function copyNotifications({ tenantId, now, notifications }: Batch): Statement {
  const createdAt = timestamp(now);
  const rows = new CopyRows();
  for (const one of notifications) {
    rows.add([
      tenantId,
      one.userId,
      one.notificationId,
      one.type,
      one.category,
      one.rule,
      one.decisionId,
      one.eventId,
      one.catalogVersion,
      one.dataText,
      createdAt,
    ]);
  }
  return copyStatement(
    'notifications',
    'tenant_id, user_id, notification_id, notification_type, category, rule, decision_id, event_id, catalog_version, data, created_at',
    rows,
  );
}

function copyDeliveries({ tenantId, now, deliveries }: Batch): Statement {
  const createdAt = timestamp(now);
  const rows = new CopyRows();
  for (const one of deliveries) {
    rows.add([
      tenantId,
      one.notificationId,
      one.channel,
      one.userId,
      one.type,
      timestamp(one.dueAt),
      timestamp(one.giveUpAt),
      one.inDoubt,
      createdAt,
    ]);
  }
  return copyStatement(
    'deliveries',
    'tenant_id, notification_id, channel, user_id, notification_type, due_at, give_up_at, in_doubt_policy, created_at',
    rows,
  );
}

function parted<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const one of all) parts[isFirst(one) ? 0 : 1].push(one);
  return parts;
}
