import type pg from 'pg';
import { requiredHistoryOfWait } from '../../rules/compile/required-facts.ts';
import { compareByDueTime, type Wait } from '../../rules/facts.ts';
import { commit } from '../../store/batch.ts';
import { loadFacts } from '../../store/facts/facts.ts';
import { loadWaitsOfRule } from '../../store/waits/waits.ts';
import { attachOpened, loadSpanEvents, mergeRows } from '../load-facts.ts';
import { beginLocked, loadWaitCatalogs, type TransactionParts, writeAndAnnounce } from '../transaction.ts';

/** The outcome of migrating the waits of some users. */
export interface MigratedWaits {
  /** The catalog version that is active, and has the waits now; during a release, the one before. */
  readonly version: number;
  /** Waits that were moved; some have ended by it: the rule would not wait, or an event that came since ends them. */
  readonly changed: number;
  /** Waits left as they are: see `migrateWait`. */
  readonly skipped: number;
  /** The last user whose waits were loaded: a batch is bounded in bytes. Undefined: no user has waits of the rule. */
  readonly lastUserId: string | undefined;
}

/** Waits that are moved before others are served by the event loop. */
const WAITS_PER_SLICE = 50;

/**
 * Moves the open waits of a rule to the active catalog version, during a release to the one that decides about their user, for these
 * users, in one transaction. Changes nothing where that version has no such rule.
 */
export async function migrateWaits(
  parts: TransactionParts,
  connection: pg.PoolClient,
  { tenantId, rule }: { readonly tenantId: string; readonly rule: string },
  userIds: readonly string[],
): Promise<MigratedWaits> {
  const request = { tenantId, userIds, events: [], checkDuplicates: false };
  const transaction = await beginLocked(parts, connection, request);
  const { cohorts, facts, decider } = transaction;
  const { version } = cohorts.base.catalog;
  const catalogOf = (userId: string) => cohorts.of(userId).catalog;
  const all = await loadWaitsOfRule(connection, tenantId, rule, userIds);
  const lastUserId = all.at(-1)?.userId;
  const waits = attachOpened(
    facts,
    all.filter(({ userId, catalogVersion }) => catalogVersion !== catalogOf(userId).version),
  );
  const compiledOf = (userId: string) => catalogOf(userId).rules.byName.get(rule);
  if (!waits.some(({ userId }) => compiledOf(userId))) {
    await commit(connection);
    return { version, changed: 0, skipped: waits.length, lastUserId };
  }
  await loadWaitCatalogs(transaction);
  const history = waits.flatMap((wait) => {
    const compiled = compiledOf(wait.userId);
    return compiled ? requiredHistoryOfWait(compiled, wait).map((need) => ({ userId: wait.userId, need })) : [];
  });
  mergeRows(facts, await loadFacts(connection, { tenantId, userIds: [], events: [], history, limits: [] }));
  for (const cohort of cohorts.all) await loadSpanEvents(connection, facts, cohort, cohort.pick(history));
  waits.sort(compareByDueTime);
  const changed: Wait[] = [];
  for (let from = 0; from < waits.length; from += WAITS_PER_SLICE) {
    changed.push(...decider.migrateWaits(waits.slice(from, from + WAITS_PER_SLICE)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writeAndAnnounce(parts, transaction);
  return { version, changed: changed.length, skipped: waits.length - changed.length, lastUserId };
}
