import type { JsonObject, Millis } from '../model/event.ts';
import type { SealedEvent } from './facts.ts';
import { packTextArray, timeRangeParams } from './pg/params.ts';
import type { Connection } from './pg/pool.ts';

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
 * Loads the stored events of these spans, whole, each once. Spans that touch are loaded as one: the events of a batch ask
 * for much the same.
 */
export async function loadSpans(
  connection: Connection,
  tenantId: string,
  spans: readonly Span[],
): Promise<SealedEvent[]> {
  const merged = mergeSpans(spans);
  if (merged.length === 0) return [];
  const { rows } = await connection.query<Row>({
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
  return rows.map(([index, key, eventId, time, properties, traits, sealed]) => {
    const { userId, type } = merged[index] as Span;
    return { tenantId, userId, eventId, key, type, time, properties, traits, sealed };
  });
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

type Row = [
  index: number,
  key: string,
  eventId: string,
  time: Millis,
  properties: JsonObject,
  traits: JsonObject,
  sealed: Buffer | null,
];

/** Index probes by the primary key, each bounded, and only in the partitions of the times asked for: see facts.ts. */
const LOAD = `
select q.i::int - 1, e.key::text, coalesce(e.event_id, e.key::text), e.event_time, e.properties, e.traits, e.sealed
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f')::timestamptz[], string_to_array($5, E'\\x1f')::timestamptz[])
     with ordinality as q(user_id, type, lo, hi, i)
cross join lateral (
  select key, event_id, event_time, properties, traits, sealed from events
  where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi and event_type = q.type
    and event_time between $6::timestamptz and $7::timestamptz
  order by event_time desc limit ${MAX_EVENTS_PER_SPAN}
) as e`;

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
