import type { Rule } from '../../../model/catalog.ts';
import { parseFields, parseText } from '../fields.ts';
import { suggest } from '../suggest.ts';
import type { Entry } from '../yaml.ts';
import { type ExpressionScope, parseConditionField } from './expressions.ts';
import type { RuleContext } from './rule-context.ts';

/** The names that a condition over a profile can use: there is no event. */
export const PROFILE_SCOPE: ExpressionScope = { types: [''], roots: ['user', 'now'], now: true };

const EXAMPLE = 'for: user.role == "practitioner"';
const SEGMENT_EXAMPLE = 'for: { segment: LAPSED }';

/** Parses `for`: a condition over the profile, or the name of a segment, whose condition becomes that of the rule. */
export function parseAudience(ctx: RuleContext, entry: Entry | undefined): Pick<Rule, 'audience' | 'segment'> {
  if (!entry) return {};
  if (entry.value.kind !== 'map') {
    const audience = parseConditionField(ctx, entry, PROFILE_SCOPE, EXAMPLE);
    return audience === undefined ? {} : { audience };
  }
  const list = entry.value.entries.find(({ key }) => key === 'list');
  if (list) {
    const hint =
      'lists are for batches: their members change without an event, so that no replay would be exact; use a segment';
    ctx.report(list.at, '"for" takes no list', hint);
    return {};
  }
  const name = parseFields(ctx.file, entry.value, '"for"', ['segment'], SEGMENT_EXAMPLE).get('segment');
  if (!name) ctx.report(entry.at, '"for" names no segment', `${SEGMENT_EXAMPLE}, or a condition as ${EXAMPLE}`);
  const text = name && parseText(ctx.file, name.value, '"segment"', SEGMENT_EXAMPLE);
  if (!text || !ctx.segments) return {};
  const segment = ctx.segments.get(text.text);
  if (segment) return { audience: segment.condition, segment: segment.name };
  const hint = ctx.segments.size === 0 ? 'segments.yaml defines none yet' : suggest(text.text, ctx.segments.keys());
  ctx.report(text.at, `no segment is called ${JSON.stringify(text.text.slice(0, 60))}`, hint);
  return {};
}
