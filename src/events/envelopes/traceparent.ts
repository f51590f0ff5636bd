import { jsonText } from '../content.ts';
import type { ReceivedEvent } from '../envelope.ts';

/**
 * Returns an event with the traceparent of its request in its context, unless the context has one. It is no part of the content:
 * a repetition from another trace is the same event.
 */
export function withTraceparent(event: ReceivedEvent, traceparent: string | undefined): ReceivedEvent {
  if (traceparent === undefined || event.context?.traceparent !== undefined) return event;
  const { contextText } = event;
  const added = jsonText({ traceparent });
  const isEmpty = contextText === null || contextText === '{}';
  return {
    ...event,
    context: { ...event.context, traceparent },
    contextText: isEmpty ? added : `${contextText.slice(0, -1)},${added.slice(1)}`,
  };
}
