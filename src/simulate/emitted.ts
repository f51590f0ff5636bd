import { receivedOf } from '../events/emitted.ts';
import { isRejection } from '../events/envelope.ts';
import type { Event } from '../model.ts';
import type { Trigger } from '../rules/facts.ts';
import { emitFailed, type Verdicts } from '../rules/verdicts.ts';

/** An event as the rules take it; `depth` of one that a rule emitted. */
export type PlayedEvent = Event & Pick<Trigger, 'depth'>;

/** Emitted events as they would arrive; what cannot be is told beside the decisions. */
export function emittedEvents(
  userId: string,
  { decisions, emits }: Pick<Verdicts, 'decisions' | 'emits'>,
): PlayedEvent[] {
  return emits.flatMap((emitted): PlayedEvent[] => {
    const read = receivedOf('', userId, emitted);
    if (!isRejection(read)) return [read];
    decisions.push(emitFailed(emitted, read.message, decisions));
    return [];
  });
}
