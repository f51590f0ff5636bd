import type pg from 'pg';
import type { Logger } from 'pino';
import type { Catalog, Catalogs } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import { isRejection, type ReceivedEvent, type Rejection, readEvent } from '../events/envelope.ts';
import { byHalves } from '../lib/bisect.ts';
import type { Decision } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Wait } from '../rules/facts.ts';
import { turnLimitNeeds, waitLimitNeeds } from '../rules/required-facts.ts';
import { waitIdOf } from '../rules/wait.ts';
import { commit, writeBatch } from '../store/batch.ts';
import { confirmTraitTimes, type Facts, type FactsQuery, loadFacts, lockAndLoadFacts } from '../store/facts.ts';
import { isOfOneItem, isRefusedValue, isTransient, untilCommitted } from '../store/pg/database.ts';
import type { Partitions } from '../store/pg/partitions.ts';
import { quarantine } from '../store/rejected.ts';
import { loadWaitsById } from '../store/waits.ts';
import { Reach } from '../users/addresses.ts';
import { Lanes } from './batcher.ts';
import { Assembly } from './decide-batch.ts';
import { ids } from './ids.ts';
import { absorbAll, factsQuery, hand, loadMore, NOTHING_ASKED, take } from './load-facts.ts';
import { answersOf, type EventResult, emptyResult, rejected, sortOut } from './results.ts';

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
  readonly #lanes: Lanes<unknown, EventResult>;
  /** Batches yet to come that look up whether their events are stored. */
  #lookUps = 0;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    // While PostgreSQL works for some, this process works for another.
    this.#lanes = new Lanes((tenantId, items) => this.#takeIn(tenantId, items), {
      lanes: 4,
      maxBatch: MAX_BATCH,
      maxWaiting: parts.maxWaiting ?? 20_000,
      maxBytes: MAX_BYTES_WAITING,
    });
  }

  /**
   * Takes in the items of one request; a result for each, in order. Throws `overloaded` or `unavailable`: send it again.
   * @param keepsRefused what is refused goes to quarantine
   * @param bytes how large the request was
   */
  async ingest(tenantId: string, items: readonly unknown[], keepsRefused = true, bytes = 0): Promise<EventResult[]> {
    const results = await this.#guard(() => this.#lanes.submit(tenantId, items, personOf, bytes));
    if (keepsRefused) await this.#guard(() => this.#quarantine(tenantId, items, results));
    return results;
  }

  /** One batch, read only now: what waits takes no more memory than its JSON. */
  async #takeIn(tenantId: string, items: readonly unknown[]): Promise<EventResult[]> {
    const read = await this.#read(tenantId, items);
    const events = read.filter((one): one is ReceivedEvent => !isRejection(one));
    const decided =
      events.length > 0
        ? await byHalves(
            events,
            (some) => this.#decideBatch(tenantId, some),
            isOfOneItem,
            (event, error) => [this.#refuse(event, error)],
          )
        : [];
    let next = 0;
    return read.map((one, index) =>
      isRejection(one) ? rejected(items[index], one) : (decided[next++] as EventResult),
    );
  }

  async #read(tenantId: string, items: readonly unknown[]): Promise<(ReceivedEvent | Rejection)[]> {
    const { catalogs } = this.#parts;
    const { version, check } = await catalogs.active(tenantId);
    const read = items.map((item) => readEvent(tenantId, item, check));
    if (!read.some((one) => isRejection(one) && one.code === 'schema_mismatch')) return read;
    // Another process may have applied a catalog that they fit.
    const latest = await catalogs.refresh(tenantId);
    return latest.version === version ? read : items.map((item) => readEvent(tenantId, item, latest.check));
  }

  /** Resolves when everything taken in has been answered. */
  async drain(): Promise<void> {
    await this.#lanes.idle();
  }

  async #decideBatch(tenantId: string, events: readonly ReceivedEvent[]): Promise<readonly EventResult[]> {
    const { pool, partitions, clock } = this.#parts;
    await partitions.ensureEvents(
      events.map((event) => event.time),
      clock(),
    );
    return untilCommitted(pool, (connection, attempt) => {
      // Repeated events are rare: their keys refuse them, and only then are they looked up, for a while.
      if (attempt > 1) this.#lookUps = LOOK_UPS;
      return this.#decideInTransaction(connection, tenantId, events, this.#lookUps-- > 0);
    });
  }

  /** Nobody else's event has to wait for what is wrong with this one, or with us: it goes to quarantine. */
  #refuse({ eventId }: ReceivedEvent, error: unknown): EventResult {
    const code = isRefusedValue(error) ? 'invalid_content' : 'undecidable';
    if (code === 'undecidable')
      this.#parts.log.error({ err: error }, 'an event could not be decided: see the quarantine');
    return { ...emptyResult(eventId, 'rejected'), code, message: REFUSED[code] };
  }

  async #decideInTransaction(
    connection: pg.PoolClient,
    tenantId: string,
    events: readonly ReceivedEvent[],
    lookUp: boolean,
  ): Promise<EventResult[]> {
    const userIds = [...new Set(events.map((event) => event.userId))];
    const until = () => this.#parts.clock() + LATEST_DECISION;
    const ask = (catalog: Catalog) => factsQuery(catalog, tenantId, userIds, events, until(), lookUp);
    const { catalog, facts, query } = await this.#lock(connection, tenantId, ask);
    // Only now: what is decided about a person later has a later time, in whichever process.
    const now = this.#parts.clock();
    const { standing, fresh } = sortOut(events, facts);
    if (fresh.length === 0) {
      await commit(connection);
      return answersOf(events, standing, new Map());
    }
    await loadMore(connection, catalog, query, facts, fresh);
    const assembly = await this.#assembly(tenantId, now, catalog, facts);
    await confirmTraitTimes(connection, tenantId, assembly.contested(fresh));
    await this.#follow(connection, assembly, catalog, facts, assembly.decide(fresh), lookUp);
    await writeBatch(connection, assembly.finish());
    const decided = new Map<string, readonly Decision[]>();
    for (const { event, decisions } of assembly.batch.events) decided.set(event.key, decisions);
    return answersOf(events, standing, decided);
  }

  /**
   * Ends the waits of these people whose time has come, in order of due time. What another worker ended meanwhile, or an
   * event cancelled, is not there any more. Returns how many were ended.
   */
  async endDueWaits(tenantId: string, userIds: readonly string[]): Promise<number> {
    const { pool, clock } = this.#parts;
    return untilCommitted(pool, async (connection, attempt) => {
      const now = clock();
      const people = { ...NOTHING_ASKED, tenantId, userIds };
      const { catalog, facts } = await this.#lock(connection, tenantId, () => people);
      const due = (await take(connection, facts, { tenantId, userIds, needs: [] })).filter(({ dueAt }) => dueAt <= now);
      if (due.length === 0) {
        await commit(connection);
        return 0;
      }
      const assembly = await this.#assembly(tenantId, now, catalog, facts);
      const limits = due.flatMap((wait) => waitLimitNeeds(assembly.rulesOf(wait), wait));
      if (limits.length > 0) absorbAll(facts, await loadFacts(connection, { ...people, limits }));
      for (let left: readonly Wait[] = due; left.length > 0; ) {
        const ended = assembly.end(left);
        await this.#follow(connection, assembly, catalog, facts, ended.emitted, attempt > 1);
        left = ended.left;
      }
      await writeBatch(connection, assembly.finish());
      return due.length;
    });
  }

  /**
   * A recurring rule's turn of these people.
   * @param label the moment as local time: nobody has the same one twice
   * @param save records how far the audience was gone through, in the same transaction
   * @returns how many were in the audience
   */
  async takeTurns(
    turn: { readonly tenantId: string; readonly rule: string; readonly due: Millis; readonly label: string },
    userIds: readonly string[],
    save: (connection: pg.PoolClient) => Promise<void>,
  ): Promise<number> {
    const { tenantId, rule: name, due, label } = turn;
    const { pool, clock } = this.#parts;
    return untilCommitted(pool, async (connection, attempt) => {
      const now = clock();
      const ask = (catalog: Catalog) => {
        const rule = catalog.rules.byName.get(name);
        const limits = rule ? userIds.flatMap((userId) => turnLimitNeeds(rule, due, userId)) : [];
        return { ...NOTHING_ASKED, tenantId, userIds, limits };
      };
      const { catalog, facts } = await this.#lock(connection, tenantId, ask);
      await save(connection);
      const rule = catalog.rules.byName.get(name);
      if (!rule?.rule.every) {
        await commit(connection);
        return 0;
      }
      await take(connection, facts, { tenantId, userIds, needs: [] });
      const turns = [...facts.people.values()].map((person) => {
        return { userId: person.userId, waitId: waitIdOf({ person, ids }, name, label) };
      });
      hand(facts, await loadWaitsById(connection, tenantId, turns));
      const assembly = await this.#assembly(tenantId, now, catalog, facts);
      const emitted = assembly.turn(rule, userIds, due, label);
      await this.#follow(connection, assembly, catalog, facts, emitted, attempt > 1);
      await writeBatch(connection, assembly.finish());
      return assembly.batch.waits.filter(({ wait }) => wait.kind === 'every').length;
    });
  }

  /** The recurring rules of the catalog in force. */
  async recurring(
    tenantId: string,
  ): Promise<{ version: number; rules: { name: string; cron: string; zone: string }[] }> {
    const { version, rules } = await this.#parts.catalogs.refresh(tenantId);
    const recurring = rules.recurring.flatMap(({ rule: { name, every, zone } }) =>
      every ? [{ name, cron: every.cron, zone }] : [],
    );
    return { version, rules: recurring };
  }

  /** Begins a transaction that has the people to itself, with the facts that the catalog in force asks for. */
  async #lock(
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

  async #assembly(tenantId: string, now: Millis, active: Catalog, facts: Facts): Promise<Assembly> {
    const versions = new Map([[active.version, active]]);
    await this.#addVersions(versions, tenantId, facts);
    const reach = new Reach(tenantId, facts.addressHashes, this.#parts.seal);
    return new Assembly(tenantId, now, { active, versions }, facts, reach, ids);
  }

  /** Every catalog that a wait of these people began with. */
  async #addVersions(versions: Map<number, Catalog>, tenantId: string, { people }: Facts): Promise<void> {
    for (const { waits } of people.values()) {
      for (const { catalogVersion: version } of waits.values()) {
        if (!versions.has(version)) versions.set(version, await this.#parts.catalogs.at(tenantId, version));
      }
    }
  }

  /**
   * Decides the events that rules emitted, and those that these make rules emit, until there are none.
   * @param lookUp whether their ids are taken already: then they are stored, and what comes of them was decided
   */
  async #follow(
    connection: pg.PoolClient,
    assembly: Assembly,
    catalog: Catalog,
    facts: Facts,
    emitted: readonly ReceivedEvent[],
    lookUp: boolean,
  ): Promise<void> {
    const { tenantId, now } = assembly.batch;
    for (let events = emitted; events.length > 0; ) {
      const userIds = [...new Set(events.map((event) => event.userId))];
      const query = factsQuery(catalog, tenantId, userIds, events, now, lookUp);
      const more = await loadFacts(connection, query);
      absorbAll(facts, more);
      events = sortOut(events, more).fresh;
      await loadMore(connection, catalog, query, facts, events);
      await this.#addVersions(assembly.versions, tenantId, facts);
      await confirmTraitTimes(connection, tenantId, assembly.contested(events));
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
  async #guard<T>(work: () => Promise<T>): Promise<T> {
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
  readonly catalogs: Catalogs;
  readonly partitions: Partitions;
  readonly seal: Seal;
  readonly clock: () => Millis;
  readonly log: Pick<Logger, 'error'>;
  /** Events that may wait to be decided before more are refused. */
  readonly maxWaiting?: number;
}

const REFUSED = {
  invalid_content: 'This event holds a value that cannot be stored',
  undecidable: 'Deciding this event failed in our own code; it is kept, to be tried again when that is mended',
};

/** Bounds the advisory locks of a transaction and the memory of a statement. */
const MAX_BATCH = 1000;

/** Bodies of requests that wait at once; what they hold takes up to twenty times as much memory. */
const MAX_BYTES_WAITING = 64 * 1024 * 1024;

/**
 * A decision comes no later than this after its facts were asked for, which is before it is known when the people are free:
 * no answer is waited for so long (`Patience.answer`).
 */
const LATEST_DECISION: Millis = 300_000;

/** After a repeated event, how many batches expect more of them. */
const LOOK_UPS = 100;

/** Whose turn an item waits for; it is not yet checked. */
function personOf(item: unknown): string {
  const id = (item as { user_id?: unknown } | null)?.user_id;
  return typeof id === 'string' ? id : '';
}
