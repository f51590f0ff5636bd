import { contentUuid } from '../../src/events/content.ts';
import type { Rule } from '../../src/model/catalog.ts';
import type { Event, JsonObject, Millis } from '../../src/model/event.ts';
import type { RuleSets } from '../../src/rules/compile/rule-set.ts';
import type { Send } from '../../src/rules/context.ts';
import { addEvent, newUserState, type UserState } from '../../src/rules/user-state.ts';
import { countingIds } from '../../src/simulate/counting-ids.ts';
import { type SimulationStep, Simulator } from '../../src/simulate/simulator.ts';
import { Memory, only } from './memory.ts';
import { BASE, type Given, plainRule, propertiesOf, rulesOf, traitsOf } from './random-catalog.ts';

/** An event of a story: its type, its time after BASE, and what it says. */
export type StoryEvent = readonly [type: string, after: Millis, properties?: JsonObject, traits?: JsonObject];

export interface Story {
  /** Posts events that become known together, `at` after BASE; returns the decisions as `RULE reason_code`. */
  post(at: Millis, ...events: readonly StoryEvent[]): string[];
  /** The same with the whole decisions. */
  steps(at: Millis, ...events: readonly StoryEvent[]): SimulationStep[];
  /** Lets time pass until `at` after BASE; returns the decisions as `RULE reason_code`. */
  advance(at: Millis): string[];
  /** The same with what is sent. */
  sends(at: Millis): Send[];
}

/** One user under these rules, in virtual time. */
export function tellStory(...rules: readonly (Partial<Rule> & Pick<Rule, 'name' | 'on'>)[]): Story {
  const simulator = new Simulator(only(rulesOf(rules.map(plainRule))), countingIds());
  let posted = 0;
  const steps: Story['steps'] = (at, ...events) =>
    simulator.ingest(
      events.map(([type, after, properties = {}, traits = {}]) => {
        const eventId = `event ${++posted}`;
        const key = contentUuid(eventId);
        return { tenantId: '', userId: 'u', eventId, key, type, time: BASE + after, properties, traits };
      }),
      BASE + at,
    );
  return {
    steps,
    post: (at, ...events) => summarize(steps(at, ...events)),
    advance: (at) => summarize(simulator.advance(BASE + at)),
    sends: (at) => simulator.advance(BASE + at).flatMap((step) => [...step.sends]),
  };
}

function summarize(steps: readonly SimulationStep[]): string[] {
  return steps.flatMap(({ decisions }) => decisions.map(({ rule, reason_code }) => `${rule} ${reason_code}`));
}

/** A simulator under these rules that remembers everything. */
export function simulatorOf(rules: readonly Rule[] | RuleSets): Simulator {
  return new Simulator(toRuleSets(rules), countingIds());
}

/** A simulator under these rules that remembers what the rules declare that they need. */
export function memoryOf(rules: readonly Rule[] | RuleSets): Memory {
  return new Memory(toRuleSets(rules), countingIds());
}

function toRuleSets(rules: readonly Rule[] | RuleSets): RuleSets {
  return 'active' in rules ? rules : only(rulesOf(rules));
}

/** A random event of user `given.user`, as the rules see it; the one at `place` of its run. */
export function eventOfGiven(given: Given, place: number): Event {
  return {
    tenantId: '',
    userId: String(given.user),
    eventId: `event ${place}`,
    key: contentUuid(String(place)),
    type: given.type,
    time: given.time,
    properties: propertiesOf(given),
    traits: traitsOf(given),
  };
}

/** A user whose events of these types are known. */
export function userKnowing(events: readonly Event[]): UserState {
  const user = newUserState('u');
  for (const event of events) {
    const { key, eventId, time } = event;
    addEvent(user, event.type, { key, eventId, time, event });
  }
  return user;
}

/** IDs that count up from 1. */
export function newIds(): ReturnType<typeof countingIds> {
  return countingIds();
}
