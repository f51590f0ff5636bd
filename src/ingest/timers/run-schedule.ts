import type pg from 'pg';
import { getAddressHash } from '../../model/direct.ts';
import type { Millis } from '../../model/event.ts';
import { requiredLimitsOfOccurrence } from '../../rules/compile/required-facts.ts';
import type { CompiledRule } from '../../rules/compile/rule-set.ts';
import { listTouched } from '../../rules/waits/concerns.ts';
import { toWaitId } from '../../rules/waits/wait.ts';
import { commit } from '../../store/batch.ts';
import { canonicalZone, resolveZone } from '../../time/calendar.ts';
import { CpuBudget, type CpuLimits } from '../bounds/cpu-budget.ts';
import type { Cohort } from '../cohorts.ts';
import { loadWaitsOf } from '../concerned-waits.ts';
import { type Facts, listPlanLookups, loadLimitUses, loadOpenWaits, loadWaitsWithIds } from '../load-facts.ts';
import {
  beginLocked,
  decideEmitted,
  type LockedTransaction,
  loadWaitCatalogs,
  type TransactionParts,
  writeAndAnnounce,
} from '../transaction.ts';

/** An occurrence of a scheduled rule. */
export interface Occurrence {
  readonly tenantId: string;
  /** Rule name. */
  readonly rule: string;
  readonly cron: string;
  /** The zone that it is of. */
  readonly zone: string;
  readonly due: Millis;
  /** The due time as local time; a user has one occurrence for each. */
  readonly label: string;
}

/**
 * Runs an occurrence of a scheduled rule for these users, in one transaction. Does nothing but `save` if no active catalog
 * has the rule any longer.
 * @param save records the progress through the audience in the same transaction
 * @param checkDuplicates whether to look up if the events that rules emit are stored already
 * @param limits undefined: the occurrence of each user becomes a wait that is due, and the timer fires it
 * @throws CpuBudgetError when deciding takes more CPU time than the limits allow
 * @returns the number of users in the audience
 */
export async function runSchedule(
  parts: TransactionParts,
  connection: pg.PoolClient,
  occurrence: Occurrence,
  userIds: readonly string[],
  save: (connection: pg.PoolClient) => Promise<void>,
  checkDuplicates: boolean,
  limits: CpuLimits | undefined,
): Promise<number> {
  const { tenantId, rule: name, due, label } = occurrence;
  const budget = limits && new CpuBudget(limits);
  const request = { tenantId, userIds, events: [], checkDuplicates };
  const transaction = await beginLocked(parts, connection, request, budget);
  const { cohorts, facts, decider } = transaction;
  await save(connection);
  const audience = findAudience(transaction, occurrence, userIds);
  if (audience.length === 0) {
    await commit(connection);
    return 0;
  }
  const needs = [
    ...audience.flatMap(({ rule, userIds: own }) =>
      own.flatMap((userId) => requiredLimitsOfOccurrence(rule, due, userId)),
    ),
    ...listPlanLookups(cohorts, userIds, decider.batch.now),
  ];
  await loadLimitUses(connection, facts, tenantId, needs);
  await loadOpenWaits(connection, facts, { tenantId, userIds, needs: [] });
  const started = [...facts.users.values()].map((user) => {
    return { userId: user.userId, waitId: toWaitId({ user, ids: facts.ids }, name, label) };
  });
  await loadWaitsWithIds(connection, facts, tenantId, started);
  const touched = listTouched(audience.map(({ rule }) => rule));
  for (const userOf of facts.cutWaits.keys()) await loadWaitsOf(transaction, userOf, touched);
  await loadWaitCatalogs(transaction);
  const emitted = decider.runSchedule(audience, due, label, budget);
  await decideEmitted(transaction, emitted);
  await writeAndAnnounce(parts, transaction);
  return decider.batch.waits.filter(({ wait }) => wait.kind === 'every').length;
}

/** Users, and the rule by which their version has the occurrence. */
interface Audience {
  readonly rule: CompiledRule;
  readonly cohort: Cohort;
  readonly userIds: readonly string[];
}

/**
 * Returns the users that an occurrence may concern, by version. During a release, the rule of a version may have another pattern or
 * another zone: then this is not one of its occurrences.
 */
function findAudience(
  { cohorts, facts }: Pick<LockedTransaction, 'cohorts' | 'facts'>,
  { rule: name, cron, zone }: Occurrence,
  userIds: readonly string[],
): Audience[] {
  // Users who are known by an address alone were named by a request: no schedule is about them.
  const named = userIds.filter((userId) => getAddressHash(userId) === undefined);
  return cohorts.all.flatMap((cohort) => {
    const rule = cohort.catalog.rules.byName.get(name);
    if (!rule?.rule.every) return [];
    if (!cohorts.release) return [{ rule, cohort, userIds: named }];
    if (rule.rule.every.cron !== cron) return [];
    const isOf = (userId: string) => (rule.rule.zone === 'user' ? findZoneOf(facts, userId) : rule.rule.zone) === zone;
    const own = named.filter((userId) => cohort.has(userId) && isOf(userId));
    return own.length === 0 ? [] : [{ rule, cohort, userIds: own }];
  });
}

/** Returns the zone of a user as schedules have it. */
function findZoneOf({ users }: Facts, userId: string): string {
  return canonicalZone(resolveZone('user', users.get(userId)?.profile.traits ?? {}));
}
