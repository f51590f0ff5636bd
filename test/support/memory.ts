import type { Event, JsonObject, Millis } from '../../src/model.ts';
import { type Decided, decide, type NewUse } from '../../src/rules/decide.ts';
import { type KnownEvent, type PersonFacts, patternKey, remember, stranger } from '../../src/rules/facts.ts';
import { historyNeeds, limitNeeds, type RuleSet } from '../../src/rules/rule-set.ts';

/** One event and its verdicts. */
export interface Judged {
  readonly event: Event;
  readonly decided: Decided;
}

/**
 * The store, as far as `decide` sees it: a batch knows of the past exactly what the rules declared that they need, so a need
 * that is not declared shows here as it would with a database.
 */
export class Memory {
  readonly #rules: RuleSet;
  readonly #now: Millis;
  readonly #events: Event[] = [];
  readonly #uses: (NewUse & { userId: string })[] = [];
  #ids = 0;

  constructor(rules: RuleSet, now: Millis) {
    this.#rules = rules;
    this.#now = now;
  }

  /**
   * Decides one batch, in order of event time, and keeps what came of it.
   * @param traitsOf what is known of a person
   */
  batch(events: readonly Event[], traitsOf: (userId: string) => JsonObject = () => ({})): Judged[] {
    const people = new Map<string, PersonFacts>();
    for (const { userId } of events) {
      if (people.has(userId)) continue;
      people.set(userId, { ...stranger(userId), profile: { traits: traitsOf(userId), traitTimes: {} } });
    }
    for (const event of events) this.#load(people.get(event.userId) as PersonFacts, event);
    const results = [...events]
      .sort((a, b) => a.time - b.time)
      .map((event) => {
        const person = people.get(event.userId) as PersonFacts;
        return { event, decided: decide(this.#rules, person, event, this.#now, () => `id ${++this.#ids}`) };
      });
    for (const { event, decided } of results) {
      this.#events.push(event);
      this.#uses.push(...decided.uses.map((use) => ({ ...use, userId: event.userId })));
    }
    return results;
  }

  #load(person: PersonFacts, event: Event): void {
    const stored = this.#events.filter(({ userId }) => userId === event.userId);
    for (const need of historyNeeds(this.#rules, event.type, event.time)) {
      const found = stored.filter((one) => one.type === need.type && need.from <= one.time && one.time <= need.to);
      if (need.kind === 'latest') {
        const latest = found.sort((a, b) => b.time - a.time)[0];
        const list = person.known.get(need.type) ?? [];
        if (latest && !list.some(({ key }) => key === latest.key)) {
          remember(person, need.type, { key: latest.key, eventId: latest.eventId, time: latest.time });
        }
        continue;
      }
      for (const trigger of found) {
        const complete = stored.some(
          (one) =>
            one.type === need.earlier &&
            one.key !== trigger.key &&
            trigger.time - need.within <= one.time &&
            one.time <= trigger.time,
        );
        if (!complete) rememberWaiting(person, trigger, patternKey(need.earlier, need.within));
      }
    }
    for (const { limitKey, from, to } of limitNeeds(this.#rules, event)) {
      const list = person.uses.get(limitKey) ?? [];
      for (const use of this.#uses) {
        if (use.userId !== event.userId || use.limitKey !== limitKey || use.bucket < from || use.bucket > to) continue;
        if (!list.some(({ bucket, slot }) => bucket === use.bucket && slot === use.slot)) list.push(use);
      }
      person.uses.set(limitKey, list);
    }
  }
}

function rememberWaiting(person: PersonFacts, trigger: Event, pattern: string): void {
  const list = person.known.get(trigger.type);
  const at = list?.findIndex(({ key }) => key === trigger.key) ?? -1;
  const { key, eventId, time } = trigger;
  const waitsFor = new Set([...(list?.[at]?.waitsFor ?? []), pattern]);
  const known: KnownEvent = { key, eventId, time, event: trigger, waitsFor };
  if (list && at >= 0) list[at] = known;
  else remember(person, trigger.type, known);
}
