import type { Consumer, Message, MessagesStream } from '@platformatic/kafka';
import { ConfigError } from '../errors.ts';
import type { KafkaSettings } from '../model/kafka.ts';
import { dropAborted, type FetchedPartition } from './aborted-records.ts';
import { setAppendTimes } from './append-times.ts';
import { SendTimeout } from './errors.ts';
import { type FoundTopics, findTopics, type TopicView } from './find-topics.ts';
import { type Algorithms, boundInflation, endAnswer, isTooLarge, replaceStandIns } from './inflation.ts';

/*
 * The one file that knows the Kafka client. Its streams keep old positions over a rebalance, and commit by default: here a stream is
 * opened at given positions, after each join, and commits only the positions that it is given.
 */

/** A partition of a topic. */
export interface Partition {
  readonly topic: string;
  readonly partition: number;
}

/** A message as the broker has it. */
export interface KafkaRecord extends Partition {
  readonly offset: bigint;
  /** ms since 1970. */
  readonly timestamp: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
  /** Stands for all messages of a batch that is too large to be inflated, and is at the end of it. */
  readonly isTooLarge?: true;
}

/** A stream of records of some partitions, each in its order. */
export interface RecordStream {
  /** No further record is given until `resume`, but those that were on their way. */
  pause(): void;
  resume(): void;
  /** Resolves when it gives no more. */
  close(): Promise<void>;
}

export interface StreamListener {
  onRecord(record: KafkaRecord): void;
  /** The stream is over: a broker went away, or a position is out of range. */
  onEnd(error: unknown): void;
}

/** A member of the consumer group. */
export interface KafkaMember {
  /** Asks for topics. One that does not exist, or that the login may not see, is absent. */
  findTopics(topics: readonly string[]): Promise<FoundTopics>;
  /** Joins the group for these topics. `onJoin` is called with the partitions of this member, now and after each rebalance. */
  join(topics: readonly string[], onJoin: (partitions: readonly Partition[]) => void): Promise<void>;
  /** Returns the first or the end position of each partition of a topic, by partition; absent: unknown. */
  listOffsets(
    topic: string,
    partitions: readonly number[],
    which: 'first' | 'end',
  ): Promise<ReadonlyMap<number, bigint>>;
  /** Opens a stream of these partitions, which are of this member. */
  open(at: readonly (Partition & { readonly offset: bigint })[], listener: StreamListener): Promise<RecordStream>;
  /** Tells the broker how far is read, for tools that show lag. */
  commit(at: readonly (Partition & { readonly offset: bigint })[]): Promise<void>;
  /** Leaves the group. Never rejects. */
  close(): Promise<void>;
}

/** A message to be sent. */
export interface OutgoingMessage {
  /** Null: no key; such messages take turns among the partitions. */
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
}

/** An idempotent producer; one send at a time. */
export interface KafkaProducer {
  /**
   * Sends messages, and resolves when all replicas that must have them do. If it rejects, any of them may be in the topic, or
   * arrive later.
   */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** The oldest Node.js that the client works with. */
const MIN_NODE = [22, 22] as const;

/** A member that is missed for this time (ms) loses its partitions. */
const SESSION_MS = 10_000;
const HEARTBEAT_MS = 3000;
const REBALANCE_MS = 30_000;
const CONNECT_MS = 5000;
const REQUEST_MS = 15_000;
/** Time (ms) that a broker may wait for records. */
const MAX_WAIT_MS = 500;
const MAX_FETCH_BYTES = 8 * 1024 * 1024;
const MAX_PARTITION_BYTES = 1024 * 1024;
/** Records that a stream holds beside those that it has given. */
const MAX_BUFFERED = 1024;

/**
 * Checks that this Node.js can run the client.
 * @throws ConfigError if it is too old
 */
export function requireNode(version = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  throw new ConfigError(
    `TIDINGS_KAFKA_BROKERS is set, and Kafka needs Node.js ${MIN_NODE.join('.')} or newer, but this is ${version}; update Node.js, or unset TIDINGS_KAFKA_BROKERS`,
  );
}

/** Makes a member, which connects at its first request. @param onError an error that no request has: the member is of no use then */
export async function openMember(settings: KafkaSettings, onError: (error: unknown) => void): Promise<KafkaMember> {
  const { Consumer, ListOffsetTimestamps, compressionsAlgorithms } = await import('@platformatic/kafka');
  boundInflation(compressionsAlgorithms as unknown as Algorithms);
  const consumer = new Consumer({
    ...toConnection(settings),
    clientId: settings.clientId,
    groupId: settings.group,
    autocommit: false,
    sessionTimeout: SESSION_MS,
    heartbeatInterval: HEARTBEAT_MS,
    rebalanceTimeout: REBALANCE_MS,
    requestTimeout: REQUEST_MS,
    retries: 3,
    retryDelay: 500,
    // Otherwise a topic that is created again keeps its old id here.
    metadataMaxAge: 5000,
  });
  consumer.on('error', onError);
  consumer.on('consumer:heartbeat:stalled', () => onError(new Error('the group does not answer')));
  readCommitted(consumer);
  const askForTopics = async (names: readonly string[]): Promise<FoundTopics> => {
    const { topics } = await consumer.metadata({ topics: [...names], forceUpdate: true, retries: 1 });
    return new Map(
      names.flatMap((name): [string, TopicView][] => {
        const found = topics.get(name);
        return found ? [[name, { id: found.id, partitions: found.partitionsCount }]] : [];
      }),
    );
  };
  return {
    findTopics: (names) => findTopics(names, askForTopics),
    async join(topics, onJoin) {
      consumer.topics.trackAll(...topics);
      consumer.on('consumer:group:join', () => onJoin(listAssigned(consumer)));
      await consumer.joinGroup({});
    },
    async listOffsets(topic, partitions, which) {
      const timestamp = which === 'first' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST;
      const found = await consumer.listOffsets({
        topics: [topic],
        partitions: { [topic]: [...partitions] },
        timestamp,
      });
      const offsets = found.get(topic) ?? [];
      return new Map(partitions.flatMap((one) => (offsets[one] === undefined ? [] : [[one, offsets[one]] as const])));
    },
    async open(at, listener) {
      const stream = await consumer.consume({
        topics: [...new Set(at.map(({ topic }) => topic))],
        mode: 'manual',
        fallbackMode: 'fail',
        offsets: at.map(({ topic, partition, offset }) => ({ topic, partition, offset })),
        autocommit: false,
        minBytes: 1,
        maxWaitTime: MAX_WAIT_MS,
        maxBytes: MAX_FETCH_BYTES,
        maxBytesPerPartition: MAX_PARTITION_BYTES,
        highWaterMark: MAX_BUFFERED,
      });
      return wrapStream(stream, listener);
    },
    async commit(at) {
      await consumer.commit({ offsets: at.map((one) => ({ ...one, leaderEpoch: -1 })) });
    },
    async close() {
      consumer.removeAllListeners('consumer:group:join');
      await Promise.race([
        consumer.close(true).catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, REQUEST_MS).unref()),
      ]);
    },
  };
}

function toConnection({ brokers, sasl, ca }: KafkaSettings) {
  return {
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_MS,
    ...(ca !== null && { tls: ca === '' ? {} : { ca } }),
    ...(sasl && { sasl }),
  };
}

/** Time (ms) for one request of a producer, and for a send with its repetitions. */
const SEND_REQUEST_MS = 8000;
const MAX_SEND_MS = 20_000;

/** Makes a producer, which connects at its first send. Keys select partitions as they do in Java. */
export async function openProducer(settings: KafkaSettings): Promise<KafkaProducer> {
  const { Producer, ProduceAcks, compatibilityPartitioner } = await import('@platformatic/kafka');
  let turn = 0;
  const producer = new Producer({
    ...toConnection(settings),
    clientId: `${settings.clientId}-out`,
    requestTimeout: SEND_REQUEST_MS,
    // With fewer than two, an idempotent producer repeats for ever.
    retries: 2,
    retryDelay: 250,
    metadataMaxAge: 5000,
    idempotent: true,
    acks: ProduceAcks.ALL,
    partitioner: (message, key) => (key ? compatibilityPartitioner(message, key as Buffer) : turn++ % 0x7fffffff),
  });
  producer.on('error', () => {});
  const close = () =>
    Promise.race([
      producer.close(true).catch(() => {}),
      new Promise((resolve) => setTimeout(resolve, SEND_REQUEST_MS).unref()),
    ]);
  return {
    async send(topic, messages) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new SendTimeout('the brokers do not answer in time')), MAX_SEND_MS);
      });
      const sent = producer.send({
        messages: messages.map(({ key, value, headers }) => ({
          topic,
          ...(key && { key }),
          ...(value && { value }),
          // Pairs: a name may be there twice.
          headers: new Map(headers.map(([name, one]) => [Buffer.from(name), one] as const)),
        })),
      });
      try {
        await Promise.race([sent, late]);
      } finally {
        clearTimeout(timer);
        sent.catch(() => {});
      }
    },
    async close() {
      await close();
    },
  };
}

/** Has the streams of a consumer give no record of an aborted transaction, and none that takes more memory than it may. */
function readCommitted(consumer: Consumer): void {
  type Answer = { readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] };
  type Fetch = (options: unknown, callback: (error: Error | null, answer?: Answer) => void) => void;
  const fetch = consumer.fetch.bind(consumer) as unknown as Fetch;
  const fetchCommitted: Fetch = (options, callback) =>
    fetch(options, (error, answer) => {
      endAnswer();
      for (const one of (answer?.responses ?? []).flatMap(({ partitions }) => partitions)) {
        replaceStandIns(one);
        dropAborted(one);
        setAppendTimes(one);
      }
      callback(error, answer);
    });
  consumer.fetch = fetchCommitted as unknown as typeof consumer.fetch;
}

function wrapStream(stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>, listener: StreamListener): RecordStream {
  let isOpen = true;
  stream.on('data', (message) => {
    if (isOpen) listener.onRecord(toRecord(message));
  });
  const end = (error: unknown) => {
    if (!isOpen) return;
    isOpen = false;
    listener.onEnd(error);
  };
  stream.on('error', end);
  stream.on('close', () => end(new Error('the stream was closed')));
  return {
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    async close() {
      isOpen = false;
      await stream.close().catch(() => {});
    },
  };
}

function toRecord(message: Message<Buffer, Buffer, Buffer, Buffer>): KafkaRecord {
  const { topic, partition, offset, timestamp, key, value, headers } = message;
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key ?? null,
    ...(isTooLarge(value ?? null) ? { value: null, isTooLarge: true } : { value: value ?? null }),
    headers: [...headers].map(([name, one]) => [name.toString(), one ?? Buffer.alloc(0)] as const),
  };
}

function listAssigned({ assignments }: Consumer): Partition[] {
  return (assignments ?? []).flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
}
