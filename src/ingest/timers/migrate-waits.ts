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
  /** The catalog version that is active, and has the waits now. */
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
 * Moves the open waits of a rule to the active catalog version, for these users, in one transaction. Changes nothing if the
 * active version has no such rule.
 */
export async function migrateWaits(
  parts: TransactionParts,
  connection: pg.PoolClient,
  { tenantId, rule }: { readonly tenantId: string; readonly rule: string },
  userIds: readonly string[],
): Promise<MigratedWaits> {
  const request = { tenantId, userIds, events: [], checkDuplicates: false };
  const transaction = await beginLocked(parts, connection, request);
  const { catalog, facts, decider } = transaction;
  const { version } = catalog;
  const compiled = catalog.rules.byName.get(rule);
  const all = await loadWaitsOfRule(connection, tenantId, rule, userIds);
  const lastUserId = all.at(-1)?.userId;
  const waits = attachOpened(
    facts,
    all.filter(({ catalogVersion }) => catalogVersion !== version),
  );
  if (!compiled || waits.length === 0) {
    await commit(connection);
    return { version, changed: 0, skipped: waits.length, lastUserId };
  }
  await loadWaitCatalogs(transaction);
  const history = waits.flatMap((wait) =>
    requiredHistoryOfWait(compiled, wait).map((need) => ({ userId: wait.userId, need })),
  );
  mergeRows(facts, await loadFacts(connection, { tenantId, userIds: [], events: [], history, limits: [] }));
  await loadSpanEvents(connection, facts, catalog, history);
  waits.sort(compareByDueTime);
  const changed: Wait[] = [];
  for (let from = 0; from < waits.length; from += WAITS_PER_SLICE) {
    changed.push(...decider.migrateWaits(waits.slice(from, from + WAITS_PER_SLICE)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writeAndAnnounce(parts, transaction);
  return { version, changed: changed.length, skipped: waits.length - changed.length, lastUserId };
}
