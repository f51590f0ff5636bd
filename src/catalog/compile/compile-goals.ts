import { type CatalogData, type Goal, HOLDOUT_VARIANTS, type Rule } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';

/** A thing that an event brings to its goal: a notification type, or a rule that is an experiment. */
export interface GoalTarget {
  readonly type?: string;
  readonly rule?: string;
  readonly within: Millis;
}

/** A rule that divides its users, with the goal of what it sends. */
export interface Experiment {
  readonly rule: string;
  readonly goal: Goal;
  /** Percentages by variant. */
  readonly shares: ReadonlyMap<string, number>;
  /** The variant that the others are compared with: the one that sends nothing, or else the first. */
  readonly control: string;
}

/** Goals of a catalog. */
export interface Goals {
  /** Notification types that have one. */
  readonly types: ReadonlySet<string>;
  /** Targets by event type. */
  readonly byEvent: ReadonlyMap<string, readonly GoalTarget[]>;
  readonly experiments: ReadonlyMap<string, Experiment>;
}

/** Compiles the goals of notification types; undefined: no type has one. */
export function compileGoals({ notifications, rules }: CatalogData): Goals | undefined {
  const goals = new Map(notifications.flatMap(({ name, goal }) => (goal ? [[name, goal] as const] : [])));
  if (goals.size === 0) return undefined;
  const experiments = rules.flatMap((rule) => toExperiment(rule, goals) ?? []);
  const byEvent = new Map<string, GoalTarget[]>();
  const add = (event: string, target: GoalTarget) => byEvent.set(event, [...(byEvent.get(event) ?? []), target]);
  for (const [type, { event, within }] of goals) add(event, { type, within });
  for (const { rule, goal } of experiments) add(goal.event, { rule, within: goal.within });
  return { types: new Set(goals.keys()), byEvent, experiments: new Map(experiments.map((one) => [one.rule, one])) };
}

/** The goal of an experiment is that of the first type with one, in the order of the rule and its variants. */
function toExperiment({ name, notify, choose, split }: Rule, goals: ReadonlyMap<string, Goal>): Experiment | undefined {
  if (!split || split.length < 2) return undefined;
  const types = [...notify, ...split.flatMap((one) => one.notify), ...(choose ?? []).flatMap((one) => one.notify)];
  const goal = types.map((type) => goals.get(type)).find((one) => one !== undefined);
  if (!goal) return undefined;
  const control = split.find((one) => HOLDOUT_VARIANTS.includes(one.name)) ?? split[0];
  return {
    rule: name,
    goal,
    shares: new Map(split.map((one) => [one.name, one.share])),
    control: control?.name ?? '',
  };
}
