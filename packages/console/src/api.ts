/**
 * The HTTP API as the console uses it: shapes, calls, and the one place that fetches.
 * Times are ISO 8601 in UTC. Every call rejects with a `Problem`, and with nothing else.
 */
import type {
  Category,
  Channel,
  DeliveryStatus,
  Evidence,
  JsonObject,
  Outcome,
  Decision as StoredDecision,
} from '../../../src/model.ts';
import { apiKey, keyRefused } from './key.ts';

export type { Category, Channel, DeliveryStatus, Evidence, JsonObject, Outcome };

export type Decision = StoredDecision;

export interface ActivityEvent {
  event_id: string;
  event_type: string;
  event_timestamp: string;
  received_at: string;
  user_id: string;
  decisions: Decision[];
}

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
  duration_ms: number | null;
  outcome: 'delivered' | 'retry' | 'rejected' | 'in_doubt' | 'undeliverable' | null;
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
  due_at: string | null;
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
  rule: string | null;
  decision_id: string | null;
  event_id: string | null;
  created_at: string;
  deliveries: Delivery[];
}

export interface Audit {
  user_id: string;
  profile: Profile | null;
  recent_events: AuditEvent[];
  decisions: AuditDecision[];
  notifications: Notification[];
  /** Pass as `before` for what is older; null: that was all. */
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
  /** How the latest decision to send it fared. */
  answer: 'sent' | 'on_its_way' | 'not_delivered' | 'not_sent';
  paragraph: string;
  rules: {
    rule: string;
    on: string[];
    when: string | null;
    after: RuleAfter | null;
    limits: string[];
    /** False: no longer in the catalog, so that the rest is not known. */
    active: boolean;
    decisions: { send: number; suppressed: number; not_matched: number };
  }[];
  decisions: AuditDecision[];
  notifications: Notification[];
}

export interface RuleAfter {
  event: string;
  within: string;
}

export interface CatalogRule {
  name: string;
  on: string[];
  when?: string;
  after?: RuleAfter;
  limits: string[];
  notify: string[];
}

export interface CatalogNotification {
  name: string;
  description?: string;
  category: Category;
  channels: Channel[];
}

export interface Catalog {
  version: number;
  applied_at: string;
  events: { name: string; description?: string }[];
  notifications: CatalogNotification[];
  rules: CatalogRule[];
}

/** Why a call failed, from the API's problem document (RFC 9457) or, without one, from what can be seen here. */
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

export const getActivity = (limit = 50): Promise<{ events: ActivityEvent[] }> => call(`activity?limit=${limit}`);

export const findUsers = (prefix: string): Promise<{ users: { user_id: string }[] }> =>
  call(`users?prefix=${encodeURIComponent(prefix)}&limit=10`);

export const getAudit = (userId: string, before: string | null): Promise<Audit> =>
  call(`audit/${encodeURIComponent(userId)}?${query({ limit: '50', before })}`);

export const getExplanation = (userId: string, type: string): Promise<Explanation> =>
  call(`explain/${encodeURIComponent(userId)}/${encodeURIComponent(type)}`);

export const getDeliveries = (
  status: DeliveryStatus | null,
  before: string | null,
): Promise<{ deliveries: Delivery[]; next: string | null }> =>
  call(`deliveries?${query({ limit: '50', status, before })}`);

export const retryDelivery = (id: string): Promise<Delivery> =>
  call(`deliveries/${encodeURIComponent(id)}/retry`, 'POST');

export const getMessage = (id: string): Promise<SentMessage> => call(`deliveries/${encodeURIComponent(id)}/message`);

export const getCatalog = (): Promise<Catalog> => call('catalog');

function query(parameters: Record<string, string | null>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== null);
  return new URLSearchParams(given).toString();
}

async function call<T>(path: string, method: 'GET' | 'POST' = 'GET'): Promise<T> {
  const key = apiKey();
  const headers = new Headers({ accept: 'application/json' });
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`/api/v1/${path}`, { method, headers });
    body = await response.json().catch(() => undefined);
  } catch {
    throw new Problem(
      0,
      'Tidings cannot be reached',
      'Is it still running? Nothing answered the request.',
      'unreachable',
    );
  }
  if (response.ok && body !== undefined) return body as T;
  if (response.status === 401) keyRefused(key);
  throw problemOf(response.status, body);
}

function problemOf(status: number, body: unknown): Problem {
  const document = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (field: string, otherwise: string) =>
    typeof document[field] === 'string' ? document[field] : otherwise;
  return new Problem(
    status,
    text('title', 'The answer could not be understood'),
    text('detail', `The server answered ${status} without saying why.`),
    text('code', `http_${status}`),
  );
}
