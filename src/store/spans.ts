import type { JsonObject, Millis } from '../model/event.ts';
import { mergeEvent, type UserState } from '../rules/facts.ts';
import { packTextArray, timeRangeParams } from './pg/params.ts';
import type { Connection } from './pg/pool.ts';

/** All events of a person of one type in a span; both ends count. */
export interface Span {
  readonly userId: string;
  readonly type: string;
  readonly from: Millis;
  readonly to: Millis;
}

/** Events of one person, type and span that are looked at; the latest. */
const MAX_EVENTS = 1000;

/**
 * Adds the stored events of these spans, whole, to what is known of the people. Spans that touch are one look-up: the
 * events of a batch ask for much the same.
 *
 * They do not count as triggers of a simple pattern that is yet to be completed: loadFacts says which do.
 */
export async function loadSpans(
  connection: Connection,
  tenantId: string,
  spans: readonly Span[],
  users: ReadonlyMap<string, UserState>,
): Promise<void> {
  const merged = mergeSpans(spans);
  if (merged.length === 0) return;
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
  for (const [place, key, eventId, time, properties, traits] of rows) {
    const { userId, type } = merged[place] as Span;
    const event = { tenantId, userId, eventId, key, type, time, properties, traits };
    mergeEvent(users.get(userId) as UserState, type, { key, eventId, time, event, waitsFor: NOTHING });
  }
}

/** As few spans as cover the same. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort(
    (a, b) => compare(a.userId, b.userId) || compare(a.type, b.type) || a.from - b.from || a.to - b.to,
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

const NOTHING: ReadonlySet<string> = new Set();

type Row = [place: number, key: string, eventId: string, time: Millis, properties: JsonObject, traits: JsonObject];

/** Look-ups only, each by the primary key and bounded, and in the partitions of these times alone: see facts.ts. */
const LOAD = `
select q.i::int - 1, e.key::text, coalesce(e.event_id, e.key::text), e.event_time, e.properties, e.traits
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f')::timestamptz[], string_to_array($5, E'\\x1f')::timestamptz[])
     with ordinality as q(user_id, type, lo, hi, i)
cross join lateral (
  select key, event_id, event_time, properties, traits from events
  where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi and event_type = q.type
    and event_time between $6::timestamptz and $7::timestamptz
  order by event_time desc limit ${MAX_EVENTS}
) as e`;

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
