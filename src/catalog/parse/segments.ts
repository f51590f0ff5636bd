import type { Segment } from '../../model/catalog.ts';
import { checkName, parseDescription, parseEntries, parseFields, parseFilledFields } from './fields.ts';
import { PROFILE_SCOPE } from './rules/audience.ts';
import { parseConditionField } from './rules/expressions.ts';
import { type CatalogSymbols, RuleContext } from './rules/rule-context.ts';
import type { Entry, YamlFile } from './yaml.ts';

const EXAMPLE = 'LAPSED: { for: user.last_order_at < string(now - duration("2160h")) }';

/** Segments of a catalog, at most. */
const MAX_SEGMENTS = 500;

/** Parses segments.yaml: named conditions over the profile, checked as those of rules. */
export function parseSegments(file: YamlFile, symbols: CatalogSymbols): Segment[] {
  const top = parseFields(file, file.root!, 'segments.yaml', ['segments'], `segments: { ${EXAMPLE} }`);
  const entry = top.get('segments');
  const entries = entry ? parseEntries(file, entry.value, '"segments"', EXAMPLE) : [];
  if (entries.length > MAX_SEGMENTS) {
    file.report(
      entries[MAX_SEGMENTS]!.at,
      `there are ${entries.length} segments`,
      `at most ${MAX_SEGMENTS} are allowed`,
    );
    return [];
  }
  const ctx = new RuleContext(file, symbols, [], []);
  return entries.flatMap((one) => parseSegment(ctx, one) ?? []);
}

function parseSegment(ctx: RuleContext, entry: Entry): Segment | undefined {
  const { key: name, value } = entry;
  checkName(ctx.file, entry, EXAMPLE);
  if (value.kind !== 'map') {
    const condition = parseConditionField(ctx, entry, PROFILE_SCOPE, EXAMPLE);
    return condition === undefined ? undefined : { name, condition };
  }
  const found = parseFilledFields(ctx.file, value, name, ['description', 'for'], EXAMPLE);
  const written = found.get('for');
  if (!written) ctx.file.report(entry.at, `${name} has no "for", the condition that a user must meet`, EXAMPLE);
  const condition = written && parseConditionField(ctx, written, PROFILE_SCOPE, EXAMPLE);
  return condition === undefined ? undefined : { name, ...parseDescription(ctx.file, found), condition };
}
