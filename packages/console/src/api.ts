import type {
  ActivityEvent,
  Attempt,
  Batch,
  BatchEstimate,
  BatchPage,
  BatchResult,
  BatchResultPage,
  Cancellation,
  Catalog,
  CatalogDiff,
  CatalogVersionPage,
  Consent,
  ConsentPage,
  CorrelatedEntry,
  CorrelatedPage,
  CostRow,
  CostSummary,
  DeadLetterGroup,
  DeadLetterGroupPage,
  DeadLetterPage,
  Decision,
  Delivery,
  DeliveryPage,
  DeliverySummary,
  DeliveryWithAttempts,
  Difference,
  Erasure,
  Evidence,
  Explanation,
  IngestResult,
  Job,
  JobFailurePage,
  JobPage,
  JobPreview,
  Json,
  JsonObject,
  Message,
  Notification,
  NotificationDetail,
  NotificationPage,
  NotificationSummary,
  NotificationType,
  Overdue,
  PreferenceCell,
  Preferences,
  Profile,
  ProviderAccount,
  ProviderAccountList,
  QueueState,
  RejectedEvent,
  RejectedGroup,
  RejectedGroups,
  RejectedPage,
  RollbackResult,
  RouteEntryState,
  RouteState,
  RouteStates,
  Rule,
  SendingState,
  StoredDecision,
  StoredEvent,
  Suppression,
  SuppressionPage,
  TypePreferences,
  UserAddress,
  UserAddresses,
  UserAudit,
  UserMerge,
  UserPage,
  Verdict,
  Wait,
  WaitPage,
  Webhook,
  WebhookPage,
} from '@tidings/client/types';
import { getApiKey, reportRejectedKey } from './key.ts';
import { getTenant } from './tenant.ts';

/* The shapes of the API, as its OpenAPI document describes them, under the names of the console. */

export type {
  ActivityEvent,
  Attempt,
  Batch,
  BatchEstimate,
  BatchResult,
  Cancellation,
  Catalog,
  Consent,
  CorrelatedEntry,
  CostRow,
  CostSummary,
  DeadLetterGroup,
  Decision,
  Delivery,
  DeliverySummary,
  DeliveryWithAttempts,
  Difference,
  Erasure,
  Evidence,
  Explanation,
  Job,
  JobPreview,
  Json,
  JsonObject,
  Notification,
  NotificationDetail,
  NotificationSummary,
  Overdue,
  PreferenceCell,
  Preferences,
  Profile,
  ProviderAccount,
  QueueState,
  RejectedEvent,
  RejectedGroup,
  RouteEntryState,
  RouteState,
  SendingState,
  Suppression,
  TypePreferences,
  UserAddress,
  UserMerge,
  Verdict,
  Wait,
  Webhook,
};

export type AuditDecision = StoredDecision;
export type AuditEvent = StoredEvent;
export type CatalogNotification = NotificationType;
export type CatalogRule = Rule;
export type BatchState = Batch['state'];
export type RecipientState = BatchResult['state'];
export type NotificationState = NotificationSummary['state'];
export type CatalogVersion = CatalogVersionPage['versions'][number];
export type Channel = Delivery['channel'];
export type DeliveryStatus = Delivery['status'];
export type IngestResponse = IngestResult;
export type JobActionName = Job['action'];
export type OpenCircuit = QueueState['circuits'][number];
export type Outcome = Decision['outcome'];
export type SentMessage = Message;
export type Audit = UserAudit;
export type WaitKind = Wait['kind'];

/** Action on many items, and which. */
export interface JobRequest {
  action: JobActionName;
  filter: JsonObject;
  name?: string;
  /** Correction of each rejected event: a JSON merge patch (RFC 7396). */
  patch?: JsonObject;
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
export const findUsers = (prefix: string): Promise<UserPage> =>
  callApi(`users?prefix=${encodeURIComponent(prefix)}&limit=10`);

/** Returns a page of 50 events of a user. `after`: the `next` of the previous page, null for the first. */
export const getAudit = (userId: string, after: string | null): Promise<Audit> =>
  callApi(`audit/${encodeURIComponent(userId)}?${buildQuery({ limit: '50', after })}`);

/** Returns a page of 50 events and notifications of a correlation id, of all users, newest first. `after`: as for `getAudit`. */
export const getCorrelated = (correlationId: string, after: string | null): Promise<CorrelatedPage> =>
  callApi(`audit?${buildQuery({ correlation_id: correlationId, limit: '50', after })}`);

/** Returns why the user received a notification type, or did not. */
export const getExplanation = (userId: string, type: string): Promise<Explanation> =>
  callApi(`explain/${encodeURIComponent(userId)}/${encodeURIComponent(type)}`);

/** Returns a page of 50 deliveries, newest first. `status` null: every status. `after`: as for `getAudit`. */
export const getDeliveries = (status: DeliveryStatus | null, after: string | null): Promise<DeliveryPage> =>
  callApi(`deliveries?${buildQuery({ limit: '50', status, after })}`);

/** Returns what holds up the queues. */
export const getQueue = (): Promise<QueueState> => callApi('queue');

/** Returns the first 200 groups of dead letters. */
export const getDeadLetterGroups = (): Promise<DeadLetterGroupPage> => callApi('dead-letters?limit=200');

/** Returns a group with a page of 50 of its dead letters, the latest first. `after`: as for `getAudit`. */
export const getDeadLetters = (group: string, after: string | null): Promise<DeadLetterPage> =>
  callApi(`dead-letters/${encodeURIComponent(group)}?${buildQuery({ limit: '50', after })}`);

/** Returns the accounts with providers, in order of choice. */
export const getAccounts = (): Promise<ProviderAccountList> => callApi('provider-accounts');

/** Returns the accounts with their circuits and limits, and how emails fare. */
export const getSending = (): Promise<SendingState> => callApi('sending');

/** Returns by which accounts the messages of each channel go at present. */
export const getRoutes = (): Promise<RouteStates> => callApi('routes');

/** Returns the costs of the last `days` days, of each day, by `group`. */
export function getCosts(group: string, days: number): Promise<CostSummary> {
  const from = new Date(Date.now() - (days - 1) * 86_400_000).toISOString().slice(0, 10);
  return callApi(`costs?${buildQuery({ by: `day,${group}`, from })}`);
}

/** Returns a page of 50 endpoints of webhooks, newest first. `after`: as for `getAudit`. */
export const getWebhooks = (after: string | null): Promise<WebhookPage> =>
  callApi(`webhooks?${buildQuery({ limit: '50', after })}`);

/** Returns a page of 50 addresses that get no messages, newest first. `after`: as for `getAudit`. */
export const getSuppressions = (after: string | null): Promise<SuppressionPage> =>
  callApi(`suppressions?${buildQuery({ limit: '50', after })}`);

/** Returns a page of 50 suppressions of the addresses of a user, newest first. `after`: as for `getAudit`. */
export const getSuppressionsOf = (userId: string, after: string | null): Promise<SuppressionPage> =>
  callApi(`suppressions?${buildQuery({ limit: '50', user_id: userId, after })}`);

/** Returns a page of 50 batches, newest first. `after`: as for `getAudit`. */
export const getBatches = (after: string | null): Promise<BatchPage> =>
  callApi(`batches?${buildQuery({ limit: '50', after })}`);

export const getBatch = (id: string): Promise<Batch> => callApi(`batches/${encodeURIComponent(id)}`);

/** Says what would become of the pending recipients of a batch. Takes some seconds for a large one. */
export const getBatchEstimate = (id: string): Promise<BatchEstimate> =>
  callApi(`batches/${encodeURIComponent(id)}/estimate`);

/** Returns a page of 50 results of the lines of a batch, in their order. `state` null: of every state. */
export const getBatchResults = (
  id: string,
  state: RecipientState | null,
  after: string | null,
): Promise<BatchResultPage> =>
  callApi(`batches/${encodeURIComponent(id)}/results?${buildQuery({ limit: '50', state, after })}`);

/** Starts, pauses, resumes or cancels a batch. Throws a Problem `wrong_batch_state` if its state does not allow that. */
export const commandBatch = (id: string, command: 'start' | 'pause' | 'resume' | 'cancel'): Promise<Batch> =>
  callApi(`batches/${encodeURIComponent(id)}/${command}`, 'POST');

/** Changes how many recipients per second a batch asks for; null: no limit. */
export const changeBatchRate = (id: string, perSecond: number | null): Promise<Batch> =>
  callApi(`batches/${encodeURIComponent(id)}`, 'PATCH', { per_second: perSecond });

/** Returns a page of 50 notifications, newest first. `state` null: of every state. `after`: as for `getAudit`. */
export const getNotifications = (state: NotificationState | null, after: string | null): Promise<NotificationPage> =>
  callApi(`notifications?${buildQuery({ limit: '50', state, after })}`);

export const getNotification = (id: string): Promise<NotificationDetail> =>
  callApi(`notifications/${encodeURIComponent(id)}`);

/** Cancels what of a notification has not begun; the answer says what was too late. */
export const cancelNotification = (id: string): Promise<Cancellation> =>
  callApi(`notifications/${encodeURIComponent(id)}/cancel`, 'POST');

/** Returns what goes to a user, and what decides that. */
export const getPreferences = (userId: string): Promise<Preferences> =>
  callApi(`users/${encodeURIComponent(userId)}/preferences`);

/** Returns a page of 50 consents of a user, the one that was recorded last first. `after`: as for `getAudit`. */
export const getConsents = (userId: string, after: string | null): Promise<ConsentPage> =>
  callApi(`users/${encodeURIComponent(userId)}/consents?${buildQuery({ limit: '50', after })}`);

/** Returns the addresses of a user, masked. */
export const getAddresses = (userId: string): Promise<UserAddresses> =>
  callApi(`users/${encodeURIComponent(userId)}/addresses`);

/** Merges a user into another. It cannot be undone. */
export const mergeUser = (userId: string, into: string): Promise<UserMerge> =>
  callApi(`users/${encodeURIComponent(userId)}/merge`, 'POST', { into });

/** Erases everything about a user. It cannot be undone. */
export const eraseUser = (userId: string, reason: string): Promise<Erasure> =>
  callApi(`users/${encodeURIComponent(userId)}/erase`, 'POST', reason === '' ? {} : { reason });

/** Queues a delivery again. Throws a Problem with the code `not_retryable` if its status does not allow that. */
export const retryDelivery = (id: string): Promise<Delivery> =>
  callApi(`deliveries/${encodeURIComponent(id)}/retry`, 'POST');

/** Cancels a queued delivery. Throws a Problem with the code `not_cancellable` if its status does not allow that. */
export const cancelDelivery = (id: string): Promise<Delivery> =>
  callApi(`deliveries/${encodeURIComponent(id)}/cancel`, 'POST');

/** Returns the message of a delivery as it was sent. */
export const getMessage = (id: string): Promise<SentMessage> => callApi(`deliveries/${encodeURIComponent(id)}/message`);

/** Returns a page of rejected events, newest first. `after`: the `next` of the previous page, null for the first. */
export const getRejectedEvents = (after: string | null): Promise<RejectedPage> =>
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
export const getRejectedGroups = (): Promise<RejectedGroups> => callApi('events/rejected/groups');

/** Cancels a pending wait. */
export const cancelWait = (id: string): Promise<unknown> => callApi(`waits/${encodeURIComponent(id)}/cancel`, 'POST');

/** Lets a wait be tried again that is set aside. */
export const retryWait = (id: string): Promise<unknown> => callApi(`waits/${encodeURIComponent(id)}/retry`, 'POST');

/** Counts what a job would do now. */
export const previewJob = ({ action, filter }: JobRequest): Promise<JobPreview> =>
  callApi('jobs/preview', 'POST', { action, filter });

/** Starts a job. `key`: a repeated call with the same key starts no second job. */
export const startJob = (request: JobRequest, key: string): Promise<Job> =>
  callApi('jobs', 'POST', { ...request }, undefined, { 'idempotency-key': key });

export const getJob = (id: string): Promise<Job> => callApi(`jobs/${encodeURIComponent(id)}`);

/** Returns a page of 50 jobs, newest first. `after`: the `next` of the previous page, null for the first. */
export const getJobs = (after: string | null): Promise<JobPage> =>
  callApi(`jobs?${buildQuery({ limit: '50', after })}`);

/** Returns the first 50 failures of a job. */
export const getJobFailures = (id: string): Promise<JobFailurePage> =>
  callApi(`jobs/${encodeURIComponent(id)}/failures?limit=50`);

export const stopJob = (id: string): Promise<Job> => callApi(`jobs/${encodeURIComponent(id)}/stop`, 'POST');

/** Returns the latest 50 waits of a user, newest first. `status` null: waits of every status. */
export const getWaits = (userId: string, status: Wait['status'] | null): Promise<WaitPage> =>
  callApi(`waits?${buildQuery({ limit: '50', user_id: userId, status })}`);

/** Returns the active catalog. */
export const getCatalog = (): Promise<Catalog> => callApi('catalog');

/** Returns the latest 200 catalog versions, newest first. */
export const getCatalogVersions = (): Promise<CatalogVersionPage> => callApi('catalog/versions?limit=200');

/** Returns the differences from version `from` to version `to`; version 0 is empty. */
export const getCatalogDiff = (from: number, to: number): Promise<CatalogDiff> =>
  callApi(`catalog/diff?from=${from}&to=${to}`);

/** Activates an earlier version. `changed` is false if it was active already. */
export const rollBackCatalog = (version: number): Promise<RollbackResult> =>
  callApi('catalog/rollback', 'POST', { version });

/** Sender of the requests of this console, as the API knows it. */
export interface Session {
  login: {
    /** An OpenID provider logs members in. */
    oidc: boolean;
    required: boolean;
  };
  /** Null: unknown. */
  actor: { kind: string; name: string } | null;
  /** Why the sender may do nothing; null: it may do something. */
  code: string | null;
  tenant_id: string | null;
  environment: string | null;
  scopes: string[];
  tenants: { tenant_id: string; name: string; environment: string; role: string }[];
}

export const getSession = (): Promise<Session> => callApi('session');

/** Logs in by a one-time link. Throws a Problem with the code `link_used` if it no longer works. */
export const logInByLink = (link: string): Promise<unknown> => callApi('session', 'POST', { link });

export const logOut = (): Promise<unknown> => callApi('session', 'DELETE');

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
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE' = 'GET',
  content?: JsonObject,
  isResult: (body: unknown) => boolean = () => false,
  extraHeaders: Record<string, string> = {},
): Promise<T> {
  // The browser removes such parts of a path, however they are encoded: the answer would be that of another resource.
  if ((path.split('?')[0] ?? '').split('/').some((part) => /^\.{0,2}$/.test(part))) {
    throw new Problem(
      0,
      'Cannot be shown',
      'An ID that is empty, "." or ".." cannot be part of an address.',
      'invalid_id',
    );
  }
  const key = getApiKey();
  const headers = new Headers({ accept: 'application/json', ...extraHeaders });
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  const tenant = getTenant();
  if (tenant !== null) headers.set('x-tidings-tenant', tenant);
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
