import type { Channel } from '../../model/delivery.ts';
import type { Json, Millis } from '../../model/event.ts';
import { DEDUPE_KEY, type Dedupe, MAX_DEDUPE_USES } from '../../model/plan.ts';
import { toFixedIso } from '../../time/calendar.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext, Firing } from '../context.ts';
import { readDirect } from '../direct.ts';
import { toScope } from '../evaluate/evaluate-condition.ts';
import { evaluateAll, evaluateVariables } from './values.ts';

/**
 * Returns what the plan asks about earlier messages of a type with the same content. They are in the ledger of limits, each
 * under the time of its decision and a keyed hash of type, channel and content: never of ids or of rendered text, which has
 * times in it.
 * @param window time in ms within which the same content is sent once
 */
export function findSameContent(
  ctx: DecisionContext,
  firing: Firing,
  compiled: CompiledRule,
  { type, window }: { readonly type: string; readonly window: Millis },
): Dedupe {
  const { user, now, ids, rules } = ctx;
  const uses = user.uses.get(DEDUPE_KEY);
  // Hashed twice, because what is keyed is kept in a cache.
  const digest = ids.fromText(JSON.stringify(sortKeys(toContent(ctx, compiled, firing))));
  const hashOf = (channel: Channel) => ids.keyed(`content\n${type}\n${channel}\n${digest}`);
  return {
    findAlike(channel) {
      const recent = uses?.between(now - window + 1, now) ?? [];
      if (recent.length === 0) return undefined;
      const end = ` ${hashOf(channel)}`;
      return recent.findLast(({ bucket }) => bucket.endsWith(end))?.at;
    },
    reserve(channel) {
      // Beyond the bound nothing is remembered: so a look-up has all there is, and a replay finds the same.
      const remembered = uses?.between(now - rules.active.dedupeWindow + 1, now).length ?? 0;
      if (remembered >= MAX_DEDUPE_USES) return undefined;
      return { limitKey: DEDUPE_KEY, at: now, bucket: `${toFixedIso(now)} ${hashOf(channel)}` };
    },
  };
}

/**
 * Returns what the templates of a firing are filled with: its variables or else its event, its data and the items of a digest;
 * of a request its variables and the content that it brings.
 */
function toContent(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): Json {
  const { trigger, items } = firing;
  if (compiled.isDirect) {
    const { variables, content } = readDirect(trigger);
    return { variables, content: (content as Json | undefined) ?? null };
  }
  const variables = evaluateVariables(ctx, compiled, firing);
  return {
    ...(variables ? { variables } : { event: trigger.properties }),
    data: evaluateAll(compiled.data, toScope(ctx, firing)),
    ...(items && { items: items.map(({ event }) => event) }),
  };
}

/** Returns a value whose JSON does not depend on the order of its keys. */
function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sortKeys(one as Json)]));
}
