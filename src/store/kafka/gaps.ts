import type { Millis } from '../../model/event.ts';
import { GAP_TYPE } from '../../model/sink.ts';

/** Messages that say what time their topic lacks. */

/** Time (ms) that transactions which began before a topic was opened may take: they may lack it. */
export const GAP_SLACK_MS: Millis = 60_000;

/** Beginning of a statement that writes such messages. */
export const NOTE_GAP =
  'insert into kafka_outbox (tenant_id, message_id, topic, kind, user_id, type, event_id, at, data, bytes, created_at)';

const gapTime = (at: string) => `to_char(${at} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Returns the data of such a message, of expressions. */
export const gapData = (topic: string, since: string, until: string) =>
  `json_build_object('topic', ${topic}, 'since', ${gapTime(since)}, 'until', ${gapTime(until)})`;

/** Time of a removed message, or what a removed gap says. */
const endOf = (end: 'since' | 'until') =>
  `case when kind = 'gap' then (data ->> '${end}')::timestamptz else created_at end as ${end}`;

/**
 * Writes a message to each topic that lacks what retention has removed ("gone"): one for a run ($1: its cutoff), whose time grows with
 * what it removes. A topic that the catalog no longer writes gets none: otherwise one would follow another for ever.
 */
export const NOTE_REMOVED = `
${NOTE_GAP}
select tenant_id, to_fact_id($1, 'gap ' || tenant_id || ' ' || topic), topic, 'gap', '', '${GAP_TYPE}', gen_random_uuid()::text, now(),
       ${gapData('topic', 'since', 'until')}, 200, now()
from (
  select tenant_id, topic, min(since) as since, max(until) as until
  from (select tenant_id, topic, ${endOf('since')}, ${endOf('until')} from gone) as removed
  group by tenant_id, topic
) as lack
where exists (select from active_catalogs as a where a.tenant_id = lack.tenant_id and lack.topic = any (a.written_topics))
on conflict (tenant_id, message_id, topic) do update set data = json_build_object(
  'topic', excluded.topic, 'since', least(kafka_outbox.data ->> 'since', excluded.data ->> 'since'),
  'until', greatest(kafka_outbox.data ->> 'until', excluded.data ->> 'until'))`;
