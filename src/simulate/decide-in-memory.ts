/**
 * The loop over generations of emitted events, for callers that hold everything in memory. Ingest has its own loop, which
 * loads facts from the database between two generations.
 */

import {
  type DecidableEvent,
  type DecisionInputs,
  decideInOrder,
  type EmittedEvent,
  type EventStep,
  fireWaitsInOrder,
  type WaitStep,
} from '../rules/decide-in-order.ts';
import type { Wait } from '../rules/facts.ts';

/** Users in memory, and how the events that rules emit reach them. */
export interface InMemory extends DecisionInputs {
  /** Returns the emitted events that are new, after adding the facts that they require to the user states. */
  admit(emitted: readonly EmittedEvent[]): readonly DecidableEvent[];
}

/** Decides events, then the events that rules emit because of them, until no rule emits another. */
export function decideAll(memory: InMemory, events: readonly DecidableEvent[]): readonly EventStep<DecidableEvent>[] {
  if (events.length === 0) return [];
  const { steps, emitted } = decideInOrder(memory, events);
  return emitted.length === 0 ? steps : [...steps, ...decideAll(memory, memory.admit(emitted))];
}

/** Fires waits in order of due time. The events that one of them emits are decided before the next one fires. */
export function fireAll(memory: InMemory, due: readonly Wait[]): (WaitStep | EventStep<DecidableEvent>)[] {
  const all: (WaitStep | EventStep<DecidableEvent>)[] = [];
  for (let next = due; next.length > 0; ) {
    const { steps, emitted, left } = fireWaitsInOrder(memory, next);
    all.push(...steps, ...decideAll(memory, memory.admit(emitted)));
    next = left;
  }
  return all;
}
