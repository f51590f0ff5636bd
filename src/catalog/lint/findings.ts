import type { CatalogProblem } from '../../errors.ts';
import type { Rule } from '../../model/catalog.ts';

/** Each is a row of docs/rules.md; a test holds the two together. */
export const CHECKS = {
  loop: 'error',
  reserved_event: 'error',
  bounded_loop: 'warning',
  unreachable_branch: 'warning',
  never_true: 'warning',
  count_always: 'warning',
  count_never: 'warning',
  limit_never_binds: 'warning',
  endless_wait: 'warning',
  late_expiry: 'warning',
  own_trigger: 'warning',
  cancels_itself: 'warning',
  nothing_to_cancel: 'warning',
  posted_only: 'warning',
  undeclared_field: 'warning',
  unused_event: 'warning',
  unused_notification: 'warning',
  unused_group: 'warning',
  unused_zone: 'warning',
} as const;
export type CheckCode = keyof typeof CHECKS;

export type Severity = 'error' | 'warning';

export interface Finding extends CatalogProblem {
  /** A catalog with an error is not applied. */
  readonly severity: Severity;
  /** Stable. `invalid`: it cannot be read. */
  readonly code: CheckCode | 'invalid';
}

/** Tells one thing that was found, where it is written. */
export type Report = (code: CheckCode, path: readonly (string | number)[], message: string, hint?: string) => void;

/** The same of a place in a template. */
export type ReportAt = (
  code: CheckCode,
  at: Pick<Finding, 'file' | 'line' | 'column'>,
  message: string,
  hint?: string,
) => void;

/** The notification types that a rule may send. */
export function sentBy({ notify, choose = [], split = [] }: Rule): ReadonlySet<string> {
  return new Set([...notify, ...choose.flatMap((one) => one.notify), ...split.flatMap((one) => one.notify)]);
}
