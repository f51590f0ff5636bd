import type { Event, Millis } from '../../src/model/event.ts';
import {
  requiredForPlan,
  requiredHistory,
  requiredLimits,
  requiredLimitsOfOccurrence,
  requiredLimitsOfWait,
  requiredTraitHistory,
  requiredTraitWaits,
  requiredWaits,
} from '../../src/rules/compile/required-facts.ts';
import type { RuleSet, RuleSets } from '../../src/rules/compile/rule-set.ts';
import type { DecidableEvent } from '../../src/rules/decide-in-order.ts';
import { requiredFired, startedWaitIds } from '../../src/rules/evaluate/already-fired.ts';
import { addTraitChanges, findOpenChanges } from '../../src/rules/evaluate/trait-changes.ts';
import { type HistoryLookup, type LimitLookup, patternKey, type Wait } from '../../src/rules/facts.ts';
import { mergeEvent, mergeUse, newUserState, recordFired, type UserState } from '../../src/rules/user-state.ts';
import { countingIds } from '../../src/simulate/counting-ids.ts';
import { type DueOccurrence, type SimulationStep, Simulator } from '../../src/simulate/simulator.ts';

/**
 * A simulation that keeps its users as a database does: each batch knows of the past exactly what the rules declare that they need,
 * so a need that is not declared shows here as it would with a database.
 */
export class Memory extends Simulator {
  readonly #ids = countingIds();

  protected override loadState(userId: string, events: readonly DecidableEvent[], now: Millis): UserState {
    const all = this.users.get(userId)!;
    const { profile, terms, addressIds } = all;
    const user: UserState = { ...newUserState(userId), profile, terms, addressIds };
    for (const wait of all.waits.values()) if (wait.status === 'waiting') user.waits.set(wait.waitId, stored(wait));
    this.#loadAll(user, events, now);
    return user;
  }

  protected override loadStateForEmitted(user: UserState, events: readonly DecidableEvent[], now: Millis): void {
    this.#loadAll(user, events, now);
  }

  protected override loadStateForDue(
    userId: string,
    due: readonly Wait[],
    now: Millis,
    occurrence?: DueOccurrence,
  ): UserState {
    const user = this.loadState(userId, [], now);
    const limits = due.flatMap((wait) => requiredLimitsOfWait(this.rules.at(wait.catalogVersion), wait));
    this.#loadUses(user, requiredForPlan(this.rules.active, now));
    if (occurrence) {
      this.#loadWaits(user, [{ rule: occurrence.compiled.rule.name, key: '' }]);
      limits.push(...requiredLimitsOfOccurrence(occurrence.compiled, occurrence.due, userId));
    }
    this.#loadUses(
      user,
      limits.map(({ need }) => need),
    );
    return user;
  }

  protected override saveState(user: UserState, happened: readonly SimulationStep[]): void {
    const all = this.users.get(user.userId)!;
    all.profile = user.profile;
    all.terms = user.terms;
    all.addressIds = user.addressIds;
    for (const { cause, decisions } of happened) {
      if (cause.kind !== 'event') continue;
      const { key, eventId, time, type } = cause.event;
      mergeEvent(all, type, { key, eventId, time, event: cause.event });
      addTraitChanges(all, findOpenChanges(cause.event, decisions));
      recordFired(all, time, decisions);
    }
    for (const [limitKey, uses] of user.uses) for (const use of uses) mergeUse(all, limitKey, use);
    for (const wait of user.waits.values()) {
      const before = all.waits.get(wait.waitId);
      const after = { ...stored(wait), stored: wait.stored };
      // The queue knows the first.
      if (before) Object.assign(before, after);
      else all.waits.set(wait.waitId, after);
    }
  }

  #loadAll(user: UserState, events: readonly DecidableEvent[], now: Millis): void {
    this.#loadHistory(user, requiredTraitHistory(this.rules.active, user.profile, events));
    for (const event of events) this.#load(user, event, now);
    if (events.length > 0) this.#loadUses(user, requiredForPlan(this.rules.active, now));
  }

  #loadHistory(user: UserState, needs: readonly HistoryLookup[]): void {
    const all = this.users.get(user.userId)!;
    for (const need of needs) {
      if (need.kind === 'changes') {
        addTraitChanges(
          user,
          (all.openTraitChanges ?? []).filter(
            ({ trigger: { key, time } }) =>
              need.from <= time &&
              time <= need.to &&
              !user.openTraitChanges?.some(({ trigger }) => trigger.key === key),
          ),
        );
        continue;
      }
      const found = wholeEvents(all, need.type).filter((one) => need.from <= one.time && one.time <= need.to);
      if (need.kind === 'span') {
        for (const one of found) {
          const { key, eventId, time } = one;
          mergeEvent(user, need.type, { key, eventId, time, event: one, waitsFor: new Set() });
        }
      } else if (need.kind === 'latest') {
        const latest = found.sort((a, b) => b.time - a.time || (a.key < b.key ? 1 : -1))[0];
        if (latest) {
          mergeEvent(user, need.type, { key: latest.key, eventId: latest.eventId, time: latest.time });
        }
      } else {
        const earlier = wholeEvents(all, need.earlier);
        for (const trigger of found) {
          const isComplete = earlier.some(
            ({ key, time }) => key !== trigger.key && trigger.time - need.within <= time && time <= trigger.time,
          );
          if (!isComplete) {
            const { key, eventId, time } = trigger;
            const waitsFor = new Set([patternKey(need.earlier, need.within)]);
            mergeEvent(user, need.type, { key, eventId, time, event: trigger, waitsFor });
          }
        }
      }
    }
  }

  #load(user: UserState, event: DecidableEvent, now: Millis): void {
    const { active } = this.rules;
    const all = this.users.get(user.userId)!;
    this.#loadHistory(user, requiredHistory(active, event));
    for (const { from, to } of requiredFired(active, user, event)) {
      for (const [name, time] of all.firedAt ?? []) {
        if (from <= time && time <= to) user.firedAt = new Map([...(user.firedAt ?? []), [name, time]]);
      }
    }
    this.#loadWaits(user, requiredWaits(active, event, this.#ids));
    this.#loadWaits(user, requiredTraitWaits(active, user, event, this.#ids));
    for (const waitId of startedWaitIds(active, user, [event], this.#ids)) {
      const wait = all.waits.get(waitId);
      if (wait && !user.waits.has(waitId)) user.waits.set(waitId, stored(wait));
    }
    this.#loadUses(user, requiredLimits(active, event, this.#ids, now));
  }

  /** The latest twenty of each. */
  #loadWaits(user: UserState, needs: readonly { readonly rule: string; readonly key: string }[]): void {
    const all = [...this.users.get(user.userId)!.waits.values()];
    for (const { rule, key } of needs) {
      const found = all.filter((wait) => wait.rule === rule && wait.key === key);
      found.sort((a, b) => b.triggerTime - a.triggerTime || (a.waitId < b.waitId ? -1 : 1));
      for (const wait of found.slice(0, 20)) {
        if (!user.waits.has(wait.waitId)) user.waits.set(wait.waitId, stored(wait));
      }
    }
  }

  #loadUses(user: UserState, needs: readonly LimitLookup[]): void {
    for (const { limitKey, from, to } of needs) {
      for (const use of this.users.get(user.userId)!.uses.get(limitKey) ?? []) {
        if (from <= use.bucket && use.bucket <= to) mergeUse(user, limitKey, use);
      }
    }
  }
}

/** One version of the rules, from the beginning. */
export function only(rules: RuleSet): RuleSets {
  return { active: rules, at: () => rules };
}

function wholeEvents(user: UserState, type: string): Event[] {
  return (user.events.get(type)?.items ?? []).flatMap(({ event }) => (event ? [event] : []));
}

/** As JSON keeps it. */
function stored(wait: Wait): Wait {
  return { ...(JSON.parse(JSON.stringify(wait)) as Wait), stored: 'same' };
}
