import { isDeepStrictEqual } from 'node:util';
import type { Group, Limit, Rule } from '../../../model/catalog.ts';
import { type Fields, fields, isName, someTexts } from '../fields.ts';
import { suggest } from '../suggest.ts';
import type { Entry } from '../yaml.ts';
import { parseLimit } from './limit-text.ts';
import type { RuleContext } from './rule-context.ts';

const LIMIT = 'limit: once, or limit: 1 per day';
const GROUP = 'promos: { limit: 2 per day }';

/** `limit` and `throttle`: how often at most. */
export function readLimits(c: RuleContext, found: Fields): Limit[] {
  const limits = readLimit(c, found);
  const entry = found.get('throttle');
  const span = c.span(entry, 'throttle: 15m');
  if (!entry || !span) return limits;
  const throttle: Limit = {
    max: 1,
    period: { kind: 'rolling', span: span.ms },
    text: `1 per ${span.text}`,
    throttle: true,
  };
  const same = sameScope(limits, throttle, found.has('key'));
  if (same) {
    c.problem(entry.at, `"throttle: ${span.text}" and "limit: ${same.text}" are limits of the same period`, 'keep one');
    return limits;
  }
  return [...limits, throttle];
}

function readLimit(c: RuleContext, found: Fields): Limit[] {
  const entry = found.get('limit');
  if (entry === undefined) return [];
  const limits: Limit[] = [];
  for (const text of someTexts(c.file, entry.value, '"limit"', LIMIT)) {
    const parsed = parseLimit(text.text);
    if ('message' in parsed) {
      c.problem(text.at, parsed.message, parsed.hint);
      continue;
    }
    const same = sameScope(limits, parsed.limit, found.has('key'));
    if (same) {
      const message = `"${same.text}" and "${parsed.limit.text}" are limits of the same period`;
      c.problem(text.at, message, 'keep the stricter one');
    } else limits.push(parsed.limit);
  }
  return limits;
}

/** One of the same period that counts the same sends: only a key tells those of a person apart. */
function sameScope(limits: readonly Limit[], limit: Limit, keyed: boolean): Limit | undefined {
  return limits.find(
    (other) =>
      isDeepStrictEqual(other.period, limit.period) && (!keyed || Boolean(other.perUser) === Boolean(limit.perUser)),
  );
}

/** `group`: whose limits the rule shares. */
export function readGroup(c: RuleContext, found: Fields): Pick<Rule, 'group'> {
  const text = c.text(found.get('group'), 'group: promos');
  if (!text) return {};
  if (!c.groups.has(text.text)) {
    const hint = c.groups.size === 0 ? `beside "rules": groups: { ${GROUP} }` : suggest(text.text, c.groups);
    c.problem(text.at, `no group is called ${JSON.stringify(text.text)}`, hint);
  }
  return { group: text.text };
}

/** An entry of `groups`: limits that several rules share. */
export function readGroupOf(c: RuleContext, entry: Entry): Group {
  const found = fields(c.file, entry.value, entry.key, ['limit'], GROUP);
  if (!isName(entry.key)) {
    const shown = JSON.stringify(entry.key.slice(0, 60));
    c.problem(entry.at, `${shown} cannot be a name`, 'letters, digits, _ . and -: promos');
  }
  if (!found.has('limit')) c.problem(entry.at, `${entry.key} has no limit`, GROUP);
  return { name: entry.key, limits: readLimit(c, found) };
}
