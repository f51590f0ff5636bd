import type { Millis } from '../../model/event.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';
import { uuidAt } from '../../time/uuid-time.ts';
import type { Statement } from '../pg/pipeline.ts';

/* Rows that a transaction writes for goals: events that may bring something to its goal, and users that a rule has divided. */

/** Rows of a batch for goals. */
export interface GoalRows {
  readonly events: readonly {
    readonly userId: string;
    /** Event time. */
    readonly time: Millis;
    readonly targets: readonly { readonly type?: string; readonly rule?: string; readonly within: Millis }[];
  }[];
  /** Users and their variants; a user is in one variant of a rule. */
  readonly exposures: readonly { readonly userId: string; readonly rule: string; readonly variant: string }[];
  /** Notification types with a goal, by catalog version. */
  readonly types: ReadonlyMap<number, ReadonlySet<string>>;
}

/** Returns the statements that write what there is. */
export function goalStatements(tenantId: string, now: Millis, { events, exposures }: GoalRows): Statement[] {
  const statements: Statement[] = [];
  if (exposures.length > 0) {
    const rows = exposures.map(({ userId, rule, variant }) => ({ u: userId, r: rule, v: variant }));
    statements.push({
      name: 'insert-exposures',
      text: INSERT_EXPOSURES,
      values: [tenantId, isoTime(now), JSON.stringify(rows)],
    });
  }
  if (events.length > 0) {
    const rows = events.map(({ userId, time, targets }) => ({
      u: userId,
      t: isoTime(time),
      // The ids of notifications begin with their time, by another clock: those of the time before the event are a range of them.
      g: targets.map(({ type, rule, within }) => ({
        ...(type === undefined ? {} : { type, first: uuidAt(time - within - DAY_MS), last: uuidAt(time + DAY_MS) }),
        ...(rule === undefined ? {} : { rule }),
        within,
      })),
    }));
    statements.push({ name: 'insert-goal-events', text: INSERT_EVENTS, values: [tenantId, JSON.stringify(rows)] });
  }
  return statements;
}

/** A user counts once in a rule, in the variant and at the time of the first decision. */
const INSERT_EXPOSURES = `
with fresh as (
  insert into exposures (tenant_id, user_id, rule, variant, at)
  select $1, u, r, v, $2 from json_to_recordset($3) as x(u text, r text, v text)
  on conflict do nothing returning rule, variant
)
insert into metric_deltas (tenant_id, items)
select $1, json_agg(json_build_object('minute', floor(extract(epoch from $2::timestamptz) / 60)::int,
                                      'experiment', rule || ' ' || variant, 'decided', n))
from (select rule, variant, count(*) as n from fresh group by 1, 2) as counted having count(*) > 0`;

const INSERT_EVENTS = `
insert into goal_events (tenant_id, user_id, event_time, targets)
select $1, u, t, g from json_to_recordset($2) as x(u text, t timestamptz, g json)`;
