import { once } from 'node:events';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { jsonText } from '../events/content.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import type { AddressChange } from '../events/reach.ts';
import type { Channel, Decision, InDoubtPolicy, JsonObject, Millis, Profile } from '../model.ts';
import type { NewUse } from '../rules/decide.ts';
import { timestamp } from './database.ts';
import { packDecisions } from './decisions.ts';

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
    readonly data: JsonObject;
  }[];
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
 * Writes a batch inside the caller's transaction. Keys are strict (no `on conflict` where a row must be new): should two
 * transactions ever decide the same, the second fails on its key and is run again on what the first one left.
 */
export async function writeBatch(connection: pg.PoolClient, batch: Batch): Promise<void> {
  const few = batch.events.length <= FEW;
  if (!few) await copyEvents(connection, batch);
  await connection.query({
    name: 'write-batch',
    text: WRITE,
    values: [
      batch.tenantId,
      timestamp(batch.now),
      batch.catalogVersion,
      rows(
        batch.events
          .filter(({ event }) => event.named)
          .map(({ event }) => ({ k: event.key, h: event.contentHash, u: event.userId, t: event.at })),
      ),
      rows(
        batch.profiles.map(({ userId, profile, addressHashes }) => ({
          u: userId,
          v: profile.traits,
          t: profile.traitTimes,
          h: addressHashes,
        })),
      ),
      rows(
        batch.addresses.map(({ userId, kind, sealed, hash, mask }) => ({
          u: userId,
          k: kind,
          s: sealed?.bytes.toString('base64'),
          i: sealed?.keyId,
          h: hash,
          m: mask,
        })),
      ),
      rows(
        batch.uses.map((use) => ({
          u: use.userId,
          k: use.limitKey,
          b: use.bucket,
          s: use.slot,
          t: timestamp(use.at),
          e: use.eventId,
          n: use.notificationId,
        })),
      ),
      rows(
        batch.notifications.map((notification) => ({
          u: notification.userId,
          n: notification.notificationId,
          t: notification.type,
          c: notification.category,
          r: notification.rule,
          d: notification.decisionId,
          e: notification.eventId,
          j: notification.data,
        })),
      ),
      rows(
        batch.deliveries.map((delivery) => ({
          u: delivery.userId,
          n: delivery.notificationId,
          t: delivery.type,
          c: delivery.channel,
          d: timestamp(delivery.dueAt),
          g: timestamp(delivery.giveUpAt),
          i: delivery.inDoubt,
        })),
      ),
      few ? eventRows(batch) : '[]',
    ],
  });
}

/** So many events go with everything else in one statement: COPY is two more round trips, and pays only for many. */
const FEW = 64;

function eventRows(batch: Batch): string {
  const receivedAt = timestamp(batch.now);
  const texts = batch.events.map(({ event, decisions }) => {
    const row = { u: event.userId, t: event.at, k: event.key, y: event.type, i: event.named ? event.eventId : null };
    const parts = `"p":${event.propertiesText},"s":${event.traitsText},"x":${event.contextText},"d":${packDecisions(decisions, event.eventId)}`;
    return `${JSON.stringify(row).slice(0, -1)},"r":"${receivedAt}",${parts}}`;
  });
  return `[${texts.join(',')}]`;
}

/** COPY is the cheapest way in: no parse tree, no parameter, no per-row executor start. */
async function copyEvents(connection: pg.PoolClient, batch: Batch): Promise<void> {
  const receivedAt = timestamp(batch.now);
  let text = '';
  for (const { event, decisions } of batch.events) {
    text += `${copyText(batch.tenantId)}\t${copyText(event.userId)}\t${event.at}\t${event.key}\t${copyText(event.type)}\t${
      event.named ? copyText(event.eventId) : '\\N'
    }\t${receivedAt}\t${copyText(event.propertiesText)}\t${copyText(event.traitsText)}\t${event.contextText === null ? '\\N' : copyText(event.contextText)}\t${
      batch.catalogVersion
    }\t${copyText(packDecisions(decisions, event.eventId))}\n`;
  }
  const stream = connection.query(
    copyFrom(
      'copy events (tenant_id, user_id, event_time, key, event_type, event_id, received_at, properties, traits, context, catalog_version, decisions) from stdin',
    ),
  );
  stream.end(text);
  await once(stream, 'finish');
}

const SPECIAL = /[\\\n\r\t]/;

/** A recordset as JSON text. */
function rows(objects: readonly object[]): string {
  return `[${objects.map((one) => jsonText(one as JsonObject)).join(',')}]`;
}

/** COPY text format: backslash, newline, carriage return and tab are escaped. */
function copyText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
}

const WRITE = `
with stored as (
  insert into events (tenant_id, user_id, event_time, key, event_type, event_id, received_at, properties, traits, context,
                      catalog_version, decisions)
  select $1, u, t, k, y, i, r, p, s, x, $3, d
  from json_to_recordset($10) as e(u text, t timestamptz, k uuid, y text, i text, r timestamptz, p json, s json, x json, d json)
), ids as (
  insert into event_keys (tenant_id, key, content_hash, user_id, event_time)
  select $1, k, h, u, t from json_to_recordset($4) as r(k uuid, h uuid, u text, t timestamptz)
), people as (
  insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at)
  select $1, u, v, t, h, $2, $2 from json_to_recordset($5) as r(u text, v json, t json, h json)
  on conflict (tenant_id, user_id) do update
  set traits = excluded.traits, trait_times = excluded.trait_times, address_hashes = excluded.address_hashes,
      updated_at = excluded.updated_at
), reachable as (
  insert into addresses (tenant_id, user_id, kind, sealed, key_id, hash, mask, updated_at)
  select $1, u, k, decode(s, 'base64'), i, h, m, $2
  from json_to_recordset($6) as r(u text, k text, s text, i text, h text, m text) where s is not null
  on conflict (tenant_id, user_id, kind) do update
  set sealed = excluded.sealed, key_id = excluded.key_id, hash = excluded.hash, mask = excluded.mask,
      updated_at = excluded.updated_at
), unreachable as (
  delete from addresses using json_to_recordset($6) as r(u text, k text, s text)
  where s is null and tenant_id = $1 and user_id = u and kind = k
), counted as (
  insert into limit_uses (tenant_id, user_id, limit_key, bucket, slot, event_time, event_id, notification_id)
  select $1, u, k, b, s, t, e, n
  from json_to_recordset($7) as r(u text, k text, b text, s smallint, t timestamptz, e text, n uuid)
), told as (
  insert into notifications
    (tenant_id, user_id, notification_id, notification_type, category, rule, decision_id, event_id, catalog_version, data, created_at)
  select $1, u, n, t, c, r, d, e, $3, j, $2
  from json_to_recordset($8) as r(u text, n uuid, t text, c text, r text, d text, e text, j json)
), queued as (
  insert into deliveries
    (tenant_id, notification_id, channel, user_id, notification_type, due_at, give_up_at, in_doubt_policy, created_at)
  select $1, n, c, u, t, d, g, i, $2
  from json_to_recordset($9) as r(u text, n uuid, t text, c text, d timestamptz, g timestamptz, i text)
  returning 1
)
select pg_notify('${DELIVERIES_CHANNEL}', '') from queued limit 1`;
