import type { Json } from './event.ts';
import type { ObjectSource, Source } from './mapping.ts';

/** Formats of the values of messages: JSON objects, or CloudEvents, of which the headers may have the attributes. */
export const SOURCE_FORMATS = ['json', 'cloudevents'] as const;
export type SourceFormat = (typeof SOURCE_FORMATS)[number];

/** Starts of a partition that was never read. */
export const SOURCE_STARTS = ['earliest', 'latest'] as const;
export type SourceStart = (typeof SOURCE_STARTS)[number];

/** A text that is the same for each message, or the expressions of which the first that has a value counts. */
export type SourceText = string | Source;

/**
 * A topic whose messages are events. The places of a mapping are CEL expressions over `message`: its `value`, `key`, `headers`,
 * `topic`, `partition`, `offset` and `timestamp`.
 */
export interface MessageSource {
  readonly name: string;
  readonly description?: string;
  readonly topic: string;
  readonly format: SourceFormat;
  /** Absent: the value is an event in one of the envelopes that are posted. */
  readonly eventType?: SourceText;
  /** A CEL condition; messages for which it is not true are skipped. Absent: none is. */
  readonly when?: string;
  readonly userId?: Source;
  readonly eventId?: Source;
  readonly time?: Source;
  readonly correlationId?: Source;
  readonly properties?: ObjectSource;
  readonly traits?: ObjectSource;
  /** The tenant of each message; absent: that of the catalog. */
  readonly tenant?: SourceText;
  /** Absent: as the installation says. */
  readonly start?: SourceStart;
  /** The topic that messages go to which are rejected; absent: none, they are rejected events alone. */
  readonly deadLetterTopic?: string;
}

/** A Kafka message, as expressions see it. */
export interface KafkaMessage {
  readonly topic: string;
  readonly partition: number;
  /** A number of JSON: it is exact up to 2^53. */
  readonly offset: number;
  /** ISO 8601. */
  readonly timestamp: string;
  readonly key: string | null;
  readonly headers: { readonly [name: string]: string };
  /** Null: a message without a value (a tombstone). Undefined: it is not JSON. */
  readonly value: Json | undefined;
}

/** The state in which a process reads topics. */
export interface SourceState {
  /** Null: it reads, or there is nothing to read. */
  readonly problem: string | null;
  /** Topics of sources that the brokers do not have. */
  readonly missing: readonly string[];
  /** Why topics cannot be read that the brokers have, by topic. */
  readonly failing: ReadonlyMap<string, string>;
  /** Records that wait in the partitions of this process, by topic; those of paused sources are left out. */
  readonly lag: ReadonlyMap<string, number>;
}
