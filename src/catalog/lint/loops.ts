import { isDeepStrictEqual } from 'node:util';
import { appendTo } from '../../lib/group-by.ts';
import type { CatalogData, Rule, TraitChange } from '../../model/catalog.ts';
import type { Json } from '../../model/event.ts';
import { getSentTypes } from '../../rules/compile/rule-set.ts';
import { OUTCOME_EVENTS } from '../lifecycle-events.ts';
import { evaluateConstant } from './constants.ts';
import type { Report } from './findings.ts';

const MAX_CYCLES = 20;
const MAX_SHOWN_STEPS = 6;

/** An action or a notification of one rule that triggers another rule, or the same one. */
interface Step {
  readonly to: Rule;
  /** Such as `emits order_created`. */
  readonly what: string;
  readonly key: 'do' | 'notify';
}

type StepsFrom = (rule: Rule) => Iterator<Step>;
type Cycle = readonly { readonly from: Rule; readonly step: Step }[];

/**
 * Reports rules that trigger themselves by what they emit, set or send, also through other rules: as an error if no limit
 * ends the loop, otherwise as a warning. Reports at most 20 of each.
 */
export function checkLoops({ rules, groups }: CatalogData, report: Report): void {
  const stepsFrom = buildSteps(rules);
  const groupLimits = new Map(groups.map((group) => [group.name, group.limits]));
  const findLimit = (rule: Rule) => rule.limits[0] ?? groupLimits.get(rule.group ?? '')?.[0];
  const unlimited = rules.filter((rule) => findLimit(rule) === undefined);
  for (const cycle of findCycles(unlimited, stepsFrom)) {
    reportCycle('loop', cycle, 'nothing ends this: add a limit, as in limit: 1 per day', report);
  }
  for (const cycle of findCycles(rules, stepsFrom)) {
    const limited = cycle.map(({ from }) => from).find(findLimit);
    if (!limited) continue;
    const hint = `only the limit of ${limited.name} ends this: ${findLimit(limited)?.text}`;
    reportCycle('bounded_loop', cycle, hint, report);
  }
}

function reportCycle(code: 'loop' | 'bounded_loop', cycle: Cycle, hint: string, report: Report): void {
  const steps = cycle.map(({ from, step }, index) => {
    const what = `${index === 0 ? 'it' : from.name} ${step.what}`;
    return index === cycle.length - 1 ? what : `${what}, which triggers ${step.to.name}`;
  });
  const shown =
    steps.length > MAX_SHOWN_STEPS
      ? [...steps.slice(0, MAX_SHOWN_STEPS - 1), `and ${steps.length - MAX_SHOWN_STEPS + 1} more steps`]
      : steps;
  const { from, step } = cycle[0]!;
  report(code, ['rules', from.name, step.key], `${from.name} triggers itself: ${shown.join('; ')}`, hint);
}

/**
 * Returns at least one cycle of each strongly connected part of these rules, up to MAX_CYCLES. A depth-first search: it
 * takes time linear in the number of steps.
 */
function findCycles(rules: readonly Rule[], stepsFrom: StepsFrom): Cycle[] {
  const cycles: Cycle[] = [];
  const open = new Set(rules);
  const reported = new Set<Rule>();
  const depthOf = new Map<Rule, number>();
  for (const start of rules) {
    // The path from the start to the current rule, each with the step that leads to the next.
    const path: { from: Rule; steps: Iterator<Step>; step?: Step }[] = [];
    const enter = (from: Rule) => {
      depthOf.set(from, path.length);
      path.push({ from, steps: stepsFrom(from) });
    };
    if (open.has(start)) enter(start);
    for (let here = path.at(-1); here; here = path.at(-1)) {
      const { value: step, done } = here.steps.next();
      if (done) {
        open.delete(here.from);
        depthOf.delete(here.from);
        path.pop();
        continue;
      }
      if (!open.has(step.to)) continue;
      here.step = step;
      const depth = depthOf.get(step.to);
      if (depth === undefined) enter(step.to);
      else if (!reported.has(step.to)) {
        reported.add(step.to);
        cycles.push(path.slice(depth).map((each) => ({ from: each.from, step: each.step! })));
        if (cycles.length === MAX_CYCLES) return cycles;
      }
    }
  }
  return cycles;
}

/** Returns a function that yields the steps of a rule. */
function buildSteps(rules: readonly Rule[]): StepsFrom {
  const byEvent = new Map<string, Rule[]>();
  const byTrait = new Map<string, { readonly rule: Rule; readonly change: TraitChange }[]>();
  for (const rule of rules) {
    for (const type of rule.on) appendTo(byEvent, type, rule);
    for (const change of rule.changes ?? []) appendTo(byTrait, change.trait, { rule, change });
  }
  const constantTraits = findConstantTraits(rules);

  return function* (rule) {
    for (const action of rule.actions) {
      if (action.kind === 'emit') {
        for (const to of byEvent.get(action.event) ?? []) yield { to, what: `emits ${action.event}`, key: 'do' };
      } else if (action.kind === 'set' && !constantTraits.has(action.trait)) {
        const value = evaluateConstant(action.value);
        for (const { rule: to, change } of byTrait.get(action.trait) ?? []) {
          const isOther = change.to !== undefined && value !== undefined && !isDeepStrictEqual(value, change.to);
          if (!isOther) yield { to, what: `sets ${action.trait}`, key: 'do' };
        }
      }
    }
    const sent = getSentTypes(rule);
    for (const { name: type } of sent.size > 0 ? OUTCOME_EVENTS : []) {
      for (const to of byEvent.get(type) ?? []) {
        const cause = to.about ? to.about.find((name) => sent.has(name)) : [...sent][0];
        if (cause !== undefined) yield { to, what: `sends ${cause}, which causes ${type}`, key: 'notify' };
      }
    }
  };
}

/** Returns the traits that rules only ever set to one constant value: setting them again changes nothing. */
function findConstantTraits(rules: readonly Rule[]): ReadonlySet<string> {
  const first = new Map<string, Json | undefined>();
  const constant = new Set<string>();
  for (const action of rules.flatMap((rule) => rule.actions)) {
    if (action.kind !== 'set') continue;
    const { trait } = action;
    const value = evaluateConstant(action.value);
    if (!first.has(trait)) {
      first.set(trait, value);
      if (value !== undefined) constant.add(trait);
    } else if (!isDeepStrictEqual(first.get(trait), value)) constant.delete(trait);
  }
  return constant;
}
