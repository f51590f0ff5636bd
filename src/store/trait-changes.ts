import type { Decision } from '../model/decision.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { type StoredDecision, unpackDecisions } from './decisions.ts';
import type { SealedEvent } from './facts.ts';
import { packTextArray, timeRangeParams } from './pg/params.ts';
import type { Connection } from './pg/pool.ts';
import { mergeSpans, type Span } from './spans.ts';

/** A range of event times of one user; both ends are included. */
export interface TraitChangeLookup {
  readonly userId: string;
  readonly from: Millis;
  readonly to: Millis;
}

/** A stored event that changed a trait that a rule listens to, and the decisions on it. */
export interface TraitChangeRow {
  readonly event: SealedEvent;
  readonly decisions: readonly Decision[];
}

/** Events loaded for one user and merged range, at most; the earliest ones. */
const MAX_TRAIT_CHANGES = 1000;

/** Loads the events of these ranges whose decisions have evidence of a trait change, each once. */
export async function loadTraitChanges(
  connection: Connection,
  tenantId: string,
  lookups: readonly TraitChangeLookup[],
): Promise<TraitChangeRow[]> {
  const merged = mergeSpans(lookups.map((lookup) => ({ ...lookup, type: '' })));
  if (merged.length === 0) return [];
  const { rows } = await connection.query<Row>({
    name: 'load-trait-changes',
    text: LOAD,
    rowMode: 'array',
    values: [tenantId, packTextArray(merged.map(({ userId }) => userId)), ...timeRangeParams(merged)],
  });
  return rows.map(([index, key, eventId, type, time, properties, traits, sealed, decisions]) => {
    const { userId } = merged[index] as Span;
    return {
      event: { tenantId, userId, eventId, key, type, time, properties, traits, sealed },
      decisions: unpackDecisions(decisions, key, eventId),
    };
  });
}

type Row = [
  index: number,
  key: string,
  eventId: string,
  type: string,
  time: Millis,
  properties: JsonObject,
  traits: JsonObject,
  sealed: Buffer | null,
  decisions: readonly StoredDecision[],
];

/** Index probes by the primary key, each bounded, and only in the partitions of the times asked for: see facts.ts. */
const LOAD = `
select q.i::int - 1, e.key::text, coalesce(e.event_id, e.key::text), e.event_type, e.event_time, e.properties, e.traits,
       e.sealed, e.decisions
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::timestamptz[])
     with ordinality as q(user_id, lo, hi, i)
cross join lateral (
  select key, event_id, event_type, event_time, properties, traits, sealed, decisions from events
  where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi
    and event_time between $5::timestamptz and $6::timestamptz and has_trait_change
  order by event_time limit ${MAX_TRAIT_CHANGES}
) as e`;
