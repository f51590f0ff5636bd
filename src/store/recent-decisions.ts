import type pg from 'pg';
import type { Decision } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { uuidAt } from '../time/uuid-time.ts';
import { type StoredDecision, unpackDecisions } from './decisions.ts';
import { queryPage } from './pg/bounded-page.ts';

export interface RecentQuery {
  readonly tenantId: string;
  /** Start of the time span; decisions that were made before it are left out. */
  readonly since: Millis;
  /** Undefined, as `rule`: any. */
  readonly userId: string | undefined;
  readonly rule: string | undefined;
  /** Most events, and most ended waits, whose decisions are returned. */
  readonly limit: number;
}

/** A decision with the user and the event that it is about. */
export interface RecentDecision extends Omit<Decision, 'event_ids' | 'evidence'> {
  readonly decided_at: string;
  readonly user_id: string;
  readonly event_type: string;
}

/**
 * Loads the decisions that were made since a time, newest first: those on events, and those by which waits and occurrences of
 * scheduled rules sent something. A wait that ends without a message is in the audit of its user only.
 *
 * @returns `more`: there are further ones before these
 */
export async function loadRecentDecisions(
  pool: pg.Pool,
  query: RecentQuery,
): Promise<{ decisions: RecentDecision[]; more: boolean }> {
  const [events, waits] = [await loadFromEvents(pool, query), await loadFromWaits(pool, query)];
  const decisions = [...events.decisions, ...waits.decisions]
    .filter(({ rule }) => query.rule === undefined || rule === query.rule)
    .sort((a, b) => (a.decided_at < b.decided_at ? 1 : a.decided_at > b.decided_at ? -1 : 0));
  return { decisions, more: events.more || waits.more };
}

interface Found {
  readonly decisions: RecentDecision[];
  readonly more: boolean;
}

async function loadFromEvents(pool: pg.Pool, { tenantId, since, userId, rule, limit }: RecentQuery): Promise<Found> {
  const { rows, more } = await queryPage(pool, {
    select: `select key, coalesce(event_id, key::text) as event_id, event_type, received_at as decided_at, user_id, decisions
             from events
             where received_at > $2 and tenant_id = $1 and ($3::text is null or user_id = $3)
               and ($4::text is null or jsonb_path_exists(decisions::jsonb, '$[*] ? (@.r == $rule)', jsonb_build_object('rule', $4::text)))
             order by received_at desc, key desc limit $5`,
    values: [tenantId, isoTime(since), userId ?? null, rule ?? null, limit],
    limit,
    order: 'decided_at desc, key desc',
    texts: ['decisions'],
  });
  return { decisions: rows.flatMap((row) => toRecent(row, row.key)), more };
}

/** Looks from the notifications to their waits: they are in the order of time, and ended waits are not. */
async function loadFromWaits(pool: pg.Pool, { tenantId, since, userId, rule, limit }: RecentQuery): Promise<Found> {
  const { rows, more } = await queryPage(pool, {
    select: `select w.wait_id, w.state #>> '{trigger,eventId}' as event_id, w.state #>> '{trigger,type}' as event_type,
                    w.ended_at as decided_at, w.user_id, w.decisions
             from (
               select user_id, wait_id, max(notification_id::text) as latest
               from (
                 select d.user_id, d.notification_id, split_part(n.decision_id, '.', 1) as wait_id
                 from deliveries d
                 join notifications n
                   on n.tenant_id = d.tenant_id and n.user_id = d.user_id and n.notification_id = d.notification_id
                 where d.tenant_id = $1 and d.notification_id >= $2::uuid and n.catalog_version > 0
                   and ($3::text is null or d.user_id = $3) and ($4::text is null or n.rule = $4)
                 order by d.notification_id desc limit $5
               ) as sent
               group by user_id, wait_id
             ) as found
             join waits w on w.tenant_id = $1 and w.user_id = found.user_id and w.wait_id = found.wait_id::uuid
             where w.decisions is not null
             order by w.ended_at desc, w.wait_id limit $5`,
    values: [tenantId, uuidAt(since), userId ?? null, rule ?? null, limit],
    limit,
    order: 'decided_at desc, wait_id',
    texts: ['decisions'],
  });
  return { decisions: rows.flatMap((row) => toRecent(row, row.wait_id)), more };
}

interface Row {
  readonly event_id: string | null;
  readonly event_type: string | null;
  readonly decided_at: Millis;
  readonly user_id: string;
  readonly decisions: readonly StoredDecision[];
}

/** @param source key of the event, or id of the wait: decision ids are made from it */
function toRecent({ event_id, event_type, decided_at, user_id, decisions }: Row, source: string): RecentDecision[] {
  return unpackDecisions(decisions, source, event_id ?? source).map(({ event_ids, evidence, ...decision }) => ({
    decided_at: isoTime(decided_at),
    user_id,
    event_type: event_type ?? '',
    ...decision,
  }));
}
