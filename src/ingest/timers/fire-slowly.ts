import { CpuBudgetError } from '../bounds/cpu-budget.ts';

/** Waits of one user in one transaction, in turn: as many as there are, then fewer where they take too long together. */
const WAITS_AT_ONCE = [Number.POSITIVE_INFINITY, 100, 10, 1];

/** Transactions about one user that may take too long before all that is left is set aside. */
const MAX_FAILURES = 24;

/** The two transactions of a user's due waits. Each handles the waits that are due longest, at most `max`. */
export interface DueWaitsOfUser {
  /** Fires them. Returns how many were due. @throws CpuBudgetError when that takes too long */
  fire(max: number): Promise<number>;
  /** Ends them without firing: with a failed decision that says that they were too costly. Returns how many there were. */
  setAside(max: number): Promise<number>;
}

/**
 * Fires the due waits of a costly user, in as many transactions as it takes. A wait that is too costly alone is
 * set aside, so that it is never tried for ever.
 */
export async function fireSlowly({ fire, setAside }: DueWaitsOfUser): Promise<void> {
  let level = 0;
  let failures = 0;
  for (;;) {
    const max = WAITS_AT_ONCE[level] as number;
    try {
      if ((await fire(max)) < max) return;
    } catch (error) {
      if (!(error instanceof CpuBudgetError)) throw error;
      if (++failures >= MAX_FAILURES) {
        await setAside(Number.POSITIVE_INFINITY);
        return;
      }
      if (max > 1) level++;
      else await setAside(1);
    }
  }
}
