import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { TidingsError } from '../errors.ts';
import type { Pipeline } from '../ingest/pipeline.ts';
import { type KafkaMember, openMember, type Partition, type RecordStream } from '../kafka/client.ts';
import { describeKafkaError, isPositionLost, isTopicFailure } from '../kafka/errors.ts';
import type { FoundTopics, TopicView } from '../kafka/find-topics.ts';
import { groupBy } from '../lib/group-by.ts';
import type { Millis } from '../model/event.ts';
import type { KafkaSettings } from '../model/kafka.ts';
import { beginTopic, isMoved, openOffset, saveEnds } from '../store/kafka-offsets.ts';
import { isTransient } from '../store/pg/errors.ts';
import type { FailingTopics } from './failing-topics.ts';
import { type PartitionParts, PartitionReader, SourceGone } from './partition-reader.ts';
import { PartitionTurns } from './partition-turns.ts';
import type { Reader } from './readers.ts';

export interface GroupSessionParts extends Omit<PartitionParts, 'pipeline'> {
  readonly pipeline: Pick<Pipeline, 'ingestInOrder' | 'isBusy'>;
  readonly clock: () => Millis;
  readonly mayAct: () => boolean;
  readonly log: Logger;
  readonly settings: KafkaSettings;
  /** Interval (ms) of looking for changed catalogs and pauses. */
  readonly poll: Millis;
  /** Called with an error that ends the session, before it is closed, which may take as long as requests to the brokers do. */
  readonly onProblem: (error: unknown) => void;
  /** Has `findTenant` look tenants up again. */
  readonly forgetTenants: () => void;
  /** Called when partitions are opened: the brokers can be used. */
  readonly onRead: () => void;
  readonly failing: FailingTopics;
}

/** Interval (ms) at which the brokers learn positions, and the ends of partitions are read. */
const REPORT_MS = 5000;
/** Pause (ms) before partitions are opened again. */
const REOPEN_MS = 500;

interface OpenPartition {
  readonly reader: PartitionReader;
  readonly isPaused: boolean;
}

/**
 * One membership in the consumer group. Whenever the group has divided the partitions again, what was read and not decided is
 * discarded, and those of this member are opened at their positions in PostgreSQL.
 */
export class GroupSession {
  /** Topics that the brokers do not have, or do not show to this login. */
  readonly missing: string[] = [];
  /** Topics with a partition that no broker leads: none of them is read before it has a leader. */
  readonly leaderless: string[] = [];
  readonly lag = new Map<string, number>();
  readonly #parts: GroupSessionParts;
  readonly #load: () => Promise<Map<string, Reader>>;
  #topics: FoundTopics = new Map();
  readonly #ending = new AbortController();
  #readers: Map<string, Reader>;
  #member: KafkaMember | undefined;
  #assigned: readonly Partition[] = [];
  /** Grows whenever the partitions are opened again: what belongs to an earlier one is dropped. */
  #generation = 0;
  #opening: Promise<void> = Promise.resolve();
  #streams: RecordStream[] = [];
  #open: readonly OpenPartition[] = [];
  #turns: PartitionTurns | undefined;
  #openedAt = 0;
  /** Left-out topics that are due for another try are looked for. */
  #leftOut = new Set<string>();
  #error: unknown;

  constructor(parts: GroupSessionParts, readers: Map<string, Reader>, load: () => Promise<Map<string, Reader>>) {
    this.#parts = parts;
    this.#readers = readers;
    this.#load = load;
  }

  /** Reads until `end`, an error, or until other topics are to be read. @throws the error */
  async run(signal: AbortSignal): Promise<void> {
    const member = await openMember(this.#parts.settings, (error) => this.end(error));
    this.#member = member;
    try {
      if (signal.aborted) return;
      this.#topics = await member.findTopics([...this.#readers.keys()]);
      const topics = [...this.#topics].filter(([, view]) => view !== 'no_leader').map(([topic]) => topic);
      this.leaderless.push(...[...this.#topics.keys()].filter((topic) => !topics.includes(topic)));
      this.missing.push(...[...this.#readers.keys()].filter((topic) => !this.#topics.has(topic)));
      if (topics.length > 0) await member.join(topics, (partitions) => this.#onJoin(partitions));
      await this.#watch(member);
      if (this.#error !== undefined && !signal.aborted) throw this.#error;
    } finally {
      this.#ending.abort();
      await this.#closeStreams();
      await this.#opening.catch(() => {});
      await this.#closeStreams();
      if (this.#error === undefined) await this.#commit(member);
      await member.close();
    }
  }

  /** Ends the session. */
  end(error: unknown): void {
    if (this.#ending.signal.aborted) return;
    this.#error = error;
    this.#ending.abort();
    if (error !== undefined) this.#parts.onProblem(error);
  }

  /**
   * Looks for changes, and reports, until the session ends. Topics that are there now, are no more or were created again, and those with
   * more partitions begin a new one: the group divides the partitions that it knew when a member joined.
   */
  async #watch(member: KafkaMember): Promise<void> {
    const { signal } = this.#ending;
    let reportedAt = performance.now();
    while (!signal.aborted) {
      await sleep(this.#parts.poll, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      if (!this.#parts.mayAct()) return this.end(undefined);
      const readers = await this.#load().catch((error) => {
        if (!isTransient(error)) throw error;
        return this.#readers;
      });
      if (describeReaders(readers) !== describeReaders(this.#readers)) return;
      const isChanged = describeStates(readers) !== describeStates(this.#readers);
      this.#readers = readers;
      const isDue = [...this.#leftOut].some((topic) => !this.#parts.failing.isLeftOut(topic));
      if (isChanged || isDue) this.#reopen(0);
      if (performance.now() - reportedAt < REPORT_MS) continue;
      reportedAt = performance.now();
      if (describeTopics(await member.findTopics([...readers.keys()])) !== describeTopics(this.#topics)) return;
      await this.#report(member);
    }
  }

  /** Tells the brokers the positions, and remembers the ends of the partitions. */
  async #report(member: KafkaMember): Promise<void> {
    await this.#commit(member);
    const ends: { tenantId: string; topic: string; partition: number; end: bigint }[] = [];
    const byTopic = groupBy([...this.#open], ({ reader }) => reader.key.topic);
    const lag = new Map<string, number>();
    for (const [topic, partitions] of byTopic) {
      const found = await member.listOffsets(
        topic,
        partitions.map(({ reader }) => reader.key.partition),
        'end',
      );
      for (const { reader, isPaused } of partitions) {
        const { tenantId, partition } = reader.key;
        const end = found.get(partition);
        if (end === undefined) continue;
        ends.push({ tenantId, topic, partition, end });
        if (!isPaused)
          lag.set(topic, (lag.get(topic) ?? 0) + Number(end > reader.position ? end - reader.position : 0n));
      }
    }
    this.lag.clear();
    for (const [topic, records] of lag) this.lag.set(topic, records);
    await saveEnds(this.#parts.pool, ends, this.#parts.clock());
    if (performance.now() - this.#openedAt < REPORT_MS) return;
    for (const topic of byTopic.keys()) this.#parts.failing.recover(topic);
  }

  /** Tools that show lag read the positions of the group; nothing here does. */
  async #commit(member: KafkaMember): Promise<void> {
    const at = this.#open.map(({ reader }) => ({
      topic: reader.key.topic,
      partition: reader.key.partition,
      offset: reader.position,
    }));
    if (at.length > 0) await member.commit(at).catch(() => {});
  }

  #onJoin(partitions: readonly Partition[]): void {
    this.#assigned = partitions;
    this.#reopen(0);
  }

  /** Opens the partitions again, after what is being opened or decided. @param delay in ms */
  #reopen(delay: Millis): void {
    const generation = ++this.#generation;
    this.#open = [];
    this.#turns?.stop();
    this.#opening = this.#opening
      .then(() => this.#openAll(generation, delay))
      .catch((error) => {
        if (!isTransient(error)) return this.end(error);
        this.#parts.log.warn({ err: error }, 'positions in Kafka topics could not be read; trying again');
        if (generation === this.#generation) this.#reopen(REOPEN_MS);
      });
  }

  async #openAll(generation: number, delay: Millis): Promise<void> {
    await this.#closeStreams();
    const { signal } = this.#ending;
    if (delay > 0) await sleep(delay, undefined, { signal }).catch(() => {});
    const isCurrent = () => generation === this.#generation && !signal.aborted;
    if (!isCurrent()) return;
    const member = this.#member as KafkaMember;
    // A topic that was created again meanwhile must not be opened under its old id.
    const topics = await member.findTopics([...this.#readers.keys()]);
    if (describeTopics(topics) !== describeTopics(this.#topics)) return this.end(undefined);
    const { failing } = this.#parts;
    const assigned = [...new Set(this.#assigned.map((one) => one.topic))];
    this.#leftOut = new Set(assigned.filter((topic) => failing.isLeftOut(topic)));
    const opened: OpenPartition[] = [];
    for (const topic of assigned) {
      if (!this.#leftOut.has(topic)) await this.#openTopic(topic, opened);
      if (!isCurrent()) return;
    }
    this.#open = opened;
    this.#parts.onRead();
    const read = opened.filter(({ isPaused }) => !isPaused);
    this.#turns = this.#startTurns(read);
    // Suspects are read apart from the others, so that it shows which one fails.
    const groups = groupBy(read, ({ reader: { key } }) => (failing.isSuspect(key.topic) ? key.topic : ''));
    for (const partitions of groups.values()) {
      const stream = await this.#openStream(member, partitions, isCurrent);
      if (!isCurrent()) return stream.close();
      if (this.#turns.isFull) stream.pause();
      this.#streams.push(stream);
    }
    this.#openedAt = performance.now();
  }

  #openStream(member: KafkaMember, partitions: readonly OpenPartition[], isCurrent: () => boolean) {
    const at = partitions.map(({ reader: { key, position } }) => ({
      ...{ topic: key.topic, partition: key.partition, offset: position },
    }));
    return member.open(at, {
      onRecord: (record) => isCurrent() && this.#turns?.receive(record),
      onEnd: (error) => {
        if (!isCurrent()) return;
        // A position that retention has overtaken is moved when the partition is opened again.
        if (isPositionLost(error)) this.#reopen(REOPEN_MS);
        else if (isTopicFailure(error)) this.#onTopicsFailed([...new Set(at.map(({ topic }) => topic))], error);
        else this.end(error);
      },
    });
  }

  /** Goes on without a topic that cannot be read; of several, each is read apart until it is known which one that is. */
  #onTopicsFailed(topics: readonly string[], error: unknown): void {
    const cause = describeKafkaError(error);
    this.#parts.failing.fail(topics, cause);
    if (topics.length === 1) {
      this.#parts.log.warn({ err: error, topic: topics[0] }, `a Kafka topic is not read: ${cause}; trying again later`);
    }
    this.#reopen(topics.length === 1 ? 0 : REOPEN_MS);
  }

  #startTurns(partitions: readonly OpenPartition[]): PartitionTurns {
    const turns = new PartitionTurns({
      isBusy: () => this.#parts.pipeline.isBusy,
      onFull: () => {
        for (const stream of this.#streams) stream.pause();
      },
      onRoom: () => {
        for (const stream of this.#streams) stream.resume();
      },
      onFailed: (error, topic) => this.#onFailed(error, topic),
    });
    for (const { reader } of partitions) {
      turns.add(reader.key, reader.position, (records) => reader.decide(records));
    }
    return turns;
  }

  async #openTopic(topic: string, opened: OpenPartition[]): Promise<void> {
    const reader = this.#readers.get(topic);
    const view = this.#topics.get(topic);
    if (!reader || !view || view === 'no_leader') return;
    const { pool, clock, log } = this.#parts;
    const { tenantId, isPaused } = reader;
    const topicId = view.id;
    await this.#beginTopic(topic, reader, view);
    const partitions = this.#assigned.filter((one) => one.topic === topic).map(({ partition }) => partition);
    const member = this.#member as KafkaMember;
    const [firsts, ends] = [
      await member.listOffsets(topic, partitions, 'first'),
      await member.listOffsets(topic, partitions, 'end'),
    ];
    for (const partition of partitions) {
      const [first, end] = [requireOffset(firsts, partition), requireOffset(ends, partition)];
      const key = { tenantId, topic, partition, topicId };
      const offset = await openOffset(pool, key, { first, end }, clock());
      if (offset.lost !== 0n) {
        const line = { tenant_id: tenantId, topic, partition, records: Number(offset.lost) };
        log.error(
          line,
          'the position in a topic is out of its range: Kafka has deleted records that were not read, or lost some',
        );
      }
      opened.push({ reader: new PartitionReader(this.#parts, key, offset), isPaused });
    }
  }

  /**
   * Begins a topic that was never read at its end, if its source says so: all of its partitions at once, also those that other members read. One that is
   * added later holds nothing that was there before, and is begun at its first record.
   */
  async #beginTopic(
    topic: string,
    { tenantId, source }: Reader,
    { id: topicId, partitions }: TopicView,
  ): Promise<void> {
    const { pool, clock, settings } = this.#parts;
    if ((source.start ?? settings.start) === 'earliest') return;
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    const ends = await (this.#member as KafkaMember).listOffsets(topic, all, 'end');
    const at = all.map((partition) => ({ partition, end: requireOffset(ends, partition) }));
    await beginTopic(pool, { tenantId, topic, topicId }, at, clock());
  }

  /** Closes the streams, drops what waits, and waits for what is being decided. */
  async #closeStreams(): Promise<void> {
    const streams = this.#streams.splice(0);
    this.#turns?.stop();
    await Promise.all(streams.map((stream) => stream.close()));
    await this.#turns?.settled();
  }

  #onFailed(error: unknown, topic: string): void {
    const { log, failing } = this.#parts;
    if (error instanceof SourceGone) {
      this.end(undefined);
      return;
    }
    if (isMoved(error)) log.info('another process has read on in a partition; opening it again');
    else if (error instanceof TidingsError) {
      // A tenant that was suspended, moves or was deleted since it was looked up.
      log.warn({ err: error }, 'records of a tenant could not be decided; looking it up again');
      this.#parts.forgetTenants();
    } else if (isTransient(error)) log.warn({ err: error }, 'records could not be decided; trying again');
    else {
      log.error({ err: error, topic }, 'records could not be decided; trying again');
      failing.fail([topic], 'its messages cannot be decided');
    }
    this.#reopen(REOPEN_MS);
  }
}

/** @throws Error if the brokers did not tell it: a guess would begin the partition elsewhere */
function requireOffset(offsets: ReadonlyMap<number, bigint>, partition: number): bigint {
  const offset = offsets.get(partition);
  if (offset === undefined || offset < 0n) throw new Error('the brokers did not tell the positions of a partition');
  return offset;
}

function describeTopics(topics: FoundTopics): string {
  return [...topics]
    .map(([topic, view]) => (view === 'no_leader' ? `${topic} ${view}` : `${topic} ${view.id} ${view.partitions}`))
    .sort()
    .join('\n');
}

/** Topics that are read, whatever their state. */
function describeReaders(readers: ReadonlyMap<string, Reader>): string {
  return [...readers]
    .map(([topic, { tenantId }]) => `${topic} ${tenantId}`)
    .sort()
    .join('\n');
}

function describeStates(readers: ReadonlyMap<string, Reader>): string {
  return [...readers]
    .map(([topic, { isPaused, source }]) => `${topic} ${isPaused} ${source.tenant !== undefined}`)
    .join('\n');
}
