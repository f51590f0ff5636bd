import type pg from 'pg';
import type { Logger } from 'pino';
import { rejectTopic } from '../kafka/allowed-topics.ts';
import { freshId } from '../lib/fresh-id.ts';
import type { Millis } from '../model/event.ts';
import type { KafkaSettings } from '../model/kafka.ts';
import { GAP_TYPE } from '../model/sink.ts';
import { forgetTopics, type MeasuredTopic, measureTopics, wakeIdleTopics } from '../store/kafka/measure-topics.ts';
import {
  closeFull,
  endFull,
  listDueTenants,
  listWritingTenants,
  openTopics,
  type WritingTenant,
} from '../store/kafka/open-topics.ts';

export interface TopicKeeperParts {
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
  readonly log: Logger;
  readonly settings: KafkaSettings;
  /** The tenant of the installation. */
  readonly tenant: string;
}

/** Tenants of one page. */
const PAGE_TENANTS = 500;
/** Shortest time (ms) between two measurements of a topic; and how many times as long after a round as it took. */
const MEASURE_MS = 5000;
const MEASURE_PAUSE_FACTOR = 10;
const MAX_PAUSE_MS = 15_000;
const PAGE_TOPICS = 20;
/** Topics without messages that one round looks at. */
const PAGE_IDLE = 500;
/** Messages that have waited for so long (ms) for a transaction to end are reported. */
const OPEN_TRANSACTION_MS = 10_000;
const FIRST_TOPIC = { tenantId: '', topic: '' };
/** Part of the bound below which a topic that was full is opened again. */
const ROOM_SHARE = 0.8;

/**
 * Opens the topics that catalogs write, as far as the operator allows them, and closes those for which too much waits. For a topic
 * that is not open nothing is recorded, so that what waits is bounded; when there is room again, a message in the topic says what
 * time it lacks.
 */
export class TopicKeeper {
  readonly #parts: TopicKeeperParts;
  #measureAt = Number.NEGATIVE_INFINITY;
  /** Whether this process has looked at all tenants: what it allows may differ from what others did. */
  #hasSeenAll = false;
  /** The last topic without messages that was looked at. */
  #idle = FIRST_TOPIC;

  constructor(parts: TopicKeeperParts) {
    this.#parts = parts;
  }

  /** Looks at catalogs whose topics are to be opened or closed; the first time at all that write topics. */
  async open(): Promise<void> {
    const { pool, clock } = this.#parts;
    if (!this.#hasSeenAll) await this.#openAll();
    this.#hasSeenAll = true;
    for (const one of await listDueTenants(pool, PAGE_TENANTS, clock())) await this.#openTopics(one);
  }

  async #openAll(): Promise<void> {
    const { pool, clock } = this.#parts;
    for (let after = ''; ; ) {
      const tenants = await listWritingTenants(pool, after, PAGE_TENANTS, clock());
      for (const one of tenants) {
        if (!one.isFresh || !isSame(one.open, this.#listWanted(one))) await this.#openTopics(one);
      }
      if (tenants.length < PAGE_TENANTS) return;
      after = tenants.at(-1)?.tenantId ?? '';
    }
  }

  async #openTopics(one: WritingTenant): Promise<void> {
    const { pool, clock } = this.#parts;
    await openTopics(pool, one, this.#listWanted(one), GAP_TYPE, clock());
    await forgetTopics(pool, one.tenantId);
  }

  #listWanted({ tenantId, written, full }: WritingTenant): string[] {
    const { settings, tenant } = this.#parts;
    return written.filter(
      (topic) => !full.includes(topic) && rejectTopic(settings, tenant, tenantId, topic) === undefined,
    );
  }

  /** Measures what waits, unless it was done a short time ago. */
  async measure(): Promise<void> {
    const began = performance.now();
    if (began < this.#measureAt) return;
    const { pool, clock } = this.#parts;
    this.#idle = (await wakeIdleTopics(pool, this.#idle, PAGE_IDLE)) ?? FIRST_TOPIC;
    for (;;) {
      const now = clock();
      const topics = await measureTopics(pool, now, now + MEASURE_MS, PAGE_TOPICS, OPEN_TRANSACTION_MS);
      for (const one of topics) await this.#bound(one);
      if (topics.length < PAGE_TOPICS) break;
    }
    const took = performance.now() - began;
    this.#measureAt = performance.now() + Math.min(Math.max(MEASURE_MS / 5, took * MEASURE_PAUSE_FACTOR), MAX_PAUSE_MS);
  }

  async #bound(topic: MeasuredTopic): Promise<void> {
    const { pool, clock, log, settings } = this.#parts;
    const { maxWaiting, maxWaitingBytes } = settings.out;
    const { tenantId, messages, bytes } = topic;
    const share = Math.max(messages / maxWaiting, bytes / maxWaitingBytes);
    const line = { tenant_id: tenantId, topic: topic.topic, messages, bytes };
    if (!topic.isFull && share >= 1) {
      await closeFull(pool, topic, clock());
      log.error(line, 'too much waits for a Kafka topic; nothing more is recorded for it until there is room');
    } else if (topic.isFull && share < ROOM_SHARE) {
      await endFull(pool, topic, freshId(), GAP_TYPE, clock());
      log.warn(line, 'a Kafka topic has room again; a message in it says what time it lacks');
    }
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((topic) => other.includes(topic));
}
