import type { Decision } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import { type StoredDecision, unpackDecisions } from '../decisions.ts';
import type { SealedEvent } from '../encryption/sealed-event.ts';
import { packTextArray, timeRangeParams } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';
import { CONTENT_BYTES, CONTENT_COLUMNS, FITS } from './fact-bytes.ts';
import { collectFound, FOUND_COLUMNS, type FoundRow, type LoadedEvents } from './found-events.ts';
import { mergeSpans } from './spans.ts';

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

type Row = FoundRow<[decisions: readonly StoredDecision[] | null]>;

/**
 * Loads the events of these ranges whose decisions have evidence of a trait change, each once, with content and decisions up
 * to MAX_FACT_BYTES.
 */
export async function loadTraitChanges(
  connection: Connection,
  tenantId: string,
  lookups: readonly TraitChangeLookup[],
): Promise<LoadedEvents<TraitChangeRow>> {
  const merged = mergeSpans(lookups.map((lookup) => ({ ...lookup, type: '' })));
  if (merged.length === 0) return { events: [], leftOut: [] };
  const { rows } = await connection.query<Row>({
    name: 'load-trait-changes',
    text: LOAD,
    rowMode: 'array',
    values: [tenantId, packTextArray(merged.map(({ userId }) => userId)), ...timeRangeParams(merged)],
  });
  return collectFound(tenantId, merged, rows, MAX_TRAIT_CHANGES, (event, decisions) => ({
    event,
    decisions: unpackDecisions(decisions ?? [], event.key, event.eventId),
  }));
}

/** Index probes by the primary key, each bounded, and only in the partitions of the times asked for: see facts.ts. */
const LOAD = `
select ${FOUND_COLUMNS}, case when fits then decisions end
from (
  select q.i::int - 1 as i, e.*, ${FITS} as fits
  from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::timestamptz[])
       with ordinality as q(user_id, lo, hi, i)
  cross join lateral (
    select key::text, coalesce(event_id, key::text) as event_id, event_type, event_time, ${CONTENT_COLUMNS}, decisions,
           ${CONTENT_BYTES} + octet_length(decisions::text) as bytes, row_number() over (order by event_time) as n
    from events
    where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi
      and event_time between $5::timestamptz and $6::timestamptz and has_trait_change
    order by event_time limit ${MAX_TRAIT_CHANGES}
  ) as e
) as found`;
