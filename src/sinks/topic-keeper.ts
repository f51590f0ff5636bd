import type pg from 'pg';
import type { Logger } from 'pino';
import { uuidv7 } from 'uuidv7';
import { rejectTopic } from '../kafka/allowed-topics.ts';
import type { Millis } from '../model/event.ts';
import type { KafkaSettings } from '../model/kafka.ts';
import { GAP_TYPE } from '../model/sink.ts';
import {
  closeFull,
  endFull,
  forgetTopics,
  listWritingTenants,
  type MeasuredTopic,
  measureTopics,
  openTopics,
} from '../store/kafka/topics.ts';

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
/** Messages that have waited for so long (ms) for a transaction to end are reported. */
const OPEN_TRANSACTION_MS = 10_000;
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

  constructor(parts: TopicKeeperParts) {
    this.#parts = parts;
  }

  /** Looks at all catalogs that write topics. */
  async open(): Promise<void> {
    const { pool, clock, settings, tenant } = this.#parts;
    for (let after = ''; ; ) {
      const tenants = await listWritingTenants(pool, after, PAGE_TENANTS, clock());
      for (const { tenantId, written, open, full, isFresh } of tenants) {
        const wanted = written.filter(
          (topic) => !full.includes(topic) && rejectTopic(settings, tenant, tenantId, topic) === undefined,
        );
        if (isFresh && isSame(open, wanted)) continue;
        await openTopics(pool, tenantId, wanted, GAP_TYPE, clock());
        await forgetTopics(pool, tenantId);
      }
      if (tenants.length < PAGE_TENANTS) return;
      after = tenants.at(-1)?.tenantId ?? '';
    }
  }

  /** Measures what waits, unless it was done a short time ago. */
  async measure(): Promise<void> {
    const began = performance.now();
    if (began < this.#measureAt) return;
    const { pool, clock } = this.#parts;
    for (;;) {
      const now = clock();
      const topics = await measureTopics(pool, now, now - MEASURE_MS, PAGE_TOPICS, OPEN_TRANSACTION_MS);
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
      await endFull(pool, topic, uuidv7(), GAP_TYPE, clock());
      log.warn(line, 'a Kafka topic has room again; a message in it says what time it lacks');
    }
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((topic) => other.includes(topic));
}
