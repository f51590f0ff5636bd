import type { Action, Rule } from '../../../model/catalog.ts';
import { ADDRESS_TRAITS, type JsonObject, PROFILE_UPDATED } from '../../../model/event.ts';
import { getDeclaredNames, getDeclaredType } from '../../schemas/declared-fields.ts';
import { checkFilled, type Fields, parseEntries, parseFilledFields } from '../fields.ts';
import { suggest } from '../suggest.ts';
import type { Entry, Tree } from '../yaml.ts';
import { assignableTo, type ExpressionScope, parseValueField } from './expressions.ts';
import type { RuleContext } from './rule-context.ts';

const DO_EXAMPLE = 'do: { set: { plan_hint: event.plan } }';
const EMIT_EXAMPLE = 'do: { emit: vip_reached, with: { total: event.total } }';

/** Parses `do`: the actions of a rule, in order. */
export function parseActions(ctx: RuleContext, found: Fields, scope: ExpressionScope): Action[] {
  const entry = found.get('do');
  if (entry === undefined) return [];
  const items = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  if (items.length === 0) ctx.report(entry.value.at, '"do" is an empty list', DO_EXAMPLE);
  return items.flatMap((item) => parseAction(ctx, item, scope));
}

function parseAction(ctx: RuleContext, tree: Tree, scope: ExpressionScope): Action[] {
  const parts = parseFilledFields(ctx.file, tree, '"do"', ['set', 'emit', 'with', 'cancel'], DO_EXAMPLE);
  if (tree.kind !== 'map') return [];
  const [set, emit, cancel] = [parts.get('set'), parts.get('emit'), parts.get('cancel')];
  const [first, second] = [set, emit, cancel].filter((entry) => entry !== undefined);
  if (!first) ctx.report(tree.at, '"do" needs set, emit or cancel', DO_EXAMPLE);
  if (second) ctx.report(second.at, `"${first?.key}" and "${second.key}" are two actions`, 'make "do" a list');
  if (parts.has('with') && !emit) ctx.report(parts.get('with')!.at, '"with" needs "emit"', EMIT_EXAMPLE);
  if (set) return parseSet(ctx, set, scope);
  if (emit) return parseEmit(ctx, emit, parts.get('with'), scope);
  return cancel ? parseCancel(ctx, cancel) : [];
}

function parseSet(ctx: RuleContext, set: Entry, scope: ExpressionScope): Action[] {
  const traits = parseEntries(ctx.file, set.value, '"set"', DO_EXAMPLE);
  if (set.value.kind === 'null' || (set.value.kind === 'map' && traits.length === 0)) {
    ctx.report(set.at, '"set" names no trait', DO_EXAMPLE);
  }
  for (const name of getRequired(ctx.events?.get(PROFILE_UPDATED)?.properties)) {
    const message = `${PROFILE_UPDATED} requires "${name}", but "set" gives it no properties`;
    ctx.report(set.at, message, 'remove it from "required"');
  }
  return traits.flatMap((entry): Action[] => {
    const trait = entry.key;
    if (Object.hasOwn(ADDRESS_TRAITS, trait)) {
      const message = `${trait} is an address, and a rule cannot set an address`;
      ctx.report(entry.at, message, 'post it in the traits of an event');
    } else ctx.checkTrait(trait, entry.at);
    const value = parseValueField(ctx, entry, scope, DO_EXAMPLE, assignableTo(ctx, trait, ctx.traits));
    return value === undefined ? [] : [{ kind: 'set', trait, value }];
  });
}

function parseEmit(ctx: RuleContext, emit: Entry, values: Entry | undefined, scope: ExpressionScope): Action[] {
  const event = ctx.parseText(emit, EMIT_EXAMPLE);
  if (!event) return [];
  if (event.text.startsWith('notification.')) {
    const message = `${JSON.stringify(event.text)} is reserved for the outcomes of notifications`;
    ctx.report(event.at, message, 'choose another name');
  } else ctx.parseEvent(event);
  const schema = ctx.events?.get(event.text)?.properties;
  const properties: { [name: string]: string } = {};
  if (values) checkFilled(ctx.file, values.value, '"with"', EMIT_EXAMPLE);
  for (const entry of values ? parseEntries(ctx.file, values.value, '"with"', EMIT_EXAMPLE) : []) {
    if (schema && getDeclaredType(schema, entry.key) === undefined) {
      const message = `${event.text} has no property "${entry.key}"`;
      ctx.report(entry.at, message, suggest(entry.key, getDeclaredNames(schema)));
    }
    const value = parseValueField(ctx, entry, scope, EMIT_EXAMPLE, assignableTo(ctx, entry.key, schema));
    if (value !== undefined) properties[entry.key] = value;
  }
  for (const name of getRequired(schema)) {
    if (Object.hasOwn(properties, name)) continue;
    ctx.report(emit.at, `${event.text} requires "${name}"`, `with: { ${name}: event.${name} }`);
  }
  return [{ kind: 'emit', event: event.text, properties }];
}

function getRequired(schema: JsonObject | undefined): string[] {
  const required = schema?.required;
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}

function parseCancel(ctx: RuleContext, cancel: Entry): Action[] {
  const text = ctx.parseText(cancel, 'do: { cancel: ABANDONED_CART }');
  if (!text) return [];
  if (!ctx.rules.has(text.text)) {
    ctx.report(text.at, `no rule is called ${JSON.stringify(text.text)}`, suggest(text.text, ctx.rules));
  }
  return [{ kind: 'cancel', rule: text.text }];
}

/** Parses `data`: values that the rule computes for the templates, by name. */
export function parseData(ctx: RuleContext, found: Fields, scope: ExpressionScope): Pick<Rule, 'data'> {
  const entry = found.get('data');
  if (entry === undefined) return {};
  const example = 'data: { total: event.amount * 2 }';
  checkFilled(ctx.file, entry.value, '"data"', example);
  const data: { [name: string]: string } = {};
  for (const part of parseEntries(ctx.file, entry.value, '"data"', example)) {
    if (!/^[A-Za-z_]\w{0,63}$/.test(part.key)) {
      const shown = JSON.stringify(part.key.slice(0, 60));
      ctx.report(part.at, `${shown} is not a valid name in a template`, `use letters, digits and _: ${example}`);
    }
    if (part.key === 'variant' && found.has('split')) {
      ctx.report(part.at, '"variant" is reserved for the variant of the split', 'choose another name');
    }
    const value = parseValueField(ctx, part, scope, example);
    if (value !== undefined) data[part.key] = value;
  }
  return { data };
}
