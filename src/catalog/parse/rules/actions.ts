import type { Action, Rule } from '../../../model/catalog.ts';
import { ADDRESS_TRAITS, type JsonObject, PROFILE_UPDATED } from '../../../model/event.ts';
import { fieldOf, namesIn } from '../../schemas/schema-fields.ts';
import { type Fields, fields, named } from '../fields.ts';
import { suggest } from '../suggest.ts';
import type { Entry, Tree } from '../yaml.ts';
import { assignableTo, type ExpressionScope, parseValueField } from './expressions.ts';
import type { RuleContext } from './rule-context.ts';

const DO = 'do: { set: { plan_hint: event.plan } }';
const EMIT = 'do: { emit: vip_reached, with: { total: event.total } }';

/** `do`: what happens beside, or in place of, a notification. */
export function readActions(c: RuleContext, found: Fields, sight: ExpressionScope): Action[] {
  const entry = found.get('do');
  if (entry === undefined) return [];
  const items = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  if (items.length === 0) c.problem(entry.value.at, '"do" is an empty list', DO);
  return items.flatMap((item) => readAction(c, item, sight));
}

function readAction(c: RuleContext, tree: Tree, sight: ExpressionScope): Action[] {
  const parts = fields(c.file, tree, '"do"', ['set', 'emit', 'with', 'cancel'], DO);
  if (tree.kind !== 'map') return [];
  const [set, emit, cancel] = [parts.get('set'), parts.get('emit'), parts.get('cancel')];
  const said = [set, emit, cancel].filter((entry) => entry !== undefined);
  if (said.length === 0) c.problem(tree.at, '"do" does not say what: set, emit or cancel', DO);
  if (said[1]) c.problem(said[1].at, `"${said[0]?.key}" and "${said[1].key}" are two things to do`, 'make it a list');
  if (parts.has('with') && !emit) c.problem(parts.get('with')!.at, '"with" needs "emit"', EMIT);
  if (set) return readSet(c, set, sight);
  if (emit) return readEmit(c, emit, parts.get('with'), sight);
  return cancel ? readCancel(c, cancel) : [];
}

function readSet(c: RuleContext, set: Entry, sight: ExpressionScope): Action[] {
  const traits = named(c.file, set.value, '"set"', DO);
  if (set.value.kind === 'null' || (set.value.kind === 'map' && traits.length === 0)) {
    c.problem(set.at, '"set" does not say which trait', DO);
  }
  for (const name of requiredOf(c.events?.get(PROFILE_UPDATED)?.properties)) {
    c.problem(
      set.at,
      `${PROFILE_UPDATED} requires "${name}", and "set" gives it no properties`,
      'leave it out of "required"',
    );
  }
  return traits.flatMap((entry): Action[] => {
    const trait = entry.key;
    if (Object.hasOwn(ADDRESS_TRAITS, trait)) {
      c.problem(entry.at, `${trait} is an address: a rule cannot set it`, 'it comes with the traits of an event');
    } else c.trait(trait, entry.at);
    const value = parseValueField(c, entry, sight, DO, assignableTo(c, trait, c.traits));
    return value === undefined ? [] : [{ kind: 'set', trait, value }];
  });
}

function readEmit(c: RuleContext, emit: Entry, given: Entry | undefined, sight: ExpressionScope): Action[] {
  const event = c.text(emit, EMIT);
  if (!event) return [];
  if (event.text.startsWith('notification.')) {
    c.problem(event.at, `${JSON.stringify(event.text)} is told of notifications alone`, 'choose another name');
  } else c.event(event);
  const schema = c.events?.get(event.text)?.properties;
  const properties: { [name: string]: string } = {};
  for (const entry of given ? named(c.file, given.value, '"with"', EMIT) : []) {
    if (schema && fieldOf(schema, entry.key) === undefined) {
      c.problem(entry.at, `${event.text} has no property "${entry.key}"`, suggest(entry.key, namesIn(schema)));
    }
    const value = parseValueField(c, entry, sight, EMIT, assignableTo(c, entry.key, schema));
    if (value !== undefined) properties[entry.key] = value;
  }
  for (const name of requiredOf(schema)) {
    if (!Object.hasOwn(properties, name))
      c.problem(emit.at, `${event.text} requires "${name}"`, `with: { ${name}: event.${name} }`);
  }
  return [{ kind: 'emit', event: event.text, properties }];
}

function requiredOf(schema: JsonObject | undefined): string[] {
  const required = schema?.required;
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}

function readCancel(c: RuleContext, cancel: Entry): Action[] {
  const text = c.text(cancel, 'do: { cancel: ABANDONED_CART }');
  if (!text) return [];
  if (!c.rules.has(text.text)) {
    c.problem(text.at, `no rule is called ${JSON.stringify(text.text)}`, suggest(text.text, c.rules));
  }
  return [{ kind: 'cancel', rule: text.text }];
}

/** `data`: more for the templates. */
export function readData(c: RuleContext, found: Fields, sight: ExpressionScope): Pick<Rule, 'data'> {
  const entry = found.get('data');
  if (entry === undefined) return {};
  const example = 'data: { total: event.amount * 2 }';
  const data: { [name: string]: string } = {};
  for (const part of named(c.file, entry.value, '"data"', example)) {
    if (!/^[A-Za-z_]\w{0,63}$/.test(part.key)) {
      const shown = JSON.stringify(part.key.slice(0, 60));
      c.problem(part.at, `${shown} cannot be a name in a template`, `letters, digits and _: ${example}`);
    }
    if (part.key === 'variant' && found.has('split')) {
      c.problem(part.at, '"variant" is the name of the part of the split', 'choose another name');
    }
    const value = parseValueField(c, part, sight, example);
    if (value !== undefined) data[part.key] = value;
  }
  return { data };
}
