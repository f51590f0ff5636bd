import { getAddressHash } from '../../model/direct.ts';
import type { Millis } from '../../model/event.ts';
import type { CompiledRule } from '../../rules/compile/rule-set.ts';
import type { Ids } from '../../rules/facts.ts';
import type { UserState } from '../../rules/user-state.ts';
import { toWaitId } from '../../rules/waits/wait.ts';
import type { StoredHistory, StoredWait } from '../../store/replay.ts';
import { formatLocalTimeKey, nextOccurrence, resolveZone } from '../../time/calendar.ts';
import type { BacktestPlan } from './history.ts';

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
 * the candidate, each when it is due, or when it really ran where the past has the same one.
 */
export class Occurrences {
  readonly #plan: BacktestPlan;
  readonly #ids: Ids;
  /** Each ran when it ended: mostly when it began, or later, where it was left to the timer. */
  readonly #past: readonly PastOccurrence[];
  /** When each ran, by wait id. */
  readonly #ranAt: ReadonlyMap<string, Millis>;
  /** Time from which the user is known; a user has no occurrence before. */
  readonly #knownFrom: Millis;
  readonly #upcoming: UpcomingOccurrence[];
  #next = 0;

  constructor({ userId, waits, events }: StoredHistory, plan: BacktestPlan, start: Millis, ids: Ids) {
    const ran = waits.filter(({ kind }) => kind === 'every');
    const end = plan.candidate ? plan.since : plan.until;
    this.#plan = plan;
    this.#ids = ids;
    this.#past = ran
      .flatMap((wait) => (wait.endedAt === null ? [] : { ...wait, ranAt: wait.endedAt }))
      .filter(({ ranAt }) => ranAt >= start && ranAt < end)
      .sort((a, b) => a.ranAt - b.ranAt || a.dueAt - b.dueAt || (a.rule < b.rule ? -1 : 1));
    this.#ranAt = new Map(ran.map(({ waitId, beganAt, endedAt }) => [waitId, endedAt ?? beganAt]));
    // As in production, no schedule is about users who are known by an address alone.
    const isNamed = getAddressHash(userId) === undefined;
    this.#upcoming = (isNamed ? (plan.candidate?.scheduled ?? []) : []).map((compiled) => ({
      compiled,
      zone: '',
      occurrence: undefined,
    }));
    this.#knownFrom =
      this.#upcoming.length > 0 ? events.reduce((first, { receivedAt }) => Math.min(first, receivedAt), plan.until) : 0;
  }

  /** Returns the next occurrence; the same one until it is completed (`complete`). */
  next(user: UserState, now: Millis): Occurrence | undefined {
    const past = this.#past[this.#next];
    if (past) return this.#toPastOccurrence(past, user);
    let next: Occurrence | undefined;
    for (const upcoming of this.#upcoming) {
      const { rule } = upcoming.compiled;
      const zone = resolveZone(rule.zone, user.profile.traits);
      // A user who moves to another zone has occurrences by its clock from now on.
      if (zone !== upcoming.zone) {
        const after = Math.max(this.#plan.since, this.#knownFrom, now) - 1;
        Object.assign(upcoming, { zone, occurrence: this.#findNext(upcoming.compiled, user, zone, after) });
      }
      if (upcoming.occurrence && (!next || upcoming.occurrence.at < next.at)) next = upcoming.occurrence;
    }
    return next && { ...next, at: Math.max(next.at, now) };
  }

  complete(occurrence: Occurrence, user: UserState): void {
    const upcoming = this.#upcoming.find(({ compiled }) => compiled === occurrence.compiled);
    if (this.#past[this.#next]) this.#next++;
    else if (upcoming) upcoming.occurrence = this.#findNext(upcoming.compiled, user, upcoming.zone, occurrence.due);
  }

  #toPastOccurrence({ rule, catalogVersion, ranAt, dueAt }: PastOccurrence, user: UserState): Occurrence | undefined {
    const compiled = this.#plan.version(catalogVersion).byName.get(rule);
    if (!compiled)
      throw new Error(`catalog version ${catalogVersion} has no rule ${rule}, but the history has an occurrence of it`);
    const zone = resolveZone(compiled.rule.zone, user.profile.traits);
    const localTimeKey = formatLocalTimeKey(dueAt, zone, compiled.rule.every?.cron);
    return { at: ranAt, compiled, version: catalogVersion, due: dueAt, localTimeKey };
  }

  #findNext(compiled: CompiledRule, user: UserState, zone: string, after: Millis): Occurrence | undefined {
    const { rule } = compiled;
    const due = nextOccurrence(rule.every?.cron ?? '', zone, after);
    if (due === null || due >= this.#plan.until) return undefined;
    const localTimeKey = formatLocalTimeKey(due, zone, rule.every?.cron);
    const ranAt =
      this.#ranAt.size === 0 ? undefined : this.#ranAt.get(toWaitId({ user, ids: this.#ids }, rule.name, localTimeKey));
    return {
      at: ranAt ?? due,
      compiled,
      version: this.#plan.candidate?.version ?? 0,
      due,
      localTimeKey,
    };
  }
}

interface PastOccurrence extends StoredWait {
  readonly ranAt: Millis;
}

interface UpcomingOccurrence {
  readonly compiled: CompiledRule;
  /** The zone in which the next occurrence was looked up; empty: not yet. */
  zone: string;
  /** Undefined: no occurrence before the end. */
  occurrence: Occurrence | undefined;
}
