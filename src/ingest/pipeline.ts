import type pg from 'pg';
import type { Logger } from 'pino';
import type { Catalog, CatalogCache } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import { isRejection, parseEvent, type ReceivedEvent, type Rejection } from '../events/envelope.ts';
import { bisect } from '../lib/bisect.ts';
import type { Decision } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Wait } from '../rules/facts.ts';
import { requiredLimitsOfOccurrence, requiredLimitsOfWait } from '../rules/required-facts.ts';
import { toWaitId } from '../rules/waits/wait.ts';
import { commit, writeBatch } from '../store/batch.ts';
import { type Facts, type FactsQuery, loadFacts, lockAndLoadFacts, refreshTraitTimes } from '../store/facts.ts';
import { isInvalidValueError, isItemError, isTransient, withTransactionRetry } from '../store/pg/database.ts';
import type { Partitions } from '../store/pg/partitions.ts';
import { quarantine } from '../store/rejected.ts';
import { loadWaitsById } from '../store/waits.ts';
import { AddressChanges } from '../users/addresses.ts';
import { MicroBatcher } from './batcher.ts';
import { BatchDecider } from './decide-batch.ts';
import { ids } from './ids.ts';
import {
  attachWaits,
  buildFactsQuery,
  EMPTY_FACTS_QUERY,
  loadConditionalFacts,
  loadOpenWaits,
  mergeFacts,
} from './load-facts.ts';
import { type EventResult, emptyResult, splitDuplicates, toRejectedResult, toResults } from './results.ts';

/**
 * The whole way of an event, top to bottom:
 *
 *   ingest       read ─▶ [ lock the people ─▶ load facts ─▶ decide ─▶ plan ─▶ write ]  ─▶ answer
 *   endDueWaits        ─▶ [ lock the people ─▶ load facts ─▶ end   ─▶ plan ─▶ write ]
 *   takeTurns          ─▶ [ lock the people ─▶ load facts ─▶ turn  ─▶ plan ─▶ write ]
 *
 * What stands in brackets is one transaction for a batch of up to MAX_BATCH events or people; an answer goes out after its
 * commit. src/ingest/load-facts.ts is its beginning: what the rules need to know; src/ingest/decide-batch.ts its middle: decide and plan, in
 * memory; src/ingest/results.ts its end: what became of each event. How what is written goes out is src/delivery/dispatch.ts.
 */
export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #batcher: MicroBatcher<unknown, EventResult>;
  /** Batches yet to come that look up whether their events are stored. */
  #duplicateCheckBatches = 0;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    // While PostgreSQL works for some, this process works for another.
    this.#batcher = new MicroBatcher((tenantId, items) => this.#processBatch(tenantId, items), {
      lanes: 4,
      maxBatch: MAX_BATCH_EVENTS,
      maxWaiting: parts.maxWaiting ?? 20_000,
      maxBytes: MAX_QUEUED_BYTES,
    });
  }

  /**
   * Takes in the items of one request; a result for each, in order. Throws `overloaded` or `unavailable`: send it again.
   * @param quarantineRejected what is refused goes to quarantine
   * @param bytes how large the request was
   */
  async ingest(
    tenantId: string,
    items: readonly unknown[],
    quarantineRejected = true,
    bytes = 0,
  ): Promise<EventResult[]> {
    const results = await this.#toUnavailable(() => this.#batcher.submit(tenantId, items, getUserId, bytes));
    if (quarantineRejected) await this.#toUnavailable(() => this.#quarantine(tenantId, items, results));
    return results;
  }

  /** One batch, read only now: what waits takes no more memory than its JSON. */
  async #processBatch(tenantId: string, items: readonly unknown[]): Promise<EventResult[]> {
    const read = await this.#readItems(tenantId, items);
    const events = read.filter((one): one is ReceivedEvent => !isRejection(one));
    const decided =
      events.length > 0
        ? await bisect(
            events,
            (some) => this.#decideBatch(tenantId, some),
            isItemError,
            (event, error) => [this.#rejectFailed(event, error)],
          )
        : [];
    let next = 0;
    return read.map((one, index) =>
      isRejection(one) ? toRejectedResult(items[index], one) : (decided[next++] as EventResult),
    );
  }

  async #readItems(tenantId: string, items: readonly unknown[]): Promise<(ReceivedEvent | Rejection)[]> {
    const { catalogs } = this.#parts;
    const { version, check } = await catalogs.active(tenantId);
    const read = items.map((item) => parseEvent(tenantId, item, check));
    if (!read.some((one) => isRejection(one) && one.code === 'schema_mismatch')) return read;
    // Another process may have applied a catalog that they fit.
    const latest = await catalogs.refresh(tenantId);
    return latest.version === version ? read : items.map((item) => parseEvent(tenantId, item, latest.check));
  }

  /** Resolves when everything taken in has been answered. */
  async drain(): Promise<void> {
    await this.#batcher.idle();
  }

  async #decideBatch(tenantId: string, events: readonly ReceivedEvent[]): Promise<readonly EventResult[]> {
    const { pool, partitions, clock } = this.#parts;
    await partitions.ensureEvents(
      events.map((event) => event.time),
      clock(),
    );
    return withTransactionRetry(pool, (connection, attempt) => {
      // Repeated events are rare: their keys refuse them, and only then are they looked up, for a while.
      if (attempt > 1) this.#duplicateCheckBatches = DUPLICATE_CHECK_BATCHES;
      return this.#decideInTransaction(connection, tenantId, events, this.#duplicateCheckBatches-- > 0);
    });
  }

  /** Nobody else's event has to wait for what is wrong with this one, or with us: it goes to quarantine. */
  #rejectFailed({ eventId }: ReceivedEvent, error: unknown): EventResult {
    const code = isInvalidValueError(error) ? 'invalid_content' : 'undecidable';
    if (code === 'undecidable')
      this.#parts.log.error({ err: error }, 'an event could not be decided: see the quarantine');
    return { ...emptyResult(eventId, 'rejected'), code, message: REJECTION_MESSAGES[code] };
  }

  async #decideInTransaction(
    connection: pg.PoolClient,
    tenantId: string,
    events: readonly ReceivedEvent[],
    checkDuplicates: boolean,
  ): Promise<EventResult[]> {
    const userIds = [...new Set(events.map((event) => event.userId))];
    const until = () => this.#parts.clock() + MAX_DECISION_DELAY_MS;
    const buildQuery = (catalog: Catalog) =>
      buildFactsQuery(catalog, tenantId, userIds, events, until(), checkDuplicates);
    const { catalog, facts, query } = await this.#beginLocked(connection, tenantId, buildQuery);
    // Only now: what is decided about a person later has a later time, in whichever process.
    const now = this.#parts.clock();
    const { standing, fresh } = splitDuplicates(events, facts);
    if (fresh.length === 0) {
      await commit(connection);
      return toResults(events, standing, new Map());
    }
    await loadConditionalFacts(connection, catalog, query, facts, fresh);
    const assembly = await this.#assembly(tenantId, now, catalog, facts);
    await refreshTraitTimes(connection, tenantId, assembly.conflictingTraits(fresh));
    await this.#decideEmitted(connection, assembly, catalog, facts, assembly.decide(fresh), checkDuplicates);
    await writeBatch(connection, assembly.buildBatch());
    const decided = new Map<string, readonly Decision[]>();
    for (const { event, decisions } of assembly.batch.events) decided.set(event.key, decisions);
    return toResults(events, standing, decided);
  }

  /**
   * Ends the waits of these people whose time has come, in order of due time. What another worker ended meanwhile, or an
   * event cancelled, is not there any more. Returns how many were ended.
   */
  async fireDueWaits(tenantId: string, userIds: readonly string[]): Promise<number> {
    const { pool, clock } = this.#parts;
    return withTransactionRetry(pool, async (connection, attempt) => {
      const now = clock();
      const users = { ...EMPTY_FACTS_QUERY, tenantId, userIds };
      const { catalog, facts } = await this.#beginLocked(connection, tenantId, () => users);
      const due = (await loadOpenWaits(connection, facts, { tenantId, userIds, needs: [] })).filter(
        ({ dueAt }) => dueAt <= now,
      );
      if (due.length === 0) {
        await commit(connection);
        return 0;
      }
      const assembly = await this.#assembly(tenantId, now, catalog, facts);
      const limits = due.flatMap((wait) => requiredLimitsOfWait(assembly.getWaitRules(wait), wait));
      if (limits.length > 0) mergeFacts(facts, await loadFacts(connection, { ...users, limits }));
      for (let left: readonly Wait[] = due; left.length > 0; ) {
        const ended = assembly.fireWaits(left);
        await this.#decideEmitted(connection, assembly, catalog, facts, ended.emitted, attempt > 1);
        left = ended.left;
      }
      await writeBatch(connection, assembly.buildBatch());
      return due.length;
    });
  }

  /**
   * A recurring rule's turn of these people.
   * @param label the moment as local time: nobody has the same one twice
   * @param save records how far the audience was gone through, in the same transaction
   * @returns how many were in the audience
   */
  async runSchedule(
    turn: { readonly tenantId: string; readonly rule: string; readonly due: Millis; readonly label: string },
    userIds: readonly string[],
    save: (connection: pg.PoolClient) => Promise<void>,
  ): Promise<number> {
    const { tenantId, rule: name, due, label } = turn;
    const { pool, clock } = this.#parts;
    return withTransactionRetry(pool, async (connection, attempt) => {
      const now = clock();
      const ask = (catalog: Catalog) => {
        const rule = catalog.rules.byName.get(name);
        const limits = rule ? userIds.flatMap((userId) => requiredLimitsOfOccurrence(rule, due, userId)) : [];
        return { ...EMPTY_FACTS_QUERY, tenantId, userIds, limits };
      };
      const { catalog, facts } = await this.#beginLocked(connection, tenantId, ask);
      await save(connection);
      const rule = catalog.rules.byName.get(name);
      if (!rule?.rule.every) {
        await commit(connection);
        return 0;
      }
      await loadOpenWaits(connection, facts, { tenantId, userIds, needs: [] });
      const turns = [...facts.users.values()].map((user) => {
        return { userId: user.userId, waitId: toWaitId({ user, ids }, name, label) };
      });
      attachWaits(facts, await loadWaitsById(connection, tenantId, turns));
      const assembly = await this.#assembly(tenantId, now, catalog, facts);
      const emitted = assembly.runSchedule(rule, userIds, due, label);
      await this.#decideEmitted(connection, assembly, catalog, facts, emitted, attempt > 1);
      await writeBatch(connection, assembly.buildBatch());
      return assembly.batch.waits.filter(({ wait }) => wait.kind === 'every').length;
    });
  }

  /** The recurring rules of the catalog in force. */
  async listSchedules(
    tenantId: string,
  ): Promise<{ version: number; rules: { name: string; cron: string; zone: string }[] }> {
    const { version, rules } = await this.#parts.catalogs.refresh(tenantId);
    const recurring = rules.recurring.flatMap(({ rule: { name, every, zone } }) =>
      every ? [{ name, cron: every.cron, zone }] : [],
    );
    return { version, rules: recurring };
  }

  /** Begins a transaction that has the people to itself, with the facts that the catalog in force asks for. */
  async #beginLocked(
    connection: pg.PoolClient,
    tenantId: string,
    ask: (catalog: Catalog) => FactsQuery,
  ): Promise<{ catalog: Catalog; facts: Facts; query: FactsQuery }> {
    let catalog = await this.#parts.catalogs.active(tenantId);
    let query = ask(catalog);
    let facts = await lockAndLoadFacts(connection, query);
    while (facts.catalogVersion !== catalog.version) {
      // Another process applied a catalog: its rules may need other facts.
      catalog = await this.#parts.catalogs.adopt(tenantId, facts.catalogVersion);
      query = ask(catalog);
      facts = await loadFacts(connection, query);
    }
    return { catalog, facts, query };
  }

  async #assembly(tenantId: string, now: Millis, active: Catalog, facts: Facts): Promise<BatchDecider> {
    const versions = new Map([[active.version, active]]);
    await this.#addVersions(versions, tenantId, facts);
    const reach = new AddressChanges(tenantId, facts.addressHashes, this.#parts.seal);
    return new BatchDecider(tenantId, now, { active, versions }, facts, reach, ids);
  }

  /** Every catalog that a wait of these people began with. */
  async #addVersions(versions: Map<number, Catalog>, tenantId: string, { users }: Facts): Promise<void> {
    for (const { waits } of users.values()) {
      for (const { catalogVersion: version } of waits.values()) {
        if (!versions.has(version)) versions.set(version, await this.#parts.catalogs.at(tenantId, version));
      }
    }
  }

  /**
   * Decides the events that rules emitted, and those that these make rules emit, until there are none.
   * @param lookUp whether their ids are taken already: then they are stored, and what comes of them was decided
   */
  async #decideEmitted(
    connection: pg.PoolClient,
    assembly: BatchDecider,
    catalog: Catalog,
    facts: Facts,
    emitted: readonly ReceivedEvent[],
    lookUp: boolean,
  ): Promise<void> {
    const { tenantId, now } = assembly.batch;
    for (let events = emitted; events.length > 0; ) {
      const userIds = [...new Set(events.map((event) => event.userId))];
      const query = buildFactsQuery(catalog, tenantId, userIds, events, now, lookUp);
      const more = await loadFacts(connection, query);
      mergeFacts(facts, more);
      events = splitDuplicates(events, more).fresh;
      await loadConditionalFacts(connection, catalog, query, facts, events);
      await this.#addVersions(assembly.versions, tenantId, facts);
      await refreshTraitTimes(connection, tenantId, assembly.conflictingTraits(events));
      events = assembly.decide(events);
    }
  }

  async #quarantine(tenantId: string, items: readonly unknown[], results: readonly EventResult[]): Promise<void> {
    const refused = results.flatMap((result, index) =>
      result.status === 'rejected' || result.status === 'conflict' ? [{ item: items[index], result }] : [],
    );
    if (refused.length === 0) return;
    const { pool, seal, clock } = this.#parts;
    await quarantine(pool, seal, tenantId, refused, clock());
  }

  /** A database that is away or too busy is no fault of the caller's or of the program: 503, and nothing was taken in. */
  async #toUnavailable<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error)) throw error;
      throw new TidingsError('unavailable', 'The events were not stored; send them again.', {
        retryAfter: 2,
        cause: error,
      });
    }
  }
}

export interface PipelineParts {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly partitions: Partitions;
  readonly seal: Seal;
  readonly clock: () => Millis;
  readonly log: Pick<Logger, 'error'>;
  /** Events that may wait to be decided before more are refused. */
  readonly maxWaiting?: number;
}

const REJECTION_MESSAGES = {
  invalid_content: 'This event holds a value that cannot be stored',
  undecidable: 'Deciding this event failed in our own code; it is kept, to be tried again when that is mended',
};

/** Bounds the advisory locks of a transaction and the memory of a statement. */
const MAX_BATCH_EVENTS = 1000;

/** Bodies of requests that wait at once; what they hold takes up to twenty times as much memory. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/**
 * A decision comes no later than this after its facts were asked for, which is before it is known when the people are free:
 * no answer is waited for so long (`Patience.answer`).
 */
const MAX_DECISION_DELAY_MS: Millis = 300_000;

/** After a repeated event, how many batches expect more of them. */
const DUPLICATE_CHECK_BATCHES = 100;

/** Whose turn an item waits for; it is not yet checked. */
function getUserId(item: unknown): string {
  const id = (item as { user_id?: unknown } | null)?.user_id;
  return typeof id === 'string' ? id : '';
}
