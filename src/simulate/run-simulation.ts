import type { Millis } from '../model/event.ts';
import type { DecidableEvent } from '../rules/decide-in-order.ts';
import type { SimulationStep, Simulator } from './simulator.ts';

/**
 * Runs a simulation to `until`, one step at a time. Events that arrive when something is due are ingested first: an event at
 * the very end of a span is within it.
 *
 * @param arrivals in order of arrival
 */
export function* runSimulation(
  simulator: Simulator,
  arrivals: readonly { readonly at: Millis; readonly event: DecidableEvent }[],
  until: Millis,
): Generator<{ readonly at: Millis; readonly happened: readonly SimulationStep[] }> {
  let next = 0;
  for (;;) {
    const arrival = arrivals[next]?.at ?? Number.POSITIVE_INFINITY;
    const due = simulator.nextDue() ?? Number.POSITIVE_INFINITY;
    const at = Math.min(arrival, due);
    if (at > until) break;
    if (due < arrival) {
      yield { at, happened: simulator.advance(due) };
      continue;
    }
    const batch: DecidableEvent[] = [];
    for (; arrivals[next]?.at === arrival; next++) batch.push(arrivals[next]!.event);
    yield { at, happened: simulator.ingest(batch, arrival) };
  }
  simulator.advance(until);
}
