import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { JsonObject } from '../../model/event.ts';

/* Variables, events and results of commands that send. */

/** Result for one recipient. */
export interface Result {
  readonly recipient: { readonly user_id?: string; readonly email?: string; readonly phone?: string };
  readonly state: string;
  readonly notification_id: string | null;
  readonly due_at?: string;
  readonly late?: true;
  readonly reason?: string;
  readonly channels?: { readonly [channel: string]: { readonly plan: string } };
}

/** Says what a value of `--var` is. */
export const VARIABLE_HELP = 'a value that is JSON is read as such, a text of digits is written "4711"';

/** Adds `name=value` to the variables; a value that is JSON is read as such. */
export function collectVariable(
  text: string,
  all: { readonly [name: string]: unknown } = {},
): { [name: string]: unknown } {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write it as name=value.');
  const value = text.slice(at + 1);
  return { ...all, [text.slice(0, at)]: readValue(value) };
}

function readValue(text: string): unknown {
  try {
    const value = JSON.parse(text);
    // A number with so many digits is an id, and would become another one.
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value;
  } catch {
    return text;
  }
}

export function formatResult(
  { recipient, state, notification_id, due_at, late, reason, channels }: Result,
  isDryRun: boolean,
): string {
  const who = recipient.user_id ?? recipient.email ?? recipient.phone ?? '';
  const planned = Object.entries(channels ?? {}).map(([channel, { plan }]) =>
    plan === 'go' ? channel : `${channel} (${plan})`,
  );
  const when = due_at !== undefined ? ` until ${due_at}` : late ? ' at once: its time was past' : '';
  const why = reason === undefined ? '' : `: ${reason}`;
  const via = planned.length === 0 ? '' : ` by ${planned.join(', ')}`;
  return `${who}  ${isDryRun ? 'would be ' : ''}${state}${when}${via}${why}${notification_id === null ? '' : `  ${notification_id}`}`;
}

/** Returns what an event has for a preview: other fields of its envelope have no part in it. */
export function readEvent(file: string): JsonObject {
  try {
    const event = JSON.parse(readFileSync(file, 'utf8')) as JsonObject | null;
    if (typeof event === 'object' && event !== null && !Array.isArray(event)) {
      const known = ['event_type', 'properties', 'user_traits'].filter((name) => event[name] !== undefined);
      return Object.fromEntries(known.map((name) => [name, event[name] ?? null]));
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw new InvalidArgumentError('The file cannot be read.');
  }
  throw new InvalidArgumentError('It must be a file with one event as JSON.');
}

/** Returns when something is to be sent, as a request says it: a time, or a local time in a zone. */
export function toSchedule(at: string, zone: string | undefined): unknown {
  return zone === undefined ? at : { local: at, zone };
}
