import { CHANNELS, type Channel, FAULTS, type Fault } from './delivery.ts';

/** Dead letters: deliveries that ended without reaching the user because something failed. They are grouped by its reason. */

/** Reason that the dead letters of a group have in common. */
export interface DeadLetterGroup {
  readonly fault: Fault;
  readonly channel: Channel;
  /** Null: it failed before a provider was chosen. */
  readonly provider: string | null;
  /** Account of the tenant; null: that of the installation. */
  readonly account: string | null;
  readonly reasonCode: string;
  /** Code of the provider; null: it gave none. */
  readonly code: string | null;
}

/** Separator of the parts of a group as it is stored: `dead_letter_group` of the schema. */
const SEPARATOR = '\x1f';

/** Reads a group as it is stored; undefined: the text names no group. */
export function parseStoredGroup(stored: string): DeadLetterGroup | undefined {
  return toGroup(stored.split(SEPARATOR));
}

/** Returns a group as it is stored. */
export function toStoredGroup(group: DeadLetterGroup): string {
  return toParts(group).join(SEPARATOR);
}

/** Returns the id of a group: `FAULT:CHANNEL:PROVIDER:ACCOUNT:REASON_CODE:CODE`, each percent-encoded. */
export function formatGroupId(group: DeadLetterGroup): string {
  return toParts(group).map(encodeURIComponent).join(':');
}

/** Reads the id of a group; undefined: the text names no group. */
export function parseGroupId(id: string): DeadLetterGroup | undefined {
  try {
    const parts = id.split(':').map(decodeURIComponent);
    return parts.some((part) => part.includes(SEPARATOR) || part.includes('\0')) ? undefined : toGroup(parts);
  } catch {
    return undefined;
  }
}

function toParts({ fault, channel, provider, account, reasonCode, code }: DeadLetterGroup): string[] {
  return [fault, channel, provider ?? '', account ?? '', reasonCode, code ?? ''];
}

function toGroup(parts: readonly string[]): DeadLetterGroup | undefined {
  const [fault, channel, provider, account, reasonCode = '', code] = parts;
  if (parts.length !== 6 || !isOneOf(FAULTS, fault) || !isOneOf(CHANNELS, channel)) return undefined;
  return { fault, channel, provider: provider || null, account: account || null, reasonCode, code: code || null };
}

function isOneOf<T extends string>(values: readonly T[], value: string | undefined): value is T {
  return values.includes(value as T);
}

/** Reasons of dead letters that no retry can send: there is nothing left, or it is of no use. */
const FINAL_REASONS: ReadonlySet<string> = new Set(['notification_gone', 'expired']);

/** Whether a retry may send the dead letters of this reason. */
export function canRetry(reasonCode: string): boolean {
  return !FINAL_REASONS.has(reasonCode);
}
