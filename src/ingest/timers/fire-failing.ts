import type pg from 'pg';
import type { Logger } from 'pino';
import { bisect } from '../../lib/bisect.ts';
import type { Millis } from '../../model/event.ts';
import { maskText } from '../../privacy/mask.ts';
import { isTransient } from '../../store/pg/errors.ts';
import { loadDueWaitIds, recordWaitFailure } from '../../store/waits/failed-waits.ts';
import { isoTime } from '../../time/iso-time.ts';
import { CpuBudgetError } from '../bounds/cpu-budget.ts';

/** The transactions of some due waits of a user, by id. Each ends all of them or throws. */
export interface FailingUser {
  readonly tenantId: string;
  readonly userId: string;
  /** @throws CpuBudgetError when that takes too long */
  fire(waitIds: ReadonlySet<string>): Promise<unknown>;
  /** Ends them without firing: with a failed decision that says that they were too costly. */
  endCostly(waitIds: ReadonlySet<string>): Promise<unknown>;
}

/** Due waits of one user that are looked at together, and how often; what is left is claimed again. */
const MAX_PAGE_WAITS = 200;
const MAX_PAGES = 10;

/** Characters of an error that are kept with the wait. */
const MAX_FAILURE_CHARS = 300;

/**
 * Fires the due waits of a user that fail together, down to one by one, so that none waits for another. One that
 * fails alone is tried again after a pause, and set aside after MAX_ATTEMPTS of store/waits/failed-waits.ts.
 * @throws the error of a database that cannot be reached
 */
export async function fireFailing(
  { pool, clock, log }: { readonly pool: pg.Pool; readonly clock: () => Millis; readonly log: Pick<Logger, 'error'> },
  { tenantId, userId, fire, endCostly }: FailingUser,
): Promise<void> {
  const fireAlone = async (waitId: string, error: unknown): Promise<[]> => {
    let failure = error;
    if (error instanceof CpuBudgetError) {
      try {
        await endCostly(new Set([waitId]));
        return [];
      } catch (another) {
        if (isTransient(another)) throw another;
        failure = another;
      }
    }
    await recordFailure(waitId, failure);
    return [];
  };

  const recordFailure = async (waitId: string, error: unknown): Promise<void> => {
    const failed = await recordWaitFailure(pool, { tenantId, userId, waitId }, toFailure(error), clock());
    if (!failed) return;
    const { rule, attempts, retryAt } = failed;
    const line = { err: error, tenant_id: tenantId, wait_id: waitId, rule, attempts };
    if (retryAt === null)
      log.error(
        line,
        'a wait could not be fired and is set aside: retry or dismiss it, see tidings waits list --set-aside',
      );
    else log.error({ ...line, retry_at: isoTime(retryAt) }, 'a wait could not be fired; will retry');
  };

  for (let page = 0; page < MAX_PAGES; page++) {
    const waitIds = await loadDueWaitIds(pool, { tenantId, userId }, clock(), MAX_PAGE_WAITS);
    if (waitIds.length === 0) return;
    await bisect(
      waitIds,
      async (some) => {
        await fire(new Set(some));
        return [];
      },
      (error) => !isTransient(error),
      fireAlone,
    );
    if (waitIds.length < MAX_PAGE_WAITS) return;
  }
}

/** Returns what is kept of an error: its name and message, without addresses. */
function toFailure(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return maskText(text).slice(0, MAX_FAILURE_CHARS);
}
