import type { Millis } from './event.ts';

/**
 * The retention policy: for how long each kind of data is kept. A daily job removes what is older (store/retention). The
 * table in docs/operations.md shows the same rows; a test compares them.
 */

export const RETENTION_NAMES = [
  'messages',
  'attempts',
  'receipts',
  'notifications',
  'events',
  'event_ids',
  'waits',
  'limit_uses',
  'rejected_events',
  'audit_log',
  'jobs',
  'batches',
  'idempotency_keys',
  'inbox',
  'devices',
  'verifications',
  'connector_tasks',
  'kafka_outbox',
  'metric_minutes',
  'metric_hours',
  'metrics',
] as const;

export type RetentionName = (typeof RETENTION_NAMES)[number];

export interface RetentionRule {
  /** The data that is removed, and the time that its age counts from. */
  readonly removes: string;
  /** The data that is kept beyond the period, because it is still needed. */
  readonly keeps: string;
  readonly setting: `TIDINGS_RETAIN_${string}`;
  /** A duration, or `forever`. */
  readonly period: string;
  /** The shortest period that can be set. */
  readonly shortest: string;
}

export const RETENTION_POLICY: { readonly [name in RetentionName]: RetentionRule } = {
  messages: {
    removes: 'the texts of messages, in whole months since their notification',
    keeps: 'those of notifications with a delivery that has not ended',
    setting: 'TIDINGS_RETAIN_MESSAGES',
    period: '400d',
    shortest: '7d',
  },
  attempts: {
    removes: 'attempts that failed, in whole months since their notification',
    keeps: 'those of notifications with a delivery that has not ended',
    setting: 'TIDINGS_RETAIN_ATTEMPTS',
    period: '400d',
    shortest: '7d',
  },
  receipts: {
    removes:
      'receipts of providers, in whole months since their notification; receipts of messages sent before are ignored',
    keeps: 'those of notifications with a delivery that has not ended; suppressions that were made from them',
    setting: 'TIDINGS_RETAIN_RECEIPTS',
    period: '400d',
    shortest: '31d',
  },
  notifications: {
    removes:
      'notifications and their deliveries, in whole months; messages, attempts, receipts and items of inboxes are removed with them',
    keeps: 'notifications with a delivery that has not ended, and facts that wait for webhooks',
    setting: 'TIDINGS_RETAIN_NOTIFICATIONS',
    period: 'forever',
    shortest: '31d',
  },
  events: {
    removes: 'events with their decisions, in whole months of event time: rules and backtests no longer know them',
    keeps: '–',
    setting: 'TIDINGS_RETAIN_EVENTS',
    period: 'forever',
    shortest: '31d',
  },
  event_ids: {
    removes: 'ids that callers gave to events, since they were received: an id that comes again later is a new event',
    keeps: '–',
    setting: 'TIDINGS_RETAIN_EVENT_IDS',
    period: '400d',
    shortest: '7d',
  },
  waits: {
    removes: 'waits that ended, since their end',
    keeps: 'pending waits, and those whose trigger or due time is later: a late event is still compared with them',
    setting: 'TIDINGS_RETAIN_WAITS',
    period: '400d',
    shortest: '7d',
  },
  limit_uses: {
    removes: 'uses of limits by day or by period, since they no longer counted',
    keeps: 'uses of `once` and other limits without a period; uses inside their period',
    setting: 'TIDINGS_RETAIN_LIMIT_USES',
    period: '400d',
    shortest: '1d',
  },
  rejected_events: {
    removes: 'rejected events, since they were last rejected',
    keeps: '–',
    setting: 'TIDINGS_RETAIN_REJECTED_EVENTS',
    period: '90d',
    shortest: '1d',
  },
  audit_log: {
    removes: 'entries of the audit log',
    keeps: '–',
    setting: 'TIDINGS_RETAIN_AUDIT_LOG',
    period: '366d',
    shortest: '31d',
  },
  jobs: {
    removes: 'jobs that ended, since their end, with their failures and idempotency keys',
    keeps: 'open jobs',
    setting: 'TIDINGS_RETAIN_JOBS',
    period: '30d',
    shortest: '1d',
  },
  batches: {
    removes: 'batches that ended, since their end, and those that were never started, with their recipients',
    keeps: 'batches with a recipient who is not final',
    setting: 'TIDINGS_RETAIN_BATCHES',
    period: '90d',
    shortest: '1d',
  },
  idempotency_keys: {
    removes:
      'idempotency keys with the first response, since the first request; after 24 hours a key is new again in any case',
    keeps: '–',
    setting: 'TIDINGS_RETAIN_IDEMPOTENCY_KEYS',
    period: '1d',
    shortest: '1d',
  },
  inbox: {
    removes: 'items of inboxes, since they arrived',
    keeps: '–',
    setting: 'TIDINGS_RETAIN_INBOX',
    period: '400d',
    shortest: '7d',
  },
  devices: {
    removes: 'devices that were retired, since then',
    keeps: 'devices that messages are sent to',
    setting: 'TIDINGS_RETAIN_DEVICES',
    period: '90d',
    shortest: '1d',
  },
  verifications: {
    removes: 'codes that were sent to addresses and never used, since they expired',
    keeps: 'when an address was verified',
    setting: 'TIDINGS_RETAIN_VERIFICATIONS',
    period: '30d',
    shortest: '2d',
  },
  connector_tasks: {
    removes: 'tasks of connectors that have ended, since then',
    keeps: 'tasks that are open; products of users',
    setting: 'TIDINGS_RETAIN_CONNECTOR_TASKS',
    period: '90d',
    shortest: '1d',
  },
  kafka_outbox: {
    removes:
      'messages for Kafka topics that still wait, or were set aside, since they were recorded: they are lost, and a message in the topic says so',
    keeps: '–',
    setting: 'TIDINGS_RETAIN_KAFKA_OUTBOX',
    period: '30d',
    shortest: '1d',
  },
  metric_minutes: {
    removes: 'sums of metrics by the minute',
    keeps: 'those by the hour, day and longer',
    setting: 'TIDINGS_RETAIN_METRIC_MINUTES',
    period: '2d',
    shortest: '1d',
  },
  metric_hours: {
    removes: 'sums of metrics by the hour',
    keeps: 'those by the day and longer',
    setting: 'TIDINGS_RETAIN_METRIC_HOURS',
    period: '90d',
    shortest: '7d',
  },
  metrics: {
    removes: 'sums of metrics by the day and longer',
    keeps: '–',
    setting: 'TIDINGS_RETAIN_METRICS',
    period: 'forever',
    shortest: '31d',
  },
};

/** Period in ms for which each kind of data is kept; null: forever. */
export type RetentionPeriods = { readonly [name in RetentionName]: Millis | null };
