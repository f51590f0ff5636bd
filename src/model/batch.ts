/** Begins the event ids of the notifications of a batch; its id and the line follow. */
export const BATCH_EVENT = 'batch:';

/** Why a delivery waits whose batch was paused. */
export const BATCH_PAUSED = 'batch_paused';

/**
 * `draft`: it takes lines in. `finished`: each recipient is final. A cancelled batch may still have recipients whose messages are being
 * sent.
 */
export const BATCH_STATES = ['draft', 'running', 'paused', 'cancelled', 'finished'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/** States of a recipient with a notification that is not final. */
export const OPEN_STATES = ['accepted', 'held', 'scheduled'] as const;

/** States in which a recipient stays. */
export const FINAL_STATES = [
  'sent',
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
  readonly to: RecipientState;
  readonly code: string | null;
}

/** Counts the changes of recipients. What leaves a state has no code there. */
export function countChanges(
  counts: RecipientCounts,
  codes: CodeCounts,
  changes: readonly RecipientChange[],
): { readonly counts: RecipientCounts; readonly codes: CodeCounts } {
  const states: { [state in RecipientState]?: number } = { ...counts };
  const byState: { [state: string]: { [code: string]: number } } = {};
  for (const [state, known] of Object.entries(codes)) byState[state] = { ...known };
  for (const { from, to, code } of changes) {
    if (from !== null) states[from] = (states[from] ?? 0) - 1;
    states[to] = (states[to] ?? 0) + 1;
    if (code === null || !isFinal(to)) continue;
    byState[to] ??= {};
    const known = byState[to];
    const name = code in known || Object.keys(known).length < MAX_CODES ? code : OTHER_CODES;
    known[name] = (known[name] ?? 0) + 1;
  }
  return { counts: states, codes: byState };
}

/** Returns how many recipients have a notification that is not final. */
export function countOpen(counts: RecipientCounts): number {
  return OPEN_STATES.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

function isFinal(state: RecipientState): boolean {
  return (FINAL_STATES as readonly string[]).includes(state);
}
