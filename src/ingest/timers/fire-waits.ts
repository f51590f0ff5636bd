import type pg from 'pg';
import { groupBy } from '../../lib/group-by.ts';
import { requiredLimitsOfWait } from '../../rules/compile/required-facts.ts';
import { compareByDueTime, type Wait } from '../../rules/facts.ts';
import { listTouched } from '../../rules/waits/concerns.ts';
import { commit } from '../../store/batch.ts';
import { CpuBudget, type CpuLimits } from '../bounds/cpu-budget.ts';
import { loadWaitsOf } from '../concerned-waits.ts';
import { listPlanLookups, loadLimitUses, loadOpenWaits } from '../load-facts.ts';
import {
  beginLocked,
  decideEmitted,
  type LockedTransaction,
  loadWaitCatalogs,
  type TransactionParts,
  writeAndAnnounce,
} from '../transaction.ts';

/** The due waits of users, for one transaction. */
export interface DueWaits {
  readonly tenantId: string;
  readonly userIds: readonly string[];
  /** Only so many, those due longest; absent: all. */
  readonly max?: number;
  /** Only the waits with these ids; absent: all that are not held back after a failure. */
  readonly only?: ReadonlySet<string>;
  /** Whether to look up if the events that rules emit are stored already. */
  readonly checkDuplicates: boolean;
}

/**
 * Fires the waits of these users that are due, in order of due time, in one transaction. A wait that another worker fired
 * meanwhile, or that an event cancelled, is no longer open and is skipped.
 * @throws CpuBudgetError when deciding takes more CPU time than the limits allow
 * @returns the number of waits that were due, up to `max`
 */
export async function fireDueWaits(
  parts: TransactionParts,
  connection: pg.PoolClient,
  asked: DueWaits,
  limits: CpuLimits,
): Promise<number> {
  const budget = new CpuBudget(limits);
  const { transaction, due } = await beginDue(parts, connection, asked, budget);
  const { cohorts, facts, decider } = transaction;
  if (due.length === 0) {
    await commit(connection);
    return 0;
  }
  const needs = due.flatMap((wait) => requiredLimitsOfWait(decider.getWaitRules(wait), wait));
  const userIds = [...new Set(due.map(({ userId }) => userId))];
  const ofPlan = listPlanLookups(cohorts, userIds, decider.batch.now);
  await loadLimitUses(connection, facts, asked.tenantId, [...needs, ...ofPlan]);
  for (let left: readonly Wait[] = due; left.length > 0; ) {
    const fired = await decider.fireWaitsWithin(budget, left);
    await decideEmitted(transaction, fired.emitted);
    left = fired.left;
  }
  await writeAndAnnounce(parts, transaction);
  return due.length;
}

/** Ends the due waits of a user without firing them, with failed decisions; returns their number. */
export async function setAsideDueWaits(
  parts: TransactionParts,
  connection: pg.PoolClient,
  asked: DueWaits,
): Promise<number> {
  const { transaction, due } = await beginDue(parts, connection, asked);
  if (due.length === 0) {
    await commit(connection);
    return 0;
  }
  transaction.decider.setAsideWaits(due);
  await writeAndAnnounce(parts, transaction);
  return due.length;
}

/** Locks the users and loads their due waits. */
async function beginDue(
  parts: TransactionParts,
  connection: pg.PoolClient,
  { tenantId, userIds, max, only, checkDuplicates }: DueWaits,
  budget?: CpuBudget,
) {
  const request = { tenantId, userIds, events: [], checkDuplicates };
  const transaction = await beginLocked(parts, connection, request, budget);
  const { facts, decider } = transaction;
  const open = await loadOpenWaits(connection, facts, { tenantId, userIds, needs: [] });
  const { now } = decider.batch;
  const due = open
    .filter(
      ({ dueAt, heldUntil, waitId }) => dueAt <= now && !(heldUntil && heldUntil > now) && (!only || only.has(waitId)),
    )
    .sort(compareByDueTime)
    .slice(0, max);
  if (due.length > 0) {
    const unreadable = await loadWaitCatalogs(transaction);
    const broken = unreadable && due.find(({ catalogVersion }) => unreadable.has(catalogVersion));
    if (broken) {
      const cause = unreadable.get(broken.catalogVersion);
      throw new Error(`its catalog version ${broken.catalogVersion} cannot be read`, { cause });
    }
    await loadCancelled(transaction, due);
  }
  return { transaction, due };
}

/** Loads the waits that the rules of these due waits cancel, of users who have more than are always loaded. */
async function loadCancelled(transaction: LockedTransaction, due: readonly Wait[]): Promise<void> {
  const { facts, decider } = transaction;
  if (facts.cutWaits.size === 0) return;
  for (const [userId, waits] of groupBy(due, (wait) => wait.userId)) {
    const rules = waits.map((wait) => decider.getWaitRules(wait).byName.get(wait.rule));
    await loadWaitsOf(transaction, userId, listTouched(rules.filter((rule) => rule !== undefined)));
  }
  await loadWaitCatalogs(transaction);
}
