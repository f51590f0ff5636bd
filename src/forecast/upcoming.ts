import { getAddressHash } from '../model/direct.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { CompiledRule } from '../rules/compile/rule-set.ts';
import type { ScheduleState } from '../store/waits/schedules.ts';
import { canonicalZone, formatLocalTimeKey, nextOccurrence, resolveZone } from '../time/calendar.ts';
import { latestMissed } from '../timers/latest-missed.ts';

/** An occurrence of a scheduled rule for one user. */
export interface UpcomingOccurrence {
  readonly compiled: CompiledRule;
  readonly due: Millis;
  /** The same as local time. */
  readonly localTimeKey: string;
}

interface Upcoming {
  readonly compiled: CompiledRule;
  /** Zone of `due`; empty: not looked up yet. */
  zone: string;
  /** Null: never again. */
  due: Millis | null;
}

/** The occurrences of scheduled rules for one user from now on, as the timer will run them. */
export class UpcomingOccurrences {
  readonly #userId: string;
  readonly #stored: ReadonlyMap<string, ScheduleState>;
  readonly #now: Millis;
  readonly #upcoming: readonly Upcoming[];

  /** @param stored the schedules of these rules in the zones of the user; one that is not stored yet begins now */
  constructor(userId: string, scheduled: readonly CompiledRule[], stored: readonly ScheduleState[], now: Millis) {
    this.#userId = userId;
    this.#stored = new Map(stored.map((one) => [toName(one), one]));
    this.#now = now;
    // No schedule is about users who are known by an address alone.
    const isNamed = getAddressHash(userId) === undefined;
    this.#upcoming = isNamed ? scheduled.map((compiled) => ({ compiled, zone: '', due: null })) : [];
  }

  /** Returns the next occurrence; the same one until it is completed. Undefined: there is no further one. @param traits of the user at `now` */
  next(traits: JsonObject, now: Millis): UpcomingOccurrence | undefined {
    let next: Upcoming | undefined;
    for (const one of this.#upcoming) {
      const zone = findZone(one.compiled, traits);
      // If a rule moves the user to another zone, the user has occurrences by its clock from then on.
      if (zone !== one.zone) Object.assign(one, { zone, due: this.#findFirst(one.compiled, zone, now) });
      if (one.due !== null && (!next || one.due < (next.due as Millis))) next = one;
    }
    if (!next) return undefined;
    const { compiled, zone, due } = next;
    return { compiled, due: due as Millis, localTimeKey: formatLocalTimeKey(due as Millis, zone, cronOf(compiled)) };
  }

  /** Moves the rule of an occurrence on to its next one. */
  complete({ compiled, due }: UpcomingOccurrence): void {
    const one = this.#upcoming.find((known) => known.compiled === compiled);
    if (one) one.due = nextOccurrence(cronOf(compiled), one.zone, due);
  }

  #findFirst(compiled: CompiledRule, zone: string, now: Millis): Millis | null {
    const cron = cronOf(compiled);
    const stored = this.#stored.get(toName({ rule: compiled.rule.name, zone, cron }));
    if (!stored || now > this.#now) return nextOccurrence(cron, zone, now);
    const { nextAt, cursor } = stored;
    // The occurrence is under way, and this user has had it.
    if (cursor !== null && cursor >= this.#userId) return nextOccurrence(cron, zone, nextAt);
    if (nextAt > now || cursor !== null) return nextAt;
    return latestMissed(nextOccurrence, stored, now);
  }
}

/** Returns the zone in which a rule is scheduled for a user with these traits. */
export function findZone({ rule }: CompiledRule, traits: JsonObject): string {
  return rule.zone === 'user' ? canonicalZone(resolveZone('user', traits)) : rule.zone;
}

function cronOf({ rule }: CompiledRule): string {
  return rule.every?.cron ?? '';
}

function toName({ rule, zone, cron }: Pick<ScheduleState, 'rule' | 'zone' | 'cron'>): string {
  return `${rule}\x1f${zone}\x1f${cron}`;
}
