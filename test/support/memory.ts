import type { Event, Millis } from '../../src/model/event.ts';
import { begunWaits, toldNeeds } from '../../src/rules/already-fired.ts';
import {
  type LimitNeed,
  type PersonFacts,
  patternKey,
  rememberOnce,
  rememberTold,
  rememberUseOnce,
  stranger,
  type Wait,
} from '../../src/rules/facts.ts';
import { historyNeeds, limitNeeds, turnLimitNeeds, waitLimitNeeds, waitNeeds } from '../../src/rules/required-facts.ts';
import type { RuleSet, RuleSets } from '../../src/rules/rule-set.ts';
import { openChanges, rememberChanges } from '../../src/rules/trait-changes.ts';
import { countingIds } from '../../src/simulate/counting-ids.ts';
import { type DueTurn, type Happening, World, type WorldEvent } from '../../src/simulate/simulator.ts';

/**
 * A world that is kept as a database keeps it: each batch knows of the past exactly what the rules declare that they need,
 * so a need that is not declared shows here as it would with a database.
 */
export class Memory extends World {
  readonly #ids = countingIds();

  protected override recall(userId: string, events: readonly WorldEvent[], now: Millis): PersonFacts {
    const all = this.people.get(userId)!;
    const person: PersonFacts = { ...stranger(userId), profile: all.profile };
    for (const wait of all.waits.values()) if (wait.status === 'waiting') person.waits.set(wait.waitId, stored(wait));
    for (const event of events) this.#load(person, event, now);
    return person;
  }

  protected override recallMore(person: PersonFacts, events: readonly WorldEvent[], now: Millis): void {
    for (const event of events) this.#load(person, event, now);
  }

  protected override recallFor(userId: string, due: readonly Wait[], now: Millis, turn?: DueTurn): PersonFacts {
    const person = this.recall(userId, [], now);
    const limits = due.flatMap((wait) => waitLimitNeeds(this.rules.at(wait.catalogVersion), wait));
    if (turn) {
      this.#loadWaits(person, [{ rule: turn.compiled.rule.name, key: '' }]);
      limits.push(...turnLimitNeeds(turn.compiled, turn.due, userId));
    }
    this.#loadUses(
      person,
      limits.map(({ need }) => need),
    );
    return person;
  }

  protected override keep(person: PersonFacts, happened: readonly Happening[]): void {
    const all = this.people.get(person.userId)!;
    all.profile = person.profile;
    for (const { cause, decisions } of happened) {
      if (cause.kind !== 'event') continue;
      const { key, eventId, time, type } = cause.event;
      rememberOnce(all, type, { key, eventId, time, event: cause.event });
      rememberChanges(all, openChanges(cause.event, decisions));
      rememberTold(all, time, decisions);
    }
    for (const [limitKey, uses] of person.uses) for (const use of uses) rememberUseOnce(all, limitKey, use);
    for (const wait of person.waits.values()) {
      const before = all.waits.get(wait.waitId);
      const after = { ...stored(wait), stored: wait.stored };
      // The agenda knows the first.
      if (before) Object.assign(before, after);
      else all.waits.set(wait.waitId, after);
    }
  }

  #load(person: PersonFacts, event: WorldEvent, now: Millis): void {
    const { active } = this.rules;
    const all = this.people.get(person.userId)!;
    for (const need of historyNeeds(active, event)) {
      if (need.kind === 'changes') {
        rememberChanges(
          person,
          (all.changes ?? []).filter(
            ({ trigger: { key, time } }) =>
              need.from <= time && time <= need.to && !person.changes?.some(({ trigger }) => trigger.key === key),
          ),
        );
        continue;
      }
      const found = wholeEvents(all, need.type).filter((one) => need.from <= one.time && one.time <= need.to);
      if (need.kind === 'span') {
        for (const one of found) {
          const { key, eventId, time } = one;
          rememberOnce(person, need.type, { key, eventId, time, event: one, waitsFor: new Set() });
        }
      } else if (need.kind === 'latest') {
        const latest = found.sort((a, b) => b.time - a.time || (a.key < b.key ? 1 : -1))[0];
        if (latest) {
          rememberOnce(person, need.type, { key: latest.key, eventId: latest.eventId, time: latest.time });
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
            rememberOnce(person, need.type, { key, eventId, time, event: trigger, waitsFor });
          }
        }
      }
    }
    for (const { from, to } of toldNeeds(active, person, event)) {
      for (const [name, time] of all.told ?? []) {
        if (from <= time && time <= to) person.told = new Map([...(person.told ?? []), [name, time]]);
      }
    }
    this.#loadWaits(person, waitNeeds(active, event, this.#ids));
    for (const waitId of begunWaits(active, person, event, this.#ids)) {
      const wait = all.waits.get(waitId);
      if (wait && !person.waits.has(waitId)) person.waits.set(waitId, stored(wait));
    }
    this.#loadUses(person, limitNeeds(active, event, this.#ids, now));
  }

  /** The latest twenty of each. */
  #loadWaits(person: PersonFacts, needs: readonly { readonly rule: string; readonly key: string }[]): void {
    const all = [...this.people.get(person.userId)!.waits.values()];
    for (const { rule, key } of needs) {
      const found = all.filter((wait) => wait.rule === rule && wait.key === key);
      found.sort((a, b) => b.triggerTime - a.triggerTime || (a.waitId < b.waitId ? -1 : 1));
      for (const wait of found.slice(0, 20)) {
        if (!person.waits.has(wait.waitId)) person.waits.set(wait.waitId, stored(wait));
      }
    }
  }

  #loadUses(person: PersonFacts, needs: readonly LimitNeed[]): void {
    for (const { limitKey, from, to } of needs) {
      for (const use of this.people.get(person.userId)!.uses.get(limitKey) ?? []) {
        if (from <= use.bucket && use.bucket <= to) rememberUseOnce(person, limitKey, use);
      }
    }
  }
}

/** One version of the rules, from the beginning. */
export function only(rules: RuleSet): RuleSets {
  return { active: rules, at: () => rules };
}

function wholeEvents(person: PersonFacts, type: string): Event[] {
  return (person.known.get(type) ?? []).flatMap(({ event }) => (event ? [event] : []));
}

/** As JSON keeps it. */
function stored(wait: Wait): Wait {
  return { ...(JSON.parse(JSON.stringify(wait)) as Wait), stored: 'same' };
}
