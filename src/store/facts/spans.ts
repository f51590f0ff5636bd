import type { Millis } from '../../model/event.ts';
import { packTextArray, timeRangeParams } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';
import { CONTENT_BYTES, CONTENT_COLUMNS, FITS } from './fact-bytes.ts';
import { collectFound, FOUND_COLUMNS, type FoundRow, type LoadedEvents } from './found-events.ts';

/** A range of event times of one user and event type; both ends are included. */
export interface Span {
  readonly userId: string;
  readonly type: string;
  readonly from: Millis;
  readonly to: Millis;
}

/** Events loaded for one user, type and merged span, at most; the latest ones. */
const MAX_EVENTS_PER_SPAN = 1000;

/**
 * Loads the stored events of these spans with their content, each once, up to MAX_FACT_BYTES. Spans that touch are loaded as
 * one: the events of a batch ask for much the same.
 */
export async function loadSpans(
  connection: Connection,
  tenantId: string,
  spans: readonly Span[],
): Promise<LoadedEvents> {
  const merged = mergeSpans(spans);
  if (merged.length === 0) return { events: [], leftOut: [] };
  const { rows } = await connection.query<FoundRow>({
    name: 'load-spans',
    text: LOAD,
    rowMode: 'array',
    values: [
      tenantId,
      packTextArray(merged.map(({ userId }) => userId)),
      packTextArray(merged.map(({ type }) => type)),
      ...timeRangeParams(merged),
    ],
  });
  return collectFound(tenantId, merged, rows, MAX_EVENTS_PER_SPAN, (event) => event);
}

/** Returns the fewest spans that cover the same times, in order of user, type and time. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort(
    (a, b) => compareText(a.userId, b.userId) || compareText(a.type, b.type) || a.from - b.from || a.to - b.to,
  );
  const merged: Span[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last && last.userId === span.userId && last.type === span.type && span.from <= last.to) {
      merged[merged.length - 1] = { ...last, to: Math.max(last.to, span.to) };
    } else merged.push(span);
  }
  return merged;
}

/** Index probes by the primary key, each bounded, and only in the partitions of the times asked for: see facts.ts. */
const LOAD = `
select ${FOUND_COLUMNS}
from (
  select q.i::int - 1 as i, e.*, ${FITS} as fits
  from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f')::timestamptz[], string_to_array($5, E'\\x1f')::timestamptz[])
       with ordinality as q(user_id, type, lo, hi, i)
  cross join lateral (
    select key::text, coalesce(event_id, key::text) as event_id, event_type, event_time, ${CONTENT_COLUMNS}, ${CONTENT_BYTES} as bytes,
           row_number() over (order by event_time desc) as n
    from events
    where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi and event_type = q.type
      and event_time between $6::timestamptz and $7::timestamptz
    order by event_time desc limit ${MAX_EVENTS_PER_SPAN}
  ) as e
) as found`;

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
