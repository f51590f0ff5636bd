import fc from 'fast-check';
import { expect, test } from 'vitest';
import { only } from './support/memory.ts';
import { runs } from './support/properties.ts';
import { DAY, rulesOf } from './support/random-catalog.ts';
import { type DrawnEvent, drawnEvent, someTimedRules, toEvent } from './support/random-rules.ts';
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

/** Each event arrives as late as it says, and then time goes on until nothing is waiting. */
function runLate(simulator: Player, events: readonly DrawnEvent[]): unknown[] {
  const all = events.map((one, place) => ({ event: toEvent(one, place), at: one.time + one.late }));
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
