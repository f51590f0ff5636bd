/** Begins the event ids of the notifications of a batch; its id and the line follow. */
export const BATCH_EVENT = 'batch:';

/** Why a delivery waits whose batch was paused. */
export const BATCH_PAUSED = 'batch_paused';

/**
 * `draft`: it takes lines in. `finished`: each recipient is final. A cancelled batch may still have recipients whose messages
 * are being sent.
 */
export const BATCH_STATES = ['draft', 'running', 'paused', 'cancelled', 'finished'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/** Users that a batch asks for beside its lines: members of a list, or those of a segment. */
export type BatchAudience = { readonly list: string } | { readonly segment: string };

/**
 * `pending`: the batch has not started. `reading`: they become lines, a page at a time. `done`: all of them are lines. `cut`:
 * there are more than a batch may have. `gone`: the list was deleted before all were read.
 */
export const SOURCE_STATES = ['pending', 'reading', 'done', 'cut', 'gone'] as const;
export type SourceState = (typeof SOURCE_STATES)[number];

/** Progress of a batch with its audience. */
export interface BatchSource {
  readonly audience: BatchAudience;
  readonly state: SourceState;
  /** Lines that it has become. */
  readonly found: number;
  /** The id of the user that was read last; '': none. */
  readonly after: string;
  /** Condition of the segment, as the catalog had it at the start. */
  readonly condition?: string;
}

/** Whether users of an audience are still to become lines. */
export function isReading(source: BatchSource | null): boolean {
  return source?.state === 'pending' || source?.state === 'reading';
}

/** States of a recipient with a notification that is not final. */
export const OPEN_STATES = ['accepted', 'held', 'scheduled'] as const;

/** States in which a recipient stays. */
export const FINAL_STATES = [
  'sent',
  'folded',
  'dropped',
  'failed',
  'in_doubt',
  'cancelled',
  'rejected',
  'duplicate',
  'empty',
] as const;

/** States of a line of a batch. */
export const RECIPIENT_STATES = ['pending', ...OPEN_STATES, ...FINAL_STATES] as const;
export type RecipientState = (typeof RECIPIENT_STATES)[number];

/** Recipients by state; a state without any may be absent. `pending` follows from the number of lines. */
export type RecipientCounts = { readonly [state in RecipientState]?: number };

/** Recipients by reason code within a state. */
export type CodeCounts = { readonly [state: string]: { readonly [code: string]: number } };

/** Codes that are counted apart within a state; the others are counted together, as `other`. */
const MAX_CODES = 30;
const OTHER_CODES = 'other';

/** A change of one recipient, as far as counts matter. */
export interface RecipientChange {
  /** Null: the line is new, or was pending. */
  readonly from: RecipientState | null;
  /** The code that it had while it was held; null or absent: none. */
  readonly fromCode?: string | null;
  readonly to: RecipientState;
  readonly code: string | null;
}

/** Counts the changes of recipients. Codes are those of final states, and of what is held as long as it is. */
export function countChanges(
  counts: RecipientCounts,
  codes: CodeCounts,
  changes: readonly RecipientChange[],
): { readonly counts: RecipientCounts; readonly codes: CodeCounts } {
  const states: { [state in RecipientState]?: number } = { ...counts };
  const byState: { [state: string]: { [code: string]: number } } = {};
  for (const [state, known] of Object.entries(codes)) byState[state] = { ...known };
  for (const { from, fromCode = null, to, code } of changes) {
    if (from !== null) states[from] = (states[from] ?? 0) - 1;
    states[to] = (states[to] ?? 0) + 1;
    if (from === 'held' && fromCode !== null) removeCode(byState, from, fromCode);
    if (code === null || !(isFinal(to) || to === 'held')) continue;
    byState[to] ??= {};
    const known = byState[to];
    const name = code in known || Object.keys(known).length < MAX_CODES ? code : OTHER_CODES;
    known[name] = (known[name] ?? 0) + 1;
  }
  return { counts: states, codes: byState };
}

function removeCode(byState: { [state: string]: { [code: string]: number } }, state: string, code: string): void {
  const known = byState[state];
  const name = known && code in known ? code : OTHER_CODES;
  if (!known || known[name] === undefined) return;
  known[name] -= 1;
  if (known[name] === 0) delete known[name];
  if (Object.keys(known).length === 0) delete byState[state];
}

/** Returns the number of lines that are counted: all but those that are pending. */
export function sumCounts(counts: RecipientCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Returns how many recipients have a notification that is not final. */
export function countOpen(counts: RecipientCounts): number {
  return OPEN_STATES.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

function isFinal(state: RecipientState): boolean {
  return (FINAL_STATES as readonly string[]).includes(state);
}
