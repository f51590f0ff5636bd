import { isDeepStrictEqual } from 'node:util';
import { compileRuleSet } from '../../catalog/compile/compile-rule-set.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { Decision } from '../../model/decision.ts';
import type { Json, Millis } from '../../model/event.ts';
import { maskDocument } from '../../privacy/mask.ts';
import type { RuleSets } from '../../rules/compile/rule-set.ts';
import type { Send } from '../../rules/context.ts';
import { countingIds } from '../counting-ids.ts';
import { runSimulation } from '../run-simulation.ts';
import { type SimulationStep, Simulator } from '../simulator.ts';
import { decisionText, evidenceLines, formatMinute, plainLine, toTimeline } from '../timeline.ts';
import { type Case, DEFAULT_USER, type Expectation } from './parse-cases.ts';

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
export function compileCaseRules(data: CatalogData): RuleSets {
  const active = compileRuleSet(1, data);
  return { active, at: () => active };
}

/**
 * Runs a case from its first event to its end, and compares.
 * @param clock in ms, to measure how long it takes
 * @param maxMs longest time that it may take: it fails then
 */
export function runCase(
  rules: RuleSets,
  one: Case,
  clock: () => number,
  maxMs: number = Number.POSITIVE_INFINITY,
): CaseResult {
  const started = clock();
  const happened: SimulationStep[] = [];
  const failures: Failure[] = [];
  for (const step of simulateCase(rules, one)) {
    if (clock() - started > maxMs) {
      failures.push({
        line: one.line,
        message: `it takes more than ${maxMs} ms here; let it end earlier (until)`,
        evidence: [],
      });
      break;
    }
    happened.push(...step);
  }
  if (failures.length === 0) failures.push(...compare(one, happened.flatMap(listDecisions)));
  return {
    name: one.name,
    line: one.line,
    passed: failures.length === 0,
    ms: clock() - started,
    failures,
    timeline: failures.length === 0 ? [] : happened.flatMap(toTimeline).map(plainLine),
  };
}

function* simulateCase(rules: RuleSets, { profile, from, until, events }: Case): Generator<readonly SimulationStep[]> {
  const simulator = new Simulator(rules, countingIds());
  simulator.addUser(DEFAULT_USER, profile ?? {}, from);
  for (const { happened } of runSimulation(simulator, events, until)) yield happened;
}

/** A decision that was made in a case. */
export interface CaseDecision {
  readonly at: Millis;
  readonly user: string;
  readonly decision: Decision;
  readonly send: Send | undefined;
}

/**
 * Returns what is decided in a case, in order.
 * @param maxSteps times at which something happens, at most
 * @param maxMs longest time that it may take: what comes later is missing
 */
export function decideCase(rules: RuleSets, one: Case, maxSteps: number, maxMs: number): CaseDecision[] {
  const decided: CaseDecision[] = [];
  const end = performance.now() + maxMs;
  let left = maxSteps;
  for (const happened of simulateCase(rules, one)) {
    decided.push(...happened.flatMap(listDecisions));
    if (--left <= 0 || performance.now() > end) break;
  }
  return decided;
}

function listDecisions({ at, userId, decisions, sends }: SimulationStep): CaseDecision[] {
  return decisions.map((decision) => ({
    at,
    user: userId,
    decision,
    send: sends.find((send) => send.decision === decision),
  }));
}

function compare({ line, expect }: Case, all: readonly CaseDecision[]): Failure[] {
  const left = new Set(all);
  const failures: Failure[] = [];
  // The most specific expectations are matched first.
  for (const wanted of [...expect].sort((a, b) => Object.keys(b).length - Object.keys(a).length)) {
    const match = [...left].find((one) => listMismatches(wanted, one).length === 0);
    if (match) left.delete(match);
    else failures.push(buildFailure(wanted, [...left]));
  }
  for (const one of left) {
    if (one.decision.outcome !== 'send') continue;
    failures.push({
      line,
      message: `not expected: ${describeDecision(one)}`,
      evidence: evidenceLines(one.decision.evidence),
    });
  }
  return failures.sort((a, b) => a.line - b.line);
}

/** Returns the names of the parts in which a decision differs from the expected one; the first weigh most. */
function listMismatches(wanted: Expectation, { at, user, decision, send }: CaseDecision): string[] {
  const { type, outcome, because } = wanted;
  return [
    user === wanted.user || 'user',
    decision.notification_type === type || 'type',
    decision.outcome === outcome || 'outcome',
    wanted.at === undefined || at === wanted.at || 'at',
    because === undefined || decision.reason_code === because || 'because',
    wanted.data === undefined || containsValue(send?.data, wanted.data) || 'data',
    wanted.items === undefined || containsValue(send?.items, wanted.items) || 'items',
    wanted.total === undefined || send?.total === wanted.total || 'total',
  ].filter((miss) => miss !== true);
}

function buildFailure(wanted: Expectation, left: readonly CaseDecision[]): Failure {
  const { line, at, user, type, outcome, because } = wanted;
  const when = at === undefined ? '' : `${formatMinute(at)} `;
  const message = `expected: ${when}${user} ${type} ${outcome}${because ? ` because ${because}` : ''}`;
  const near = left
    .map((one) => ({ one, missed: listMismatches(wanted, one) }))
    .filter(({ missed }) => !missed.includes('type') && !missed.includes('user'))
    .sort((a, b) => a.missed.length - b.missed.length || distance(a.one, at) - distance(b.one, at));
  const closest = near[0];
  if (!closest) return { line, message, evidence: [] };
  const { one, missed } = closest;
  const differs = (['data', 'items', 'total'] as const)
    .filter((part) => missed.includes(part))
    .map((part) => `${part}: ${formatMasked(one.send?.[part])}, expected ${formatMasked(wanted[part])}`);
  return {
    line,
    message,
    closest: describeDecision(one),
    evidence: [...differs, ...evidenceLines(one.decision.evidence)],
  };
}

/** Returns the JSON text of a value, with addresses masked. */
function formatMasked(value: unknown): string {
  return JSON.stringify(maskDocument((value ?? null) as Json));
}

function distance({ at }: CaseDecision, wanted: Millis | undefined): number {
  return wanted === undefined ? 0 : Math.abs(at - wanted);
}

function describeDecision({ at, user, decision }: CaseDecision): string {
  return `${formatMinute(at)} ${user} ${decision.outcome} ${decisionText(decision)}`;
}

/** Returns whether the value holds everything wanted; objects may hold more. */
function containsValue(value: unknown, wanted: Json): boolean {
  if (typeof wanted !== 'object' || wanted === null) return isDeepStrictEqual(value, wanted);
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== Array.isArray(wanted)) return false;
  if (Array.isArray(wanted)) {
    return (
      (value as unknown[]).length === wanted.length &&
      wanted.every((item, i) => containsValue((value as Json[])[i], item))
    );
  }
  return Object.entries(wanted).every(
    ([key, item]) => Object.hasOwn(value, key) && containsValue((value as never)[key], item),
  );
}
