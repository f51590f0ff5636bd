import type { Answer } from '../../../src/model/answer.ts';
import type { Category, Rule } from '../../../src/model/catalog.ts';
import type { Evidence, Outcome, Decision as StoredDecision, WaitKind } from '../../../src/model/decision.ts';
import type { AttemptOutcomeKind, Channel, DeliveryStatus } from '../../../src/model/delivery.ts';
import type { Json, JsonObject } from '../../../src/model/event.ts';
import type { JobActionName, JobStatus } from '../../../src/model/job.ts';
import { getApiKey, reportRejectedKey } from './key.ts';

export type { Category, Channel, DeliveryStatus, Evidence, Json, JsonObject, Outcome, WaitKind };

export type Decision = StoredDecision;

export interface ActivityEvent {
  event_id: string;
  event_type: string;
  event_timestamp: string;
  received_at: string;
  user_id: string;
  decisions: Decision[];
  deliveries: DeliverySummary[];
}

/** State of a delivery in few words. */
export type DeliverySummary = Pick<Delivery, 'notification_id' | 'channel' | 'status' | 'provider' | 'reason'>;

export interface Profile {
  traits: JsonObject;
  /** Masked: `m…@example.com`. */
  addresses: { email?: string; phone?: string };
  time_zone: string | null;
  locale: string | null;
  updated_at: string;
}

export interface AuditEvent {
  event_id: string;
  event_type: string;
  event_timestamp: string;
  received_at: string;
  properties: JsonObject;
  user_traits: JsonObject;
  catalog_version: number;
}

export interface AuditDecision extends Decision {
  event_id: string;
  event_type: string;
  event_timestamp: string;
  decided_at: string;
  catalog_version: number;
}

export interface Attempt {
  attempt: number;
  provider: string;
  started_at: string;
  duration_ms: number;
  outcome: AttemptOutcomeKind;
  reason: string | null;
  response: string | null;
  provider_message_id: string | null;
}

export interface Delivery {
  delivery_id: string;
  notification_id: string;
  notification_type: string;
  user_id: string;
  channel: Channel;
  status: DeliveryStatus;
  reason_code: string | null;
  reason: string | null;
  provider: string | null;
  due_at: string;
  created_at: string;
  finished_at: string | null;
  /** Absent in lists. */
  attempts?: Attempt[];
  has_message: boolean;
}

export interface Notification {
  notification_id: string;
  notification_type: string;
  category: Category;
  rule: string;
  decision_id: string;
  event_id: string;
  created_at: string;
  deliveries: Delivery[];
}

export interface Audit {
  user_id: string;
  profile: Profile | null;
  recent_events: AuditEvent[];
  decisions: AuditDecision[];
  notifications: Notification[];
  /** Pass as `after` to get the next older page; null on the last page. */
  next: string | null;
}

export interface SentMessage {
  delivery_id: string;
  channel: Channel;
  /** Masked. */
  to: string | null;
  subject?: string;
  text: string;
  html?: string;
}

export interface Explanation {
  user_id: string;
  notification_type: string;
  /** Outcome of the latest decision to send the notification. */
  answer: Answer;
  paragraph: string;
  rules: {
    rule: string;
    /** False if the rule is no longer in the catalog. */
    active: boolean;
  }[];
  decisions: AuditDecision[];
  notifications: Notification[];
}

/** Pending or ended wait of a rule for a user. */
export interface Wait {
  wait_id: string;
  user_id: string;
  rule: string;
  key: string | null;
  kind: WaitKind;
  status: 'waiting' | 'fired' | 'cancelled';
  catalog_version: number;
  /** ID of the event that triggered the wait; if several did, of the latest one. */
  event_id: string;
  event_type: string;
  event_timestamp: string;
  due_at: string;
  began_at: string;
  ended_at: string | null;
  /** ID of the event that ended the wait; null if no event did. */
  ended_by: string | null;
  /** Number of items of a digest; null for other kinds. */
  items: number | null;
  /** Decisions made when the wait ended. If an event ended it, the decisions belong to that event instead. */
  decisions: Decision[];
}

/** Rule as returned by the API: in stored form, except that patterns and limits are as written in the catalog. */
export type CatalogRule = Omit<Rule, 'after' | 'limits'> & {
  /** Pattern steps, earliest first. */
  after: { event: string; within: string; same?: string }[];
  limits: string[];
};

/** Rejected event in the quarantine. */
export interface RejectedEvent {
  rejected_id: string;
  event_id: string | null;
  code: string;
  /** Path of the field that caused the rejection; empty if no single field did. */
  path: string;
  message: string;
  /** Event as received, with addresses masked. */
  event: Json;
  times: number;
  first_at: string;
  last_at: string;
}

/** Rejected events with the same event type, code and path. */
export interface RejectedGroup {
  event_type: string | null;
  code: string;
  path: string;
  /** Message of one of them. */
  message: string;
  last_at: string;
  count: number;
}

export type { JobActionName, JobStatus };

/** Action on many items, and which. */
export interface JobRequest {
  action: JobActionName;
  filter: JsonObject;
  name?: string;
  /** Correction of each rejected event: a JSON merge patch (RFC 7396). */
  patch?: JsonObject;
}

export interface JobPreview {
  count: number;
  /** True if there may be more. */
  at_least: boolean;
  groups: JsonObject[];
  sample: JsonObject[];
}

export interface Job {
  job_id: string;
  action: JobActionName;
  name: string | null;
  filter: JsonObject;
  status: JobStatus;
  matched: number;
  /** False if `matched` is a lower bound. */
  matched_exact: boolean;
  done: number;
  skipped: number;
  failed: number;
  reason: string | null;
  started_by: string;
  stopped_by: string | null;
  created_at: string;
  ended_at: string | null;
}

export interface JobFailure {
  item: string;
  code: string;
  message: string;
}

/** Results of posted events. */
export interface IngestResponse {
  accepted: number;
  duplicates: number;
  rejected: { code: string; path: string; message: string }[];
  results: {
    event_id: string | null;
    status: 'accepted' | 'duplicate' | 'rejected' | 'conflict';
    decisions: Pick<Decision, 'decision_id' | 'notification_type' | 'outcome'>[];
  }[];
}

export interface CatalogNotification {
  name: string;
  description?: string;
  category: Category;
  channels: Channel[];
}

export interface Catalog {
  /** 0 if no catalog was ever applied. */
  version: number;
  applied_at: string | null;
  /** `properties`: a JSON Schema; absent if every value is valid. */
  events: { name: string; description?: string; properties?: JsonObject }[];
  notifications: CatalogNotification[];
  groups: { name: string; limits: string[] }[];
  rules: CatalogRule[];
}

/** Work that is due and not claimed. */
export interface Overdue {
  queue: 'deliveries' | 'abandoned' | 'waits' | 'schedules' | 'outbox';
  /** The channel of deliveries; null for other queues. */
  channel: Channel | null;
  count: number;
  /** True if `count` is a lower bound. */
  has_more: boolean;
  oldest_due_at: string;
}

/** Provider, or domain of recipients, to which nothing is sent at present. */
export interface OpenCircuit {
  provider: string;
  /** Null: the provider itself. */
  domain: string | null;
  since: string;
  cause: string;
  next_probe_at: string;
}

export interface CatalogVersion {
  version: number;
  active: boolean;
  applied_at: string;
  applied_by: string;
  rules: number;
  notifications: number;
  /** Newest first. */
  activations: { kind: 'applied' | 'rolled_back'; at: string; by: string; from?: number }[];
}

/** Part that differs between two catalog versions. */
export interface Difference {
  part: 'event' | 'traits' | 'notification' | 'rule' | 'group' | 'template';
  name: string;
  change: 'added' | 'removed' | 'changed';
  /** Changed fields with both values; a value is null if that version does not have the field. */
  fields?: { field: string; from: Json; to: Json }[];
}

/** A failed call: the problem document of the API (RFC 9457), or a description made here if the response lacks one. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string;

  constructor(status: number, title: string, detail: string, code: string) {
    super(title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.code = code;
  }
}

/** Returns the latest events of all users, newest first. `limit`: 1 to 200. */
export const getActivity = (limit: number): Promise<{ events: ActivityEvent[] }> => callApi(`activity?limit=${limit}`);

/** Returns up to 10 users whose ID starts with `prefix`. */
export const findUsers = (prefix: string): Promise<{ users: { user_id: string }[] }> =>
  callApi(`users?prefix=${encodeURIComponent(prefix)}&limit=10`);

/** Returns a page of 50 events of a user. `after`: the `next` of the previous page, null for the first. */
export const getAudit = (userId: string, after: string | null): Promise<Audit> =>
  callApi(`audit/${encodeURIComponent(userId)}?${buildQuery({ limit: '50', after })}`);

/** Returns why the user received a notification type, or did not. */
export const getExplanation = (userId: string, type: string): Promise<Explanation> =>
  callApi(`explain/${encodeURIComponent(userId)}/${encodeURIComponent(type)}`);

/** Returns a page of 50 deliveries, newest first. `status` null: every status. `after`: as for `getAudit`. */
export const getDeliveries = (
  status: DeliveryStatus | null,
  after: string | null,
): Promise<{ deliveries: Delivery[]; next: string | null }> =>
  callApi(`deliveries?${buildQuery({ limit: '50', status, after })}`);

/** Returns what holds up the queues. `circuits` null: the process that responds runs no workers. */
export const getQueue = (): Promise<{ overdue: Overdue[]; circuits: OpenCircuit[] | null }> => callApi('queue');

/** Queues a delivery again. Throws a Problem with the code `not_retryable` if its status does not allow that. */
export const retryDelivery = (id: string): Promise<Delivery> =>
  callApi(`deliveries/${encodeURIComponent(id)}/retry`, 'POST');

/** Cancels a queued delivery. Throws a Problem with the code `not_cancellable` if its status does not allow that. */
export const cancelDelivery = (id: string): Promise<Delivery> =>
  callApi(`deliveries/${encodeURIComponent(id)}/cancel`, 'POST');

/** Returns the message of a delivery as it was sent. */
export const getMessage = (id: string): Promise<SentMessage> => callApi(`deliveries/${encodeURIComponent(id)}/message`);

/** Returns a page of rejected events, newest first. `after`: the `next` of the previous page, null for the first. */
export const getRejectedEvents = (after: string | null): Promise<{ rejected: RejectedEvent[]; next: string | null }> =>
  callApi(`events/rejected?${buildQuery({ limit: '50', after })}`);

/** Retries a rejected event unchanged. A repeated rejection is returned in the response, not thrown. */
export const retryRejectedEvent = (id: string): Promise<IngestResponse> =>
  callApi(`events/rejected/${encodeURIComponent(id)}/retry`, 'POST', undefined, isIngestResponse);

/** Corrects a rejected event by a JSON merge patch. A repeated rejection is returned in the response, not thrown. */
export const correctRejectedEvent = (id: string, patch: JsonObject): Promise<IngestResponse> =>
  callApi(`events/rejected/${encodeURIComponent(id)}/correct`, 'POST', { patch }, isIngestResponse);

/** Deletes a rejected event. */
export const dismissRejectedEvent = (id: string): Promise<unknown> =>
  callApi(`events/rejected/${encodeURIComponent(id)}/dismiss`, 'POST');

/** Returns the largest groups of rejected events. */
export const getRejectedGroups = (): Promise<{ count: number; at_least: boolean; groups: RejectedGroup[] }> =>
  callApi('events/rejected/groups');

/** Cancels a pending wait. */
export const cancelWait = (id: string): Promise<unknown> => callApi(`waits/${encodeURIComponent(id)}/cancel`, 'POST');

/** Counts what a job would do now. */
export const previewJob = ({ action, filter }: JobRequest): Promise<JobPreview> =>
  callApi('jobs/preview', 'POST', { action, filter });

/** Starts a job. `key`: a repeated call with the same key starts no second job. */
export const startJob = (request: JobRequest, key: string): Promise<Job> =>
  callApi('jobs', 'POST', { ...request }, undefined, { 'idempotency-key': key });

export const getJob = (id: string): Promise<Job> => callApi(`jobs/${encodeURIComponent(id)}`);

/** Returns a page of 50 jobs, newest first. `after`: the `next` of the previous page, null for the first. */
export const getJobs = (after: string | null): Promise<{ jobs: Job[]; next: string | null }> =>
  callApi(`jobs?${buildQuery({ limit: '50', after })}`);

/** Returns the first 50 failures of a job. */
export const getJobFailures = (id: string): Promise<{ failures: JobFailure[]; next: string | null }> =>
  callApi(`jobs/${encodeURIComponent(id)}/failures?limit=50`);

export const stopJob = (id: string): Promise<Job> => callApi(`jobs/${encodeURIComponent(id)}/stop`, 'POST');

/** Returns the latest 50 waits of a user, newest first. `status` null: waits of every status. */
export const getWaits = (
  userId: string,
  status: Wait['status'] | null,
): Promise<{ waits: Wait[]; next: string | null }> =>
  callApi(`waits?${buildQuery({ limit: '50', user_id: userId, status })}`);

/** Returns the active catalog. */
export const getCatalog = (): Promise<Catalog> => callApi('catalog');

/** Returns the latest 200 catalog versions, newest first. */
export const getCatalogVersions = (): Promise<{ versions: CatalogVersion[] }> => callApi('catalog/versions?limit=200');

/** Returns the differences from version `from` to version `to`; version 0 is empty. */
export const getCatalogDiff = (from: number, to: number): Promise<{ differences: Difference[] }> =>
  callApi(`catalog/diff?from=${from}&to=${to}`);

/** Activates an earlier version. `changed` is false if it was active already. */
export const rollBackCatalog = (version: number): Promise<{ version: number; from: number; changed: boolean }> =>
  callApi('catalog/rollback', 'POST', { version });

function buildQuery(parameters: Record<string, string | null>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== null);
  return new URLSearchParams(given).toString();
}

function isIngestResponse(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'results' in body;
}

/**
 * Calls the API with the key of this tab and returns the body of the response.
 * @param isResult recognizes bodies to return even if the status is an error
 * @throws Problem if the API cannot be reached or returns an error
 */
async function callApi<T>(
  path: string,
  method: 'GET' | 'POST' = 'GET',
  content?: JsonObject,
  isResult: (body: unknown) => boolean = () => false,
  extraHeaders: Record<string, string> = {},
): Promise<T> {
  const key = getApiKey();
  const headers = new Headers({ accept: 'application/json', ...extraHeaders });
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  if (content !== undefined) headers.set('content-type', 'application/json');
  const sent = content === undefined ? {} : { body: JSON.stringify(content) };
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`/api/v1/${path}`, { method, headers, ...sent });
    body = await response.json().catch(() => undefined);
  } catch {
    throw new Problem(
      0,
      'Tidings cannot be reached',
      'Check that Tidings is running. The request received no response.',
      'unreachable',
    );
  }
  if ((response.ok && body !== undefined) || isResult(body)) return body as T;
  if (response.status === 401) reportRejectedKey(key);
  throw toProblem(response.status, body);
}

function toProblem(status: number, body: unknown): Problem {
  const document = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (field: string, otherwise: string) =>
    typeof document[field] === 'string' ? document[field] : otherwise;
  return new Problem(
    status,
    text('title', 'Unexpected response'),
    text('detail', `The server returned status ${status} without a reason.`),
    text('code', `http_${status}`),
  );
}
