import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentUuid } from '../src/events/content.ts';
import type { Event, JsonObject } from '../src/model/event.ts';
import { only } from './support/memory.ts';
import { runs } from './support/properties.ts';
import { DAY, HOUR, rulesOf } from './support/random-catalog.ts';
import { type DrawnEvent, drawnEvent, someTimedRules, toEvent } from './support/random-rules.ts';
import { someSaid, someTerms } from './support/random-terms.ts';
import { onTerms } from './support/replay.ts';
import { memoryOf, simulatorOf } from './support/simulation.ts';

type Player = ReturnType<typeof simulatorOf>;
type Step = ReturnType<Player['advance']>[number];

test('a simulator that loads only the facts that rules declare decides as one that knows everything', () => {
  fc.assert(
    fc.property(someTimedRules, fc.array(drawnEvent, { minLength: 2, maxLength: 8 }), (rules, events) => {
      const sets = only(rulesOf(rules));
      const whole = runLate(simulatorOf(sets), events);
      expect(runLate(memoryOf(sets), events)).toEqual(whole);
    }),
    runs(3000),
  );
});

test('it decides the same on what users say, and on the terms of the tenant', () => {
  let withPlan = 0;
  const stated = fc.record({
    time: drawnEvent.map(({ time }) => time),
    late: fc.constantFrom(0, 0, 1, HOUR, DAY),
    what: someSaid,
  });
  const scenario = [
    someTimedRules,
    fc.array(fc.oneof(drawnEvent, stated), { minLength: 2, maxLength: 10 }),
    someTerms,
  ] as const;
  fc.assert(
    fc.property(...scenario, (rules, events, terms) => {
      const sets = only(onTerms(rulesOf(rules), terms));
      const whole = runLate(simulatorOf(sets), events);
      withPlan += whole.filter(({ decisions }) => decisions.some(({ evidence }) => evidence.plan)).length;
      expect(runLate(memoryOf(sets), events)).toEqual(whole);
    }),
    runs(1500),
  );
  expect(withPlan).toBeGreaterThan(100);
});

/** Something that is said of the user, beside what happens. */
interface StatedEvent extends Pick<DrawnEvent, 'time' | 'late'> {
  readonly what: { readonly type: string; readonly properties: JsonObject; readonly traits: JsonObject };
}

function toAny(one: DrawnEvent | StatedEvent, place: number): Event {
  if (!('what' in one)) return toEvent(one, place);
  const { userId } = toEvent({ ...PLAIN, time: one.time }, place);
  const eventId = `stated ${place}`;
  return { tenantId: '', userId, eventId, key: contentUuid(eventId), time: one.time, ...one.what };
}

const PLAIN: DrawnEvent = { type: 'a', time: 0, late: 0, k: null, n: null, t: null, plan: null };

/** Each event arrives as late as it says, and then time goes on until nothing is waiting. */
function runLate(simulator: Player, events: readonly (DrawnEvent | StatedEvent)[]) {
  const all = events.map((one, place) => ({ event: toAny(one, place), at: one.time + one.late }));
  const steps: Step[] = [];
  for (const at of [...new Set(all.map((one) => one.at))].sort((a, b) => a - b)) {
    steps.push(...simulator.advance(at - 1));
    steps.push(
      ...simulator.ingest(
        all.filter((one) => one.at === at).map(({ event }) => event),
        at,
      ),
    );
  }
  steps.push(...simulator.advance(Math.max(...all.map(({ at }) => at)) + 40 * DAY));
  return steps.map(({ at, decisions, sends }) => ({
    at,
    decisions,
    sends: sends.map(({ rule: _, ...send }) => send),
  }));
}
