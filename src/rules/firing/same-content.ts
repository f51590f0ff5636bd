import type { Channel } from '../../model/delivery.ts';
import type { Json, Millis } from '../../model/event.ts';
import { type Dedupe, toDedupeKey } from '../../model/plan.ts';
import { toFixedIso } from '../../time/calendar.ts';
import type { DecisionContext } from '../context.ts';

/**
 * Returns what the plan asks about earlier messages of a type with the same content. They are in the ledger of limits, each under
 * its time and a keyed hash of type, channel and content: never of ids or of rendered text, which has times in it.
 * @param window time in ms within which the same content is sent once
 * @param content what the templates are filled with
 */
export function findSameContent(
  { user, now, ids }: DecisionContext,
  type: string,
  window: Millis,
  content: Json,
): Dedupe {
  const limitKey = toDedupeKey(type);
  const text = JSON.stringify(sortKeys(content));
  const hashOf = (channel: Channel) => ids.keyed(`${type}\n${channel}\n${text}`);
  return {
    reserve: (channel) => ({ limitKey, at: now, bucket: `${toFixedIso(now)} ${hashOf(channel)}` }),
    findAlike(channel) {
      const recent = user.uses.get(limitKey)?.between(now - window + 1, now) ?? [];
      if (recent.length === 0) return undefined;
      const end = ` ${hashOf(channel)}`;
      return recent.findLast(({ bucket }) => bucket.endsWith(end))?.at;
    },
  };
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sortKeys(one as Json)]),
  );
}
