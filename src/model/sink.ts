import type { Channel } from './delivery.ts';

/** Forms of a CloudEvent in a message: attributes in headers `ce_…`, or the event as one JSON document. */
export const SINK_FORMATS = ['binary', 'structured'] as const;
export type SinkFormat = (typeof SINK_FORMATS)[number];

/** Keys of messages: tenant and user (`acme:u_1`), the user alone, or none; messages of a key are in order. */
export const SINK_KEYS = ['tenant_user', 'user', 'none'] as const;
export type SinkKey = (typeof SINK_KEYS)[number];

/** Decisions that are written: none, those that send, or all. */
export const SINK_DECISIONS = ['none', 'sent', 'all'] as const;
export type SinkDecisions = (typeof SINK_DECISIONS)[number];

/** A topic that Tidings writes facts to: what endpoints of webhooks can subscribe to as well, and decisions. */
export interface MessageSink {
  readonly name: string;
  readonly description?: string;
  readonly topic: string;
  /** Types in full, beginnings with `.*`, or `*`. Empty: decisions alone. */
  readonly eventTypes: readonly string[];
  /** Only facts and decisions about notifications of these types; absent: all. */
  readonly notificationTypes?: readonly string[];
  /** Only facts about these channels; absent: all. */
  readonly channels?: readonly Channel[];
  readonly decisions: SinkDecisions;
  readonly format: SinkFormat;
  readonly key: SinkKey;
}

/** Type of the CloudEvent of a decision. */
export const DECISION_TYPE = 'tidings.decision';
/** Type of the CloudEvent that says which time a topic lacks, because too much waited. */
export const GAP_TYPE = 'tidings.gap';

/** Rows of the outbox: facts and decisions of sinks, messages that a source could not read, and gaps. */
export const OUTBOX_KINDS = ['fact', 'decision', 'dead_letter', 'gap'] as const;
export type OutboxKind = (typeof OUTBOX_KINDS)[number];

/** Causes for which a message is set aside: its topic goes on without it. */
export const PARKED_CODES = ['too_large', 'not_accepted', 'not_readable'] as const;
export type ParkedCode = (typeof PARKED_CODES)[number];

/** Causes for which a topic is not written. */
export const TOPIC_PROBLEMS = [
  'brokers_away',
  'topic_missing',
  'not_authorized',
  'not_allowed',
  'open_transaction',
  'failing',
] as const;
export type TopicProblem = (typeof TOPIC_PROBLEMS)[number];

/** The state in which a process writes topics. */
export interface SinkState {
  /** Why the brokers cannot be used; null: they can, or there is nothing to write. */
  readonly problem: string | null;
}
