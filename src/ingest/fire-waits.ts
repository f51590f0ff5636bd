import type pg from 'pg';
import type { Wait } from '../rules/facts.ts';
import { requiredLimitsOfWait } from '../rules/required-facts.ts';
import { commit } from '../store/batch.ts';
import { loadLimitUses, loadOpenWaits } from './load-facts.ts';
import {
  beginLocked,
  decideEmitted,
  loadWaitCatalogs,
  type TransactionParts,
  writeAndAnnounce,
} from './transaction.ts';

/**
 * Fires the waits of these users that are due, in order of due time, in one transaction. A wait that another worker fired
 * meanwhile, or that an event cancelled, is no longer open and is skipped.
 * @param checkDuplicates whether to look up if the events that rules emit are stored already
 * @returns the number of waits that were due
 */
export async function fireDueWaits(
  parts: TransactionParts,
  connection: pg.PoolClient,
  tenantId: string,
  userIds: readonly string[],
  checkDuplicates: boolean,
): Promise<number> {
  const transaction = await beginLocked(parts, connection, { tenantId, userIds, events: [], checkDuplicates });
  const { facts, decider } = transaction;
  const open = await loadOpenWaits(connection, facts, { tenantId, userIds, needs: [] });
  const due = open.filter(({ dueAt }) => dueAt <= decider.batch.now);
  if (due.length === 0) {
    await commit(connection);
    return 0;
  }
  await loadWaitCatalogs(transaction);
  const limits = due.flatMap((wait) => requiredLimitsOfWait(decider.getWaitRules(wait), wait));
  await loadLimitUses(connection, facts, tenantId, limits);
  for (let left: readonly Wait[] = due; left.length > 0; ) {
    const fired = decider.fireWaits(left);
    await decideEmitted(transaction, fired.emitted);
    left = fired.left;
  }
  await writeAndAnnounce(parts, transaction);
  return due.length;
}
