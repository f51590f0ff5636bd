import { isDeepStrictEqual } from 'node:util';
import { compileRuleSet } from '../catalog/compile/compile-rule-set.ts';
import type { CatalogData } from '../model/catalog.ts';
import type { Decision } from '../model/decision.ts';
import type { Json, Millis } from '../model/event.ts';
import type { Send } from '../rules/context.ts';
import type { RuleSets } from '../rules/rule-set.ts';
import { type Case, DEFAULT_USER, type Expectation } from './cases.ts';
import { countingIds } from './counting-ids.ts';
import { runSimulation } from './run-simulation.ts';
import { type SimulationStep, Simulator } from './simulator.ts';
import { decisionText, evidenceLines, moment, plainLine, timelineOf } from './timeline.ts';

export interface CaseResult {
  readonly name: string;
  readonly line: number;
  readonly passed: boolean;
  readonly ms: number;
  readonly failures: readonly Failure[];
  /** Everything that happened, where the case failed. */
  readonly timeline: readonly string[];
}

export interface Failure {
  /** Line of the expectation, or of the case for an unexpected send. */
  readonly line: number;
  readonly message: string;
  /** The decision that comes closest to what was expected. */
  readonly closest?: string;
  /** Evidence of the decision that differs or was not expected. */
  readonly evidence: readonly string[];
}

/** Returns the rules of a catalog that cases run with. */
export function rulesFor(data: CatalogData): RuleSets {
  const active = compileRuleSet(1, data);
  return { active, at: () => active };
}

/** Plays a case from its first event to its end, and compares. @param clock milliseconds, to say how long it took */
export function runCase(rules: RuleSets, one: Case, clock: () => number): CaseResult {
  const started = clock();
  const happened = play(rules, one);
  const failures = compare(one, happened.flatMap(decided));
  return {
    name: one.name,
    line: one.line,
    passed: failures.length === 0,
    ms: clock() - started,
    failures,
    timeline: failures.length === 0 ? [] : happened.flatMap(timelineOf).map(plainLine),
  };
}

function play(rules: RuleSets, { profile, from, until, events }: Case): SimulationStep[] {
  const world = new Simulator(rules, countingIds());
  world.addUser(DEFAULT_USER, profile ?? {}, from);
  return [...runSimulation(world, events, until)].flatMap(({ happened }) => happened);
}

interface Decided {
  readonly at: Millis;
  readonly user: string;
  readonly decision: Decision;
  readonly send: Send | undefined;
}

function decided({ at, userId, decisions, sends }: SimulationStep): Decided[] {
  return decisions.map((decision) => ({
    at,
    user: userId,
    decision,
    send: sends.find((send) => send.decision === decision),
  }));
}

function compare({ line, expect }: Case, all: readonly Decided[]): Failure[] {
  const left = new Set(all);
  const failures: Failure[] = [];
  // The most specific expectations are matched first.
  for (const wanted of [...expect].sort((a, b) => Object.keys(b).length - Object.keys(a).length)) {
    const match = [...left].find((one) => misses(wanted, one).length === 0);
    if (match) left.delete(match);
    else failures.push(missing(wanted, [...left]));
  }
  for (const one of left) {
    if (one.decision.outcome !== 'send') continue;
    failures.push({ line, message: `not expected: ${described(one)}`, evidence: evidenceLines(one.decision.evidence) });
  }
  return failures.sort((a, b) => a.line - b.line);
}

/** In what a decision is not the one that is expected; the first are the worst. */
function misses(wanted: Expectation, { at, user, decision, send }: Decided): string[] {
  const { type, outcome, because } = wanted;
  return [
    user === wanted.user || 'user',
    decision.notification_type === type || 'type',
    decision.outcome === outcome || 'outcome',
    wanted.at === undefined || at === wanted.at || 'at',
    because === undefined || decision.reason_code === because || 'because',
    wanted.data === undefined || holds(send?.data, wanted.data) || 'data',
    wanted.items === undefined || holds(send?.items, wanted.items) || 'items',
    wanted.total === undefined || send?.total === wanted.total || 'total',
  ].filter((miss) => miss !== true);
}

function missing(wanted: Expectation, left: readonly Decided[]): Failure {
  const { line, at, user, type, outcome, because } = wanted;
  const when = at === undefined ? '' : `${moment(at)} `;
  const message = `expected: ${when}${user} ${type} ${outcome}${because ? ` because ${because}` : ''}`;
  const near = left
    .map((one) => ({ one, missed: misses(wanted, one) }))
    .filter(({ missed }) => !missed.includes('type') && !missed.includes('user'))
    .sort((a, b) => a.missed.length - b.missed.length || distance(a.one, at) - distance(b.one, at));
  const closest = near[0];
  if (!closest) return { line, message, evidence: [] };
  const { one, missed } = closest;
  const differs = (['data', 'items', 'total'] as const)
    .filter((part) => missed.includes(part))
    .map((part) => `${part}: ${JSON.stringify(one.send?.[part] ?? null)}, expected ${JSON.stringify(wanted[part])}`);
  return { line, message, closest: described(one), evidence: [...differs, ...evidenceLines(one.decision.evidence)] };
}

function distance({ at }: Decided, wanted: Millis | undefined): number {
  return wanted === undefined ? 0 : Math.abs(at - wanted);
}

function described({ at, user, decision }: Decided): string {
  return `${moment(at)} ${user} ${decision.outcome} ${decisionText(decision)}`;
}

/** Everything wanted is there; objects may hold more. */
function holds(value: unknown, wanted: Json): boolean {
  if (typeof wanted !== 'object' || wanted === null) return isDeepStrictEqual(value, wanted);
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== Array.isArray(wanted)) return false;
  if (Array.isArray(wanted)) {
    return (
      (value as unknown[]).length === wanted.length && wanted.every((item, i) => holds((value as Json[])[i], item))
    );
  }
  return Object.entries(wanted).every(([key, item]) => Object.hasOwn(value, key) && holds((value as never)[key], item));
}
