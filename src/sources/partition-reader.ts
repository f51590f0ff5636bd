import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import type { CompiledSource } from '../catalog/compile/compile-sources.ts';
import { contentUuid } from '../events/content.ts';
import type { OrderedBatch, OrderedCounts, OrderedItem } from '../ingest/in-order.ts';
import type { Pipeline } from '../ingest/pipeline.ts';
import type { KafkaRecord } from '../kafka/client.ts';
import { TOO_LARGE } from '../kafka/inflation.ts';
import { advancePartition, advanceStatement, type OffsetKey, type OpenedOffset } from '../store/kafka-offsets.ts';
import { isItemError } from '../store/pg/errors.ts';
import type { TenantState } from '../store/tenants/tenant-state.ts';
import { readRecord } from './read-record.ts';
import { type ItemParts, toMessageId, toOrderedItem, toUnmappedItem } from './to-item.ts';

export interface PartitionParts {
  readonly pool: pg.Pool;
  readonly pipeline: Pick<Pipeline, 'ingestInOrder'>;
  readonly catalogs: CatalogCache;
  readonly parseRequest: ItemParts['parseRequest'];
  /** Returns the state of a tenant that a record names; null: there is no such tenant. */
  readonly findTenant: (tenantId: string) => TenantState | null | Promise<TenantState | null>;
}

/** The items of one tenant in a batch, and the position after each. */
interface Group {
  readonly items: OrderedItem[];
  readonly ends: bigint[];
}

const INVALID = { code: 'invalid_event', path: '' } as const;

/** The catalog no longer has the source of a topic: what is read must be chosen again. */
export class SourceGone extends Error {}

/**
 * Decides the records of one partition in their order. What a batch has of one tenant is one transaction, which moves the position
 * on, and fails if another process has moved it. If a source reads several tenants, those of a batch that are done are ahead of the
 * partition until all are.
 */
export class PartitionReader {
  readonly key: OffsetKey;
  readonly #parts: PartitionParts;
  #position: bigint;
  #ahead: ReadonlyMap<string, bigint>;
  /** Until a batch has succeeded, some may be stored already. */
  #isRepeated = true;

  constructor(parts: PartitionParts, key: OffsetKey, opened: OpenedOffset) {
    this.#parts = parts;
    this.key = key;
    this.#position = opened.next;
    this.#ahead = opened.ahead;
  }

  /** The first record that is not decided. */
  get position(): bigint {
    return this.#position;
  }

  /**
   * Decides records, none of which is before the position. Positions that no record has are skipped: those of compacted records and
   * of markers of transactions. @throws SourceGone, or the error of the database or of the position
   */
  async decide(records: readonly KafkaRecord[]): Promise<OrderedCounts> {
    const { tenantId, topic } = this.key;
    const { sources } = await this.#parts.catalogs.getActive(tenantId);
    const compiled = sources.find(({ source }) => source.topic === topic);
    if (!compiled) throw new SourceGone(`no source reads ${topic}`);
    const counts =
      compiled.source.tenant === undefined
        ? await this.#decideOwn(compiled, records)
        : await this.#decideOfTenants(compiled, records);
    this.#position = (records.at(-1) as KafkaRecord).offset + 1n;
    this.#isRepeated = false;
    return counts;
  }

  async #decideOwn(compiled: CompiledSource, records: readonly KafkaRecord[]): Promise<OrderedCounts> {
    const { tenantId } = this.key;
    const group: Group = { items: [], ends: [] };
    for (const record of records) {
      group.items.push(await this.#toItem(tenantId, compiled, record));
      group.ends.push(record.offset + 1n);
    }
    return this.#ingest(tenantId, '', group, this.#position);
  }

  async #decideOfTenants(compiled: CompiledSource, records: readonly KafkaRecord[]): Promise<OrderedCounts> {
    const groups = new Map<string, Group>();
    for (const record of records) {
      const { tenantId, item } = await this.#assign(compiled, record);
      if (record.offset < (this.#ahead.get(tenantId) ?? 0n)) continue;
      const group = groups.get(tenantId) ?? { items: [], ends: [] };
      groups.set(tenantId, group);
      group.items.push(item);
      group.ends.push(record.offset + 1n);
    }
    const sum = { accepted: 0, duplicates: 0, rejected: 0, skipped: 0 };
    for (const [tenantId, group] of groups) {
      const from = this.#ahead.get(tenantId) ?? this.#position;
      const counts = await this.#ingest(tenantId, tenantId, group, from);
      for (const name of Object.keys(sum) as (keyof OrderedCounts)[]) sum[name] += counts[name];
    }
    const next = (records.at(-1) as KafkaRecord).offset + 1n;
    await advancePartition(this.#parts.pool, { ...this.key, expected: this.#position, next });
    this.#ahead = new Map();
    return sum;
  }

  /** Returns the tenant of a record, and the record as its item; one that names no active tenant is rejected by that of the source. */
  async #assign(compiled: CompiledSource, record: KafkaRecord): Promise<{ tenantId: string; item: OrderedItem }> {
    const { tenantId: owner } = this.key;
    if (record.isTooLarge) return { tenantId: owner, item: await this.#toItem(owner, compiled, record) };
    const read = readRecord(record, compiled.source.format);
    const named = compiled.findTenant(read.message);
    const state = typeof named === 'string' ? await this.#parts.findTenant(named) : null;
    if (typeof named === 'string' && state?.status === 'active') {
      return { tenantId: named, item: await this.#toItem(named, compiled, record) };
    }
    const message = 'tenant names no active tenant of this installation';
    const rejection = { code: 'invalid_event', path: 'tenant', message } as const;
    return { tenantId: owner, item: toUnmappedItem(compiled, read, this.#toId(record), rejection) };
  }

  async #toItem(tenantId: string, compiled: CompiledSource, record: KafkaRecord): Promise<OrderedItem> {
    const id = this.#toId(record);
    const item = await this.#readItem(tenantId, compiled, record, id);
    const { name, deadLetterTopic } = compiled.source;
    if (deadLetterTopic === undefined) return item;
    const { topic, partition, offset, timestamp, key, value, headers } = record;
    const origin = { source: name, topic, partition, offset: Number(offset), timestamp: Number(timestamp) };
    const messageId = contentUuid(`${this.key.tenantId} ${id}`);
    return {
      ...item,
      deadLetter: { tenantId: this.key.tenantId, topic: deadLetterTopic, messageId, origin, key, value, headers },
    };
  }

  async #readItem(tenantId: string, compiled: CompiledSource, record: KafkaRecord, id: string): Promise<OrderedItem> {
    const read = readRecord(record, compiled.source.format);
    if (record.isTooLarge) return toUnmappedItem(compiled, read, id, { ...INVALID, message: TOO_LARGE });
    try {
      return await toOrderedItem(this.#parts, tenantId, compiled, read, id);
    } catch (error) {
      // A bug of ours stops no partition.
      if (!isItemError(error)) throw error;
      const message = 'This message could not be read because of a bug in Tidings; retry it after an update';
      return toUnmappedItem(compiled, read, id, { code: 'undecidable', path: '', message });
    }
  }

  #toId({ partition, offset }: KafkaRecord): string {
    return toMessageId(this.key.topicId, partition, offset);
  }

  #ingest(tenantId: string, forTenant: string, { items, ends }: Group, start: bigint): Promise<OrderedCounts> {
    const base = this.#position;
    const batch: OrderedBatch = {
      tenantId,
      items,
      advance: (from, to) =>
        advanceStatement({
          ...this.key,
          forTenant,
          base,
          expected: from === 0 ? start : (ends[from - 1] as bigint),
          next: ends[to - 1] as bigint,
        }),
    };
    return this.#parts.pipeline.ingestInOrder(batch, this.#isRepeated);
  }
}
