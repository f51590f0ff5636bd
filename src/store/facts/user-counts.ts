import type pg from 'pg';
import type { Outcome } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { latestEvents, MAX_EXAMINED_EVENTS } from '../timeline.ts';

/* Numbers of a user's events and decisions, of the latest MAX_EXAMINED_EVENTS events. */

/** Number of decisions of a rule about a user, by outcome. */
export interface DecisionCount {
  readonly rule: string;
  readonly outcome: Outcome;
  /** True for decisions about the requested notification type. */
  readonly isAbout: boolean;
  /**
   * `trigger`: the rule considered a trigger. `end`: a wait ended, whose trigger was considered when it began. `late`: an event
   * would have ended a wait that had fired before.
   */
  readonly stage: 'trigger' | 'end' | 'late';
  readonly count: number;
}

/**
 * Counts the stored decisions of a user: those about the notification type, and the others of these rules. Examines the latest
 * MAX_EXAMINED_EVENTS events and as many waits.
 */
export async function countDecisions(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
  notificationType: string,
  rules: readonly string[],
): Promise<DecisionCount[]> {
  const { rows } = await pool.query<DecisionCount>(
    `select d ->> 'r' as rule, d ->> 'o' as outcome, coalesce(d ->> 't', d ->> 'r') = $3 as "isAbout",
       case when d ->> 'c' = 'too_late' then 'late' when is_end or d ->> 'o' = 'cancelled' then 'end' else 'trigger' end as stage,
       count(*) as count
     from (select decisions, false as is_end from (${latestEvents(MAX_EXAMINED_EVENTS)}) as latest
           union all
           (select decisions, kind <> 'every' from waits where tenant_id = $1 and user_id = $2 and decisions is not null
            order by trigger_time desc limit ${MAX_EXAMINED_EVENTS})) as stored
     cross join json_array_elements(decisions) as d
     where coalesce(d ->> 't', d ->> 'r') = $3 or d ->> 'r' = any($4::text[]) group by 1, 2, 3, 4`,
    [tenantId, userId, notificationType, rules],
  );
  return rows;
}

/** Returns whether the user has more events than MAX_EXAMINED_EVENTS. */
export async function hasMoreThanExamined(pool: pg.Pool, tenantId: string, userId: string): Promise<boolean> {
  const { rows } = await pool.query(
    `select from events where tenant_id = $1 and user_id = $2 order by event_time desc, key desc
     offset ${MAX_EXAMINED_EVENTS} limit 1`,
    [tenantId, userId],
  );
  return rows.length > 0;
}

/** Counts the latest MAX_EXAMINED_EVENTS events of a user by type, with the latest time of each. */
export async function countEvents(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
  types: readonly string[],
): Promise<Map<string, { count: number; latest: string }>> {
  const { rows } = await pool.query<{ event_type: string; count: number; latest: Millis }>(
    `select event_type, count(*) as count, max(event_time) as latest from (${latestEvents(MAX_EXAMINED_EVENTS)}) as latest
     where event_type = any($3::text[]) group by event_type`,
    [tenantId, userId, types],
  );
  return new Map(rows.map((row) => [row.event_type, { count: row.count, latest: isoTime(row.latest) }]));
}
