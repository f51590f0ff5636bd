import type pg from 'pg';
import type { Decision } from '../model/decision.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import { isoTime } from '../time/iso-time.ts';
import { openAddress, toAddressTraits } from '../users/addresses.ts';
import { loadSealedAddresses } from './addresses.ts';
import { unpackDecisions } from './decisions.ts';
import { type DeliverySummary, loadDeliverySummaries } from './deliveries/delivery-views.ts';
import { queryPage } from './pg/bounded-page.ts';

/* Users and their latest activity, in the shapes of the API. Times are ISO 8601 in UTC. */

export interface ProfileView {
  readonly traits: JsonObject;
  /** Masked addresses that receive, by kind. */
  readonly addresses: { readonly [kind: string]: string };
  readonly time_zone: string | null;
  readonly locale: string | null;
  readonly first_seen_at: string;
  readonly updated_at: string;
}

export async function loadProfile(pool: pg.Pool, tenantId: string, userId: string): Promise<ProfileView | null> {
  const { rows } = await pool.query<{
    traits: JsonObject;
    first_seen_at: Millis;
    updated_at: Millis;
    addresses: { [kind: string]: string } | null;
  }>(
    `select traits, first_seen_at, updated_at,
            (select json_object_agg(kind, mask) from addresses where tenant_id = $1 and user_id = $2 and place = 0) as addresses
     from users where tenant_id = $1 and user_id = $2`,
    [tenantId, userId],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    traits: row.traits,
    addresses: row.addresses ?? {},
    time_zone: toText(row.traits.time_zone),
    locale: toText(row.traits.locale),
    first_seen_at: isoTime(row.first_seen_at),
    updated_at: isoTime(row.updated_at),
  };
}

/** Returns the traits of a user as rules see them, which must not be shown; empty for an unknown user. */
export async function loadTraits(pool: pg.Pool, seal: Seal, tenantId: string, userId: string): Promise<JsonObject> {
  const { rows } = await pool.query<{ traits: JsonObject; sealed: Buffer | null }>(
    'select traits, sealed from users where tenant_id = $1 and user_id = $2',
    [tenantId, userId],
  );
  const row = rows[0];
  if (!row) return {};
  const original = row.sealed && openDocument(seal, row.sealed, documentRow('users', tenantId, userId));
  const traits = original ? (original.traits as JsonObject) : row.traits;
  let visible = traits;
  for (const { kind, sealed } of await loadSealedAddresses(pool, tenantId, [userId])) {
    const address = openAddress(seal, sealed, tenantId, userId, kind);
    if (address !== undefined) visible = { ...visible, ...toAddressTraits(traits, kind, address) };
  }
  return visible;
}

export interface ActivityView {
  readonly event_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  readonly received_at: string;
  readonly user_id: string;
  readonly decisions: readonly Decision[];
  /** Deliveries of the notifications that the decisions made, as they are now. */
  readonly deliveries: readonly DeliverySummary[];
}

/**
 * Lists the latest arrivals with what has become of their notifications. Looks back one second, ten seconds and so on until there are enough rows, so that a busy hour
 * is not sorted for fifty rows; the index on arrival time is a small BRIN.
 */
export async function recentActivity(
  pool: pg.Pool,
  tenantId: string,
  limit: number,
  now: Millis,
): Promise<ActivityView[]> {
  for (const back of [1e3, 1e4, 1e5, 3.6e6, 8.64e7, 2.6e9, now]) {
    const { rows, more } = await queryPage(pool, {
      select: `select key, coalesce(event_id, key::text) as event_id, event_type, event_time, received_at, user_id, decisions
               from events where received_at > $2 and tenant_id = $1
               order by received_at desc, event_time desc limit $3`,
      values: [tenantId, isoTime(now - back), limit],
      limit,
      order: 'received_at desc, event_time desc',
      texts: ['decisions'],
    });
    if (!more && back !== now) continue;
    const events = rows.map(({ key, event_time, received_at, decisions, ...row }) => ({
      ...(row as Pick<ActivityView, 'event_id' | 'event_type' | 'user_id'>),
      decisions: unpackDecisions(decisions, key, row.event_id),
      event_timestamp: isoTime(event_time),
      received_at: isoTime(received_at),
    }));
    const ids = events.map(({ decisions }) => decisions.flatMap((decision) => decision.notification_id ?? []));
    const deliveries = await loadDeliverySummaries(pool, tenantId, ids.flat());
    return events.map((event, index) => ({
      ...event,
      deliveries: (ids[index] ?? []).flatMap((id) => deliveries.get(id) ?? []),
    }));
  }
  return [];
}

function toText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
