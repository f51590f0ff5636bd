import { toReceivedEvent } from '../events/emitted.ts';
import { isRejection } from '../events/envelope.ts';
import type { Event } from '../model/event.ts';
import { addEmitFailure, type Verdicts } from '../rules/context.ts';
import type { Trigger } from '../rules/facts.ts';

/** An event as the rules take it; `depth` of one that a rule emitted. */
export type PlayedEvent = Event & Pick<Trigger, 'depth'>;

/** Emitted events as they would arrive; what cannot be is said beside the decisions. */
export function emittedEvents(userId: string, verdicts: Verdicts): PlayedEvent[] {
  return verdicts.emits.flatMap((emitted): PlayedEvent[] => {
    const read = toReceivedEvent('', userId, emitted);
    if (!isRejection(read)) return [read];
    addEmitFailure(verdicts, emitted, read.message);
    return [];
  });
}
