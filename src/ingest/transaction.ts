import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import { TidingsError, tenantMoving } from '../errors.ts';
import { type ReceivedEvent, withPostedAddresses } from '../events/envelope.ts';
import type { Millis } from '../model/event.ts';
import { decided } from '../observe/happenings.ts';
import type { Seal } from '../privacy/seal.ts';
import type { RuleSet } from '../rules/compile/rule-set.ts';
import type { Ids } from '../rules/facts.ts';
import { writeBatch } from '../store/batch.ts';
import { TASKS_CHANNEL } from '../store/connectors/tasks.ts';
import { DELIVERIES_CHANNEL } from '../store/deliveries/delivery-queue.ts';
import {
  type FactRows,
  type FactsQuery,
  loadFacts,
  lockAndLoadFacts,
  snapshotAndLoadFacts,
} from '../store/facts/facts.ts';
import { loadTraitTimes } from '../store/facts/trait-times.ts';
import { OUTBOX_CHANNEL } from '../store/kafka/outbox.ts';
import type { Announcer } from '../store/pg/announcer.ts';
import { isTransient } from '../store/pg/errors.ts';
import type { Statement } from '../store/pg/pipeline.ts';
import { isSameActive } from '../store/releases/active-version.ts';
import { loadTenantStatus } from '../store/tenants/tenant-state.ts';
import { TIMERS_CHANNEL } from '../store/waits/waits.ts';
import { AddressChanges } from '../users/addresses.ts';
import type { CpuBudget } from './bounds/cpu-budget.ts';
import { type Cohorts, toCohorts } from './cohorts.ts';
import { loadWaitsConcernedBy } from './concerned-waits.ts';
import { BatchDecider } from './decide-batch.ts';
import { newIds } from './ids.ts';
import {
  buildFacts,
  buildFactsQuery,
  type Facts,
  type FactsRequest,
  leaveOutWaits,
  loadAddresses,
  loadConditionalFacts,
  mergeRows,
  mergeTraitTimes,
} from './load-facts.ts';
import { splitDuplicates } from './results.ts';

/** A transaction that holds the locks of its users. It is open until `writeAndAnnounce`, or `commit` of store/batch.ts. */
export interface LockedTransaction {
  readonly connection: pg.PoolClient;
  readonly request: FactsRequest;
  readonly catalogs: CatalogCache;
  /** Users by the catalog version that decides about them in this transaction. */
  readonly cohorts: Cohorts;
  readonly query: FactsQuery;
  /** The rows that answer `query`. */
  readonly rows: FactRows;
  readonly facts: Facts;
  readonly decider: BatchDecider;
  /** Bound of the CPU time for deciding; undefined: it is not measured. */
  readonly budget: CpuBudget | undefined;
}

export interface TransactionParts {
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly clock: () => Millis;
  readonly announcer: Announcer;
}

/**
 * Upper bound (ms) between building the facts query and taking the decision time. Locks may delay the decision; the query
 * must already cover limits up to then. Longer than `Timeouts.query`.
 */
const MAX_DECISION_DELAY_MS: Millis = 300_000;

/** Begins a transaction, locks the users, and loads the facts that the active catalogs require for the events. */
export function beginLocked(
  parts: TransactionParts,
  connection: pg.PoolClient,
  asked: Omit<FactsRequest, 'ids'>,
  budget?: CpuBudget,
): Promise<LockedTransaction> {
  return begin(parts, connection, asked, lockAndLoadFacts, budget);
}

/**
 * As `beginLocked`, on a snapshot and without locks, for what is only tried: nothing can be written, and no event of the users waits.
 */
export function beginReadOnly(
  parts: Omit<TransactionParts, 'announcer'>,
  connection: pg.PoolClient,
  asked: Omit<FactsRequest, 'ids'>,
  budget: CpuBudget,
): Promise<LockedTransaction> {
  return begin(parts, connection, asked, snapshotAndLoadFacts, budget);
}

async function begin(
  { catalogs, seal, clock }: Omit<TransactionParts, 'announcer'>,
  connection: pg.PoolClient,
  asked: Omit<FactsRequest, 'ids'>,
  beginAndLoad: typeof lockAndLoadFacts,
  budget: CpuBudget | undefined,
): Promise<LockedTransaction> {
  const { tenantId, userIds } = asked;
  const ids = newIds(seal);
  let actives = await catalogs.getActives(tenantId);
  let cohorts = toCohorts(actives);
  let request = toFactsRequest(asked, ids, cohorts);
  let query = buildFactsQuery(cohorts, request, clock() + MAX_DECISION_DELAY_MS);
  let rows = await beginAndLoad(connection, query);
  if (rows.active.version === 0) await requireTenant(connection, tenantId);
  while (!isSameActive(rows.active, actives.active)) {
    // Another process applied or released a catalog: its rules may require other facts.
    actives = await catalogs.setActive(tenantId, rows.active);
    cohorts = toCohorts(actives);
    request = toFactsRequest(asked, ids, cohorts);
    query = buildFactsQuery(cohorts, request, clock() + MAX_DECISION_DELAY_MS);
    rows = await loadFacts(connection, query);
  }
  const facts = buildFacts({ tenantId, seal, ids }, userIds, rows);
  for (const { catalog, has } of cohorts.all) {
    if (!catalog.rules.comparesAddresses) continue;
    for (const [userId, user] of facts.users)
      if (has(userId)) user.addressIds = { byKind: facts.addressHashes.get(userId) ?? {} };
  }
  const addresses = new AddressChanges(tenantId, facts.addressHashes, seal);
  // Taken after the locks: of two decisions about a user the later one has the later time, whichever processes made them.
  const now = clock();
  const decider = new BatchDecider(now, cohorts, facts, addresses);
  return { connection, request, catalogs, cohorts, query, rows, facts, decider, budget };
}

/**
 * Checks that the tenant of a transaction with locked users is there: one whose process was frozen may begin long after its
 * request was admitted. Its catalogs are deleted first, or hidden, so only a tenant without one is looked up.
 * @throws TidingsError `tenant_suspended` if it was deleted, or is being deleted; `tenant_moving`
 */
async function requireTenant(connection: pg.PoolClient, tenantId: string): Promise<void> {
  const status = await loadTenantStatus(connection, tenantId);
  if (status === 'moving') throw tenantMoving();
  if (status !== null && status !== 'deleting') return;
  throw new TidingsError('tenant_suspended', 'The tenant was deleted meanwhile; nothing was stored.');
}

/** If a catalog reads addresses of users, the events of its users have them as posted. */
function toFactsRequest(asked: Omit<FactsRequest, 'ids'>, ids: Ids, cohorts: Cohorts): FactsRequest {
  const reading = cohorts.all.filter(({ catalog }) => catalog.rules.readsEventAddresses);
  if (reading.length === 0) return { ...asked, ids };
  const isRead = (userId: string) => reading.some(({ has }) => has(userId));
  return { ...asked, ids, events: asked.events.map((one) => (isRead(one.userId) ? withPostedAddresses(one) : one)) };
}

/**
 * Loads the facts that are still missing for these events, and decides them.
 * @param query the one that the other facts of the events were loaded with
 * @returns the events that rules emitted
 */
export async function decideEvents(
  transaction: LockedTransaction,
  query: FactsQuery,
  events: readonly ReceivedEvent[],
): Promise<readonly ReceivedEvent[]> {
  const { connection, cohorts, facts, decider, budget } = transaction;
  for (const cohort of cohorts.all) {
    const own = cohort.pick(events);
    if (own.length > 0) await loadConditionalFacts(connection, cohort, query, facts, own);
  }
  if (facts.cutWaits.size > 0) {
    const activeOf = (userId: string) => cohorts.of(userId).catalog.rules;
    await loadWaitsConcernedBy(transaction, activeOf, (version) => readRules(transaction, version), events);
  }
  await loadWaitCatalogs(transaction);
  mergeTraitTimes(facts, await loadTraitTimes(connection, query.tenantId, decider.conflictingTraits(events)));
  return budget ? decider.decideWithin(budget, events) : decider.decide(events);
}

/**
 * Decides events that rules emitted, and those that rules emit because of them, until no rule emits another. An emitted
 * event that is stored already was decided when it was stored, and is skipped.
 * @param isNew whether an event is still to be decided; absent: what is not stored is
 */
export async function decideEmitted(
  transaction: LockedTransaction,
  emitted: readonly ReceivedEvent[],
  isNew: (event: ReceivedEvent) => boolean = () => true,
): Promise<void> {
  const { connection, request, cohorts, facts, decider } = transaction;
  for (let events = emitted.filter(isNew); events.length > 0; ) {
    const userIds = [...new Set(events.map(({ userId }) => userId))];
    const query = buildFactsQuery(cohorts, { ...request, userIds, events }, decider.batch.now);
    const rows = await loadFacts(connection, query);
    mergeRows(facts, rows);
    const further = await decideEvents(transaction, query, splitDuplicates(events, rows).fresh);
    events = further.filter(isNew);
  }
}

/** Returns the rules of a catalog version; undefined: it cannot be read. */
async function readRules(
  { catalogs, request, decider }: LockedTransaction,
  version: number,
): Promise<RuleSet | undefined> {
  const known = decider.versions.get(version);
  if (known) return known.rules;
  try {
    return (await catalogs.getVersion(request.tenantId, version)).rules;
  } catch (error) {
    if (isTransient(error)) throw error;
    return undefined;
  }
}

/** Writes what was decided, and `beside`, commits, and then wakes the workers. */
export async function writeAndAnnounce(
  { announcer, clock }: TransactionParts,
  { connection, decider }: LockedTransaction,
  beside?: readonly Statement[],
): Promise<void> {
  if (clock() <= decider.batch.now) await passInstant(clock, decider.batch.now);
  const batch = decider.buildBatch();
  const { hasDeliveries, timersDue, hasTasks, hasMessages } = await writeBatch(connection, batch, beside);
  if (decided.hasSubscribers)
    decided.publish({ tenantId: batch.tenantId, at: batch.now, events: batch.events, waits: batch.waits });
  if (hasDeliveries) announcer.announce(DELIVERIES_CHANNEL);
  if (timersDue !== null) announcer.announce(TIMERS_CHANNEL, timersDue);
  if (hasTasks) announcer.announce(TASKS_CHANNEL);
  if (hasMessages) announcer.announce(OUTBOX_CHANNEL);
}

/** Looks at a clock that does not go on, at most. */
const MAX_LOOKS = 3;

/**
 * Waits until the clock is past the time of a decision, while the locks of its users are held: what is decided about them next
 * then has a later time, and a replay has the order of both. Hardly ever waits: a transaction takes longer than a millisecond.
 */
async function passInstant(clock: () => Millis, now: Millis): Promise<void> {
  for (let looks = 0; looks < MAX_LOOKS && clock() <= now; looks++) await sleep(1);
}

/**
 * Makes the catalogs under which the loaded waits were created available to the decider; and the addresses of the users, if
 * one of these catalogs reads them. Waits whose catalog version cannot be read are left out of what the rules know of the user.
 * @returns the versions that cannot be read, each with the error; undefined: all can
 */
export async function loadWaitCatalogs(
  transaction: LockedTransaction,
): Promise<ReadonlyMap<number, unknown> | undefined> {
  const { connection, catalogs, request, facts, decider } = transaction;
  let unreadable: Map<number, unknown> | undefined;
  for (const { waits } of facts.users.values()) {
    for (const { catalogVersion: version } of waits.values()) {
      if (decider.versions.has(version) || unreadable?.has(version)) continue;
      try {
        decider.versions.set(version, await catalogs.getVersion(request.tenantId, version));
      } catch (error) {
        if (isTransient(error)) throw error;
        unreadable ??= new Map();
        unreadable.set(version, error);
      }
    }
  }
  if (unreadable) leaveOutWaits(facts, (version) => unreadable.has(version));
  for (const { rules } of decider.versions.values()) {
    if (!rules.readsUserAddresses) continue;
    await loadAddresses(connection, facts);
    break;
  }
  return unreadable;
}
