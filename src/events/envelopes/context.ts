import type { JsonObject } from '../../model/event.ts';
import { maskText } from '../../privacy/mask.ts';

/** A context with more characters of JSON is not read as a whole: rules and templates see its KEPT members. */
const MAX_READABLE_CHARS = 8 * 1024;

/** Bound of a correlation id that can be searched, and of a kept member, in UTF-16 units. */
const MAX_KEPT_CHARS = 256;

const KEPT = ['correlation_id', 'causation_id', 'source', 'emitted_by'];

/** Returns what rules and templates read as `context`. The same for the same context, so that a backtest reads the same. */
export function toReadableContext(context: JsonObject, size = JSON.stringify(context).length): JsonObject {
  if (size <= MAX_READABLE_CHARS) return context;
  const kept = KEPT.flatMap((name) => {
    const value = context[name];
    return typeof value === 'string' && value.length <= MAX_KEPT_CHARS ? [[name, value] as const] : [];
  });
  return Object.fromEntries(kept);
}

/** Returns the text by which a correlation id is stored and searched; null without one. Addresses in it are masked. */
export function toCorrelation(id: unknown): string | null {
  return typeof id === 'string' && id !== '' ? maskText(id).slice(0, MAX_KEPT_CHARS).toWellFormed() : null;
}

/** Returns the context of an event that a rule emits: that of its trigger, with the rule and the cause. */
export function toEmittedContext(trigger: JsonObject | undefined, causedBy: string, rule: string): JsonObject {
  return { ...trigger, causation_id: causedBy, emitted_by: rule };
}
