import { isDeepStrictEqual } from 'node:util';
import type { CatalogData, Rule, TraitChange } from '../../model/catalog.ts';
import type { Json } from '../../model/event.ts';
import { LIFECYCLE_EVENTS } from '../lifecycle-events.ts';
import { constantValue } from './constants.ts';
import { type Report, sentBy } from './findings.ts';

const MOST = 20;

/** One rule does something that triggers another (or itself). */
interface Step {
  readonly to: Rule;
  /** `emits order_created`. */
  readonly what: string;
  readonly key: 'do' | 'notify';
}

type StepsFrom = (rule: Rule) => Iterator<Step>;
type Cycle = readonly { readonly from: Rule; readonly step: Step }[];

/** Rules that can trigger themselves by what they emit, set or send; through others too. At most 20 of each kind. */
export function checkLoops({ rules, groups }: CatalogData, tell: Report): void {
  const stepsFrom = stepsIn(rules);
  const shared = new Map(groups.map((group) => [group.name, group.limits]));
  const limitOf = (rule: Rule) => rule.limits[0] ?? shared.get(rule.group ?? '')?.[0];
  const free = rules.filter((rule) => limitOf(rule) === undefined);
  for (const cycle of cyclesIn(free, stepsFrom)) {
    tellCycle('loop', cycle, 'nothing ends this: add a limit, as in limit: 1 per day', tell);
  }
  for (const cycle of cyclesIn(rules, stepsFrom)) {
    const bound = cycle.map(({ from }) => from).find(limitOf);
    if (!bound) continue;
    tellCycle('bounded_loop', cycle, `only the limit of ${bound.name} ends this: ${limitOf(bound)?.text}`, tell);
  }
}

function tellCycle(code: 'loop' | 'bounded_loop', cycle: Cycle, hint: string, tell: Report): void {
  const said = cycle.map(({ from, step }, index) => {
    const what = `${index === 0 ? 'it' : from.name} ${step.what}`;
    return index === cycle.length - 1 ? what : `${what}, which triggers ${step.to.name}`;
  });
  const shown = said.length > 6 ? [...said.slice(0, 5), `and ${said.length - 5} steps more`] : said;
  const { from, step } = cycle[0]!;
  tell(code, ['rules', from.name, step.key], `${from.name} triggers itself: ${shown.join('; ')}`, hint);
}

/** At least one cycle of each knot of these rules, if there are not too many. Takes time in the number of steps. */
function cyclesIn(rules: readonly Rule[], stepsFrom: StepsFrom): Cycle[] {
  const cycles: Cycle[] = [];
  const open = new Set(rules);
  const told = new Set<Rule>();
  const depthOf = new Map<Rule, number>();
  for (const start of rules) {
    // The way from the start to here, each with the step that led on.
    const way: { from: Rule; steps: Iterator<Step>; step?: Step }[] = [];
    const enter = (from: Rule) => {
      depthOf.set(from, way.length);
      way.push({ from, steps: stepsFrom(from) });
    };
    if (open.has(start)) enter(start);
    for (let here = way.at(-1); here; here = way.at(-1)) {
      const { value: step, done } = here.steps.next();
      if (done) {
        open.delete(here.from);
        depthOf.delete(here.from);
        way.pop();
        continue;
      }
      if (!open.has(step.to)) continue;
      here.step = step;
      const depth = depthOf.get(step.to);
      if (depth === undefined) enter(step.to);
      else if (!told.has(step.to)) {
        told.add(step.to);
        cycles.push(way.slice(depth).map((each) => ({ from: each.from, step: each.step! })));
        if (cycles.length === MOST) return cycles;
      }
    }
  }
  return cycles;
}

function stepsIn(rules: readonly Rule[]): StepsFrom {
  const onEvent = new Map<string, Rule[]>();
  const onTrait = new Map<string, { readonly rule: Rule; readonly change: TraitChange }[]>();
  for (const rule of rules) {
    for (const type of rule.on) push(onEvent, type, rule);
    for (const change of rule.changes ?? []) push(onTrait, change.trait, { rule, change });
  }
  const settled = settledTraits(rules);

  return function* (rule) {
    for (const action of rule.actions) {
      if (action.kind === 'emit') {
        for (const to of onEvent.get(action.event) ?? []) yield { to, what: `emits ${action.event}`, key: 'do' };
      } else if (action.kind === 'set' && !settled.has(action.trait)) {
        const value = constantValue(action.value);
        for (const { rule: to, change } of onTrait.get(action.trait) ?? []) {
          const other = change.to !== undefined && value !== undefined && !isDeepStrictEqual(value, change.to);
          if (!other) yield { to, what: `sets ${action.trait}`, key: 'do' };
        }
      }
    }
    const sent = sentBy(rule);
    for (const { name: type } of sent.size > 0 ? LIFECYCLE_EVENTS : []) {
      for (const to of onEvent.get(type) ?? []) {
        const told = to.about ? to.about.find((name) => sent.has(name)) : [...sent][0];
        if (told !== undefined) yield { to, what: `sends ${told}, of which comes ${type}`, key: 'notify' };
      }
    }
  };
}

/** Traits that rules set to one fixed value alone: the second time nothing changes. */
function settledTraits(rules: readonly Rule[]): ReadonlySet<string> {
  const first = new Map<string, Json | undefined>();
  const settled = new Set<string>();
  for (const action of rules.flatMap((rule) => rule.actions)) {
    if (action.kind !== 'set') continue;
    const { trait } = action;
    const value = constantValue(action.value);
    if (!first.has(trait)) {
      first.set(trait, value);
      if (value !== undefined) settled.add(trait);
    } else if (!isDeepStrictEqual(first.get(trait), value)) settled.delete(trait);
  }
  return settled;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
