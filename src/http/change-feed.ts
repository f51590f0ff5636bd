import { createHash } from 'node:crypto';
import type { ChangeTopic } from '../model/change-topic.ts';
import type { Millis } from '../model/event.ts';
import { MAX_MARKED_TENANTS, type MarkedTopic, readChangeMarks } from '../store/changes/change-marks.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';

/** Pause in ms between two looks: a topic changes at most once in it. */
const LOOK_MS: Millis = 1000;
/** Pause in ms between two looks at problems, for which much is read. */
const PROBLEMS_MS: Millis = 15_000;

export interface ChangeFeedOptions {
  readonly database: TenantDatabase;
  /** Returns a text that changes when the problems of a tenant do. */
  readonly describeProblems: (tenantId: string) => Promise<string>;
  /** Default: LOOK_MS. */
  readonly look?: Millis;
}

/** The marks of a tenant, as they were last seen. They tell nothing but that something is another. */
export type Marks = ReadonlyMap<ChangeTopic, string>;

/** One that learns of changes. */
export interface Subscriber {
  readonly tenantId: string;
  readonly topics: ReadonlySet<ChangeTopic>;
  /** Called after each look. */
  look(marks: Marks): void;
}

/**
 * The changes of the tenants that have subscribers in this process. One statement each second reads them for a hundred
 * tenants, however many subscribers they have; without a subscriber nothing is read.
 */
export class ChangeFeed {
  readonly #options: ChangeFeedOptions;
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  readonly #marks = new Map<string, Map<ChangeTopic, string>>();
  #looking: NodeJS.Timeout | undefined;
  #lookingAtProblems: NodeJS.Timeout | undefined;
  /** First looks under way: the readers that come meanwhile wait for them. */
  readonly #looks = new Set<string>();
  #isStopped = false;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
  }

  /** Returns how to end the subscription. The first look is at once; `look` is not called within this call. */
  subscribe(subscriber: Subscriber): () => void {
    const { tenantId, topics } = subscriber;
    const own = this.#subscribers.get(tenantId) ?? new Set();
    this.#subscribers.set(tenantId, own.add(subscriber));
    const known = this.#marks.get(tenantId);
    // Marks of a tenant with other readers are of the latest look.
    const isKnown = known !== undefined && [...topics].every((topic) => topic === 'problems' || known.has(topic));
    if (isKnown) queueMicrotask(() => subscriber.look(known));
    else void this.#once(`marks ${tenantId}`, () => this.#lookAt([tenantId]));
    if (topics.has('problems') && !known?.has('problems'))
      void this.#once(`problems ${tenantId}`, () => this.#lookAtProblems(tenantId));
    this.#looking ??= setTimeout(() => void this.#lookAtAll(), this.#options.look ?? LOOK_MS).unref();
    this.#lookingAtProblems ??= setTimeout(() => void this.#lookAtAllProblems(), PROBLEMS_MS).unref();
    return () => this.#forget(subscriber);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#looking);
    clearTimeout(this.#lookingAtProblems);
  }

  #forget(subscriber: Subscriber): void {
    const { tenantId } = subscriber;
    const own = this.#subscribers.get(tenantId);
    own?.delete(subscriber);
    if (own?.size !== 0) return;
    this.#subscribers.delete(tenantId);
    this.#marks.delete(tenantId);
  }

  /** Looks, unless such a look is under way. A topic that it does not have is in that of the next second. */
  async #once(key: string, look: () => Promise<void>): Promise<void> {
    if (this.#looks.has(key)) return;
    this.#looks.add(key);
    try {
      await look();
    } finally {
      this.#looks.delete(key);
    }
  }

  async #lookAtAll(): Promise<void> {
    const tenantIds = [...this.#subscribers.keys()];
    for (let i = 0; i < tenantIds.length && !this.#isStopped; i += MAX_MARKED_TENANTS) {
      await this.#lookAt(tenantIds.slice(i, i + MAX_MARKED_TENANTS));
    }
    this.#looking = this.#again(() => this.#lookAtAll(), this.#options.look ?? LOOK_MS);
  }

  async #lookAtAllProblems(): Promise<void> {
    for (const [tenantId, own] of [...this.#subscribers]) {
      if ([...own].some(({ topics }) => topics.has('problems'))) await this.#lookAtProblems(tenantId);
    }
    this.#lookingAtProblems = this.#again(() => this.#lookAtAllProblems(), PROBLEMS_MS);
  }

  /** The pause follows the look, so a slow database is not asked more often than it answers. */
  #again(look: () => Promise<void>, pause: Millis): NodeJS.Timeout | undefined {
    if (this.#isStopped || this.#subscribers.size === 0) return undefined;
    return setTimeout(() => void look(), pause).unref();
  }

  async #lookAt(tenantIds: readonly string[]): Promise<void> {
    const wanted = new Set<ChangeTopic>();
    for (const tenantId of tenantIds) {
      for (const { topics } of this.#subscribers.get(tenantId) ?? []) for (const topic of topics) wanted.add(topic);
    }
    wanted.delete('problems');
    if (wanted.size === 0) return this.#tell(tenantIds, new Map());
    try {
      this.#tell(
        tenantIds,
        await readChangeMarks(this.#options.database.owner, tenantIds, [...wanted] as MarkedTopic[]),
      );
    } catch {
      // Without the database, the next look finds what has changed.
    }
  }

  async #lookAtProblems(tenantId: string): Promise<void> {
    try {
      const text = await this.#options.describeProblems(tenantId);
      this.#tell([tenantId], new Map([[tenantId, new Map([['problems', text]])]]));
    } catch {
      // As before.
    }
  }

  #tell(tenantIds: readonly string[], found: ReadonlyMap<string, ReadonlyMap<ChangeTopic, string>>): void {
    for (const tenantId of tenantIds) {
      const own = this.#subscribers.get(tenantId);
      if (own === undefined) continue;
      const marks = this.#marks.get(tenantId) ?? new Map<ChangeTopic, string>();
      this.#marks.set(tenantId, marks);
      for (const [topic, text] of found.get(tenantId) ?? []) marks.set(topic, shorten(text));
      for (const subscriber of [...own]) subscriber.look(marks);
    }
  }
}

/** A mark is sent to readers and comes back from them: it tells nothing of the tenant. */
function shorten(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 8);
}
