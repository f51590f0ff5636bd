import type { Millis } from '../model/event.ts';
import type { DecidableEvent } from '../rules/decide-in-order.ts';
import type { SimulationStep, Simulator } from './simulator.ts';

/**
 * Lets a world live from its first event to the end, one step at a time. What arrives in the moment in which something is
 * due comes first: an event at the very end of a span is within it.
 *
 * @param arrivals in order of arrival
 */
export function* runSimulation(
  world: Simulator,
  arrivals: readonly { readonly at: Millis; readonly event: DecidableEvent }[],
  until: Millis,
): Generator<{ readonly at: Millis; readonly happened: readonly SimulationStep[] }> {
  let next = 0;
  for (;;) {
    const arrival = arrivals[next]?.at ?? Number.POSITIVE_INFINITY;
    const due = world.nextDue() ?? Number.POSITIVE_INFINITY;
    const at = Math.min(arrival, due);
    if (at > until) break;
    if (due < arrival) {
      yield { at, happened: world.advance(due) };
      continue;
    }
    const batch: DecidableEvent[] = [];
    for (; arrivals[next]?.at === arrival; next++) batch.push(arrivals[next]!.event);
    yield { at, happened: world.ingest(batch, arrival) };
  }
  world.advance(until);
}
