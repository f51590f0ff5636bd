import { isHoldOver } from '../../model/hold-codes.ts';

interface Held {
  readonly hold_code: string | null;
  /** ISO 8601; null: it has ended, or is kept. */
  readonly due_at: string | null;
}

/** Returns what holds a delivery, for the end of its line: `  held: quiet_hours`; empty if nothing does, or the hold is over. */
export function formatHold({ hold_code: code, due_at: dueAt }: Held): string {
  if (code === null || (dueAt !== null && isHoldOver(code, Date.parse(dueAt), Date.now()))) return '';
  return `  held: ${code}`;
}
