import type { CatalogProblem } from '../../errors.ts';

/** The checks and their severities. Each is a row of docs/rules.md, and a test compares the two. */
export const CHECKS = {
  loop: 'error',
  reserved_event: 'error',
  no_postal_address: 'error',
  no_public_url: 'error',
  no_confirmation_link: 'error',
  bounded_loop: 'warning',
  unreachable_branch: 'warning',
  never_true: 'warning',
  unknown_value: 'warning',
  skipped_months: 'warning',
  date_at_midnight: 'warning',
  count_always: 'warning',
  count_never: 'warning',
  limit_never_binds: 'warning',
  endless_wait: 'warning',
  late_expiry: 'warning',
  own_trigger: 'warning',
  cancels_itself: 'warning',
  nothing_to_cancel: 'warning',
  undeclared_field: 'warning',
  footer_added: 'warning',
  unfilled_variable: 'warning',
  digest_template_missing: 'warning',
  unused_event: 'warning',
  unused_notification: 'warning',
  unused_group: 'warning',
  unused_zone: 'warning',
  unused_route: 'warning',
  unreachable_entry: 'warning',
  useless_weight: 'warning',
  route_gap: 'warning',
  unknown_account: 'warning',
  misspelled_account: 'error',
} as const;
export type CheckCode = keyof typeof CHECKS;

export type Severity = 'error' | 'warning';

/** A problem of a catalog. */
export interface Finding extends CatalogProblem {
  /** A catalog with an error is not applied. */
  readonly severity: Severity;
  /** Stable. `invalid` is a file that cannot be parsed. */
  readonly code: CheckCode | 'invalid';
}

/** Adds a finding at a part of the catalog, given as a path for the SourceLocator. */
export type Report = (code: CheckCode, path: readonly (string | number)[], message: string, hint?: string) => void;

/** Adds a finding at a place in a file. */
export type ReportAt = (
  code: CheckCode,
  place: Pick<Finding, 'file' | 'line' | 'column'>,
  message: string,
  hint?: string,
) => void;

/** Returns the problems of files that cannot be loaded or parsed as findings. */
export function toInvalidFindings(problems: readonly CatalogProblem[]): Finding[] {
  return problems.map((problem) => ({ ...problem, severity: 'error', code: 'invalid' }));
}
