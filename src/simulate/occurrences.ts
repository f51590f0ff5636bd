import type { Millis } from '../model/event.ts';
import type { Ids, UserState } from '../rules/facts.ts';
import type { CompiledRule } from '../rules/rule-set.ts';
import { toWaitId } from '../rules/waits/wait.ts';
import { formatLocalTimeKey, nextOccurrence, resolveZone } from '../time/calendar.ts';
import type { BacktestPlan, HistoricalWait, UserHistory } from './history.ts';

/** One occurrence of a scheduled rule for one user. */
export interface Occurrence {
  readonly at: Millis;
  readonly compiled: CompiledRule;
  readonly version: number;
  readonly due: Millis;
  /** Local time of the occurrence; a user has each local time once. */
  readonly localTimeKey: string;
}

/**
 * The occurrences of scheduled rules: those that ran, while the stored catalogs are active; from then on those of
 * the candidate, each when it is due, or when it was really taken where the past has the same one.
 */
export class Occurrences {
  readonly #plan: BacktestPlan;
  readonly #ids: Ids;
  readonly #taken: readonly HistoricalWait[];
  /** By id, when they were taken. */
  readonly #takenAt: ReadonlyMap<string, Millis>;
  /** Time from which the user is known; a user has no occurrence before. */
  readonly #knownFrom: Millis;
  readonly #coming: Coming[];
  #next = 0;

  constructor({ waits, events }: UserHistory, plan: BacktestPlan, start: Millis, ids: Ids) {
    const turns = waits.filter(({ kind }) => kind === 'every');
    const end = plan.candidate ? plan.since : plan.until;
    this.#plan = plan;
    this.#ids = ids;
    this.#taken = turns
      .filter(({ beganAt }) => beganAt >= start && beganAt < end)
      .sort((a, b) => a.beganAt - b.beganAt || a.dueAt - b.dueAt || (a.rule < b.rule ? -1 : 1));
    this.#takenAt = new Map(turns.map(({ waitId, beganAt }) => [waitId, beganAt]));
    this.#coming = (plan.candidate?.recurring ?? []).map((compiled) => ({ compiled, zone: '', turn: undefined }));
    this.#knownFrom =
      this.#coming.length > 0 ? events.reduce((first, { receivedAt }) => Math.min(first, receivedAt), plan.until) : 0;
  }

  /** The next one; until it is taken (`take`), the same. */
  next(user: UserState, now: Millis): Occurrence | undefined {
    const past = this.#taken[this.#next];
    if (past) return this.#again(past, user);
    let next: Occurrence | undefined;
    for (const coming of this.#coming) {
      const { rule } = coming.compiled;
      const zone = resolveZone(rule.zone, user.profile.traits);
      // A user who moves to another zone has occurrences by its clock from now on.
      if (zone !== coming.zone) {
        const after = Math.max(this.#plan.since, this.#knownFrom, now) - 1;
        Object.assign(coming, { zone, turn: this.#after(coming.compiled, user, zone, after) });
      }
      if (coming.turn && (!next || coming.turn.at < next.at)) next = coming.turn;
    }
    return next && { ...next, at: Math.max(next.at, now) };
  }

  complete(turn: Occurrence, user: UserState): void {
    const coming = this.#coming.find(({ compiled }) => compiled === turn.compiled);
    if (this.#taken[this.#next]) this.#next++;
    else if (coming) coming.turn = this.#after(coming.compiled, user, coming.zone, turn.due);
  }

  #again({ rule, catalogVersion, beganAt, dueAt }: HistoricalWait, user: UserState): Occurrence | undefined {
    const compiled = this.#plan.version(catalogVersion).byName.get(rule);
    if (!compiled) throw new Error(`catalog version ${catalogVersion} has no rule ${rule}, and it had its turn`);
    const label = formatLocalTimeKey(dueAt, resolveZone(compiled.rule.zone, user.profile.traits));
    return { at: beganAt, compiled, version: catalogVersion, due: dueAt, localTimeKey: label };
  }

  #after(compiled: CompiledRule, user: UserState, zone: string, after: Millis): Occurrence | undefined {
    const { rule } = compiled;
    const due = nextOccurrence(rule.every?.cron ?? '', zone, after);
    if (due === null || due >= this.#plan.until) return undefined;
    const label = formatLocalTimeKey(due, zone);
    const taken =
      this.#takenAt.size === 0 ? undefined : this.#takenAt.get(toWaitId({ user, ids: this.#ids }, rule.name, label));
    return { at: taken ?? due, compiled, version: this.#plan.candidate?.version ?? 0, due, localTimeKey: label };
  }
}

interface Coming {
  readonly compiled: CompiledRule;
  /** In which it was looked up; empty: not yet. */
  zone: string;
  /** Nothing: none before the end. */
  turn: Occurrence | undefined;
}
