import type { JsonObject } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import type { SealedEvent } from './encryption/sealed-event.ts';
import { packTextArray } from './pg/params.ts';
import type { Connection } from './pg/pool.ts';

/** A large event whose content is to be read, in place of its excerpt. */
export type LargeEvent = Pick<SealedEvent, 'userId' | 'time' | 'key'> & {
  /** Characters of JSON of the content. */
  readonly size: number;
};

/** The content of an event as it is stored. */
export interface LoadedContent {
  /** Index in the list that was asked for. */
  readonly index: number;
  /** Masked; null if `sealed` has the originals. */
  readonly content: { readonly properties: JsonObject; readonly traits: JsonObject } | null;
  readonly sealed: Buffer | null;
}

/** Bound of the contents of large events that are read for one batch, in characters of JSON. The others keep their excerpt. */
const MAX_CONTENT_CHARS = 32 * 1024 * 1024;

/** Name of the bound in evidence. */
export const CONTENT_BOUND = '32 MiB of contents';

/** Bound of the contents that are in memory at once, in characters of JSON. The first is read whatever its size. */
const MAX_CHUNK_CHARS = 4 * 1024 * 1024;

/**
 * Reads the contents of large events in chunks, the first events first, until the bound.
 * @param spent characters that the batch has read before
 */
export async function* readContents(
  connection: Connection,
  tenantId: string,
  events: readonly LargeEvent[],
  spent: number,
): AsyncGenerator<readonly LoadedContent[]> {
  let total = spent;
  for (let from = 0; from < events.length; ) {
    let to = from;
    let size = 0;
    while (to < events.length) {
      const next = (events[to] as LargeEvent).size;
      if (total + next > MAX_CONTENT_CHARS) break;
      if (to > from && size + next > MAX_CHUNK_CHARS) break;
      size += next;
      total += next;
      to++;
    }
    if (to === from) return;
    yield await loadChunk(connection, tenantId, events.slice(from, to), from);
    from = to;
  }
}

async function loadChunk(
  connection: Connection,
  tenantId: string,
  events: readonly LargeEvent[],
  offset: number,
): Promise<LoadedContent[]> {
  const times = events.map(({ time }) => time);
  const { rows } = await connection.query<Row>({
    name: 'load-contents',
    text: LOAD,
    rowMode: 'array',
    values: [
      tenantId,
      packTextArray(events.map(({ userId }) => userId)),
      packTextArray(times.map(isoTime)),
      packTextArray(events.map(({ key }) => key)),
      isoTime(Math.min(...times)),
      isoTime(Math.max(...times)),
    ],
  });
  return rows.map(([index, properties, traits, sealed]) => {
    const content = properties && traits && { properties, traits };
    return { index: offset + index, content, sealed };
  });
}

type Row = [index: number, properties: JsonObject | null, traits: JsonObject | null, sealed: Buffer | null];

/** Index probes by the primary key, and only in the partitions of the times asked for: see facts.ts. */
const LOAD = `
select q.i::int - 1, e.properties, e.traits, e.sealed
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::uuid[])
     with ordinality as q(user_id, event_time, key, i)
cross join lateral (
  select case when sealed is null then properties end as properties, case when sealed is null then traits end as traits, sealed
  from events
  where tenant_id = $1 and user_id = q.user_id and event_time = q.event_time and key = q.key
    and event_time between $5::timestamptz and $6::timestamptz limit 1
) as e`;
