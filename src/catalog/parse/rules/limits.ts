import { isDeepStrictEqual } from 'node:util';
import type { Group, Limit, Rule } from '../../../model/catalog.ts';
import { checkName, type Fields, parseFields, parseTexts } from '../fields.ts';
import { suggest } from '../suggest.ts';
import type { Entry } from '../yaml.ts';
import { parseLimit } from './limit-expression.ts';
import type { RuleContext } from './rule-context.ts';

const LIMIT_EXAMPLE = 'limit: once, or limit: 1 per day';
const GROUP_EXAMPLE = 'promos: { limit: 2 per day }';

/** Parses `limit` and `throttle`; the limit of `throttle` comes last. */
export function parseLimits(ctx: RuleContext, found: Fields): Limit[] {
  const limits = parseLimitField(ctx, found);
  const entry = found.get('throttle');
  const span = ctx.parseSpan(entry, 'throttle: 15m');
  if (!entry || !span) return limits;
  const throttle: Limit = {
    max: 1,
    period: { kind: 'rolling', span: span.ms },
    text: `1 per ${span.text}`,
    throttle: true,
  };
  const same = findSameScope(limits, throttle, found.has('key'));
  if (same) {
    const message = `"throttle: ${span.text}" and "limit: ${same.text}" are limits of the same period`;
    ctx.report(entry.at, message, 'keep one of them');
    return limits;
  }
  return [...limits, throttle];
}

function parseLimitField(ctx: RuleContext, found: Fields): Limit[] {
  const entry = found.get('limit');
  if (entry === undefined) return [];
  const limits: Limit[] = [];
  for (const text of parseTexts(ctx.file, entry.value, '"limit"', LIMIT_EXAMPLE)) {
    const parsed = parseLimit(text.text);
    if ('message' in parsed) {
      ctx.report(text.at, parsed.message, parsed.hint);
      continue;
    }
    const same = findSameScope(limits, parsed.limit, found.has('key'));
    if (same) {
      const message = `"${same.text}" and "${parsed.limit.text}" are limits of the same period`;
      ctx.report(text.at, message, 'keep the stricter one');
    } else limits.push(parsed.limit);
  }
  return limits;
}

/**
 * Returns a limit that has the same period and counts the same sends. Without a key in the rule, a limit per person and
 * one per key count the same sends.
 */
function findSameScope(limits: readonly Limit[], limit: Limit, hasKey: boolean): Limit | undefined {
  return limits.find(
    (other) =>
      isDeepStrictEqual(other.period, limit.period) && (!hasKey || Boolean(other.perUser) === Boolean(limit.perUser)),
  );
}

/** Parses `group`: the name of the group whose limits the rule shares. */
export function parseGroupName(ctx: RuleContext, found: Fields): Pick<Rule, 'group'> {
  const text = ctx.parseText(found.get('group'), 'group: promos');
  if (!text) return {};
  if (!ctx.groups.has(text.text)) {
    const hint =
      ctx.groups.size === 0 ? `add beside "rules": groups: { ${GROUP_EXAMPLE} }` : suggest(text.text, ctx.groups);
    ctx.report(text.at, `no group is called ${JSON.stringify(text.text)}`, hint);
  }
  return { group: text.text };
}

/** Parses an entry of `groups`: a name, and the limits that the rules of the group share. */
export function parseGroup(ctx: RuleContext, entry: Entry): Group {
  const found = parseFields(ctx.file, entry.value, entry.key, ['limit'], GROUP_EXAMPLE);
  checkName(ctx.file, entry, 'promos');
  if (!found.has('limit')) ctx.report(entry.at, `${entry.key} has no limit`, GROUP_EXAMPLE);
  return { name: entry.key, limits: parseLimitField(ctx, found) };
}
