import type pg from 'pg';
import { getAddressHash } from '../../model/direct.ts';
import type { Millis } from '../../model/event.ts';
import { requiredForPlan, requiredLimitsOfOccurrence } from '../../rules/compile/required-facts.ts';
import { listTouched } from '../../rules/waits/concerns.ts';
import { toWaitId } from '../../rules/waits/wait.ts';
import { commit } from '../../store/batch.ts';
import { CpuBudget, type CpuLimits } from '../bounds/cpu-budget.ts';
import { loadWaitsOf } from '../concerned-waits.ts';
import { loadLimitUses, loadOpenWaits, loadWaitsWithIds } from '../load-facts.ts';
import {
  beginLocked,
  decideEmitted,
  loadWaitCatalogs,
  type TransactionParts,
  writeAndAnnounce,
} from '../transaction.ts';

/** An occurrence of a scheduled rule. */
export interface Occurrence {
  readonly tenantId: string;
  /** Rule name. */
  readonly rule: string;
  readonly due: Millis;
  /** The due time as local time; a user has one occurrence for each. */
  readonly label: string;
}

/**
 * Runs an occurrence of a scheduled rule for these users, in one transaction. Does nothing but `save` if the active catalog
 * no longer has the rule.
 * @param save records the progress through the audience in the same transaction
 * @param checkDuplicates whether to look up if the events that rules emit are stored already
 * @param limits undefined: the occurrence of each user becomes a wait that is due, and the timer fires it
 * @throws CpuBudgetError when deciding takes more CPU time than the limits allow
 * @returns the number of users in the audience
 */
export async function runSchedule(
  parts: TransactionParts,
  connection: pg.PoolClient,
  { tenantId, rule: name, due, label }: Occurrence,
  userIds: readonly string[],
  save: (connection: pg.PoolClient) => Promise<void>,
  checkDuplicates: boolean,
  limits: CpuLimits | undefined,
): Promise<number> {
  const budget = limits && new CpuBudget(limits);
  const request = { tenantId, userIds, events: [], checkDuplicates };
  const transaction = await beginLocked(parts, connection, request, budget);
  const { catalog, facts, decider } = transaction;
  await save(connection);
  const rule = catalog.rules.byName.get(name);
  if (!rule?.rule.every) {
    await commit(connection);
    return 0;
  }
  const caps = requiredForPlan(catalog.rules, decider.batch.now);
  const needs = userIds.flatMap((userId) => [
    ...requiredLimitsOfOccurrence(rule, due, userId),
    ...caps.map((need) => ({ userId, need })),
  ]);
  await loadLimitUses(connection, facts, tenantId, needs);
  await loadOpenWaits(connection, facts, { tenantId, userIds, needs: [] });
  const occurrences = [...facts.users.values()].map((user) => {
    return { userId: user.userId, waitId: toWaitId({ user, ids: facts.ids }, name, label) };
  });
  await loadWaitsWithIds(connection, facts, tenantId, occurrences);
  for (const userOf of facts.cutWaits.keys()) await loadWaitsOf(transaction, userOf, listTouched([rule]));
  await loadWaitCatalogs(transaction);
  // Users who are known by an address alone were named by a request: no schedule is about them.
  const audience = userIds.filter((userId) => getAddressHash(userId) === undefined);
  const emitted = decider.runSchedule(rule, audience, due, label, budget);
  await decideEmitted(transaction, emitted);
  await writeAndAnnounce(parts, transaction);
  return decider.batch.waits.filter(({ wait }) => wait.kind === 'every').length;
}
