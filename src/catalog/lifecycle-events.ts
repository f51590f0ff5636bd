import type { EventType } from '../model/catalog.ts';
import {
  CARD_REGISTERED,
  CARD_REGISTRATION_FAILED,
  CUSTOMER_IMPORT_FAILED,
  CUSTOMER_IMPORTED,
} from '../model/connector.ts';
import { NOTIFICATION_REQUESTED, NOTIFICATION_RESCHEDULED } from '../model/direct.ts';
import { type JsonObject, USER_MERGED } from '../model/event.ts';
import { CONSENT_RECORDED, CONSENT_STATES, PREFERENCE_UPDATED } from '../model/terms.ts';

/** Outcomes of a notification. Each is an event about the user it was for, such as `notification.opened`. */
export const LIFECYCLE_OUTCOMES = ['delivered', 'opened', 'clicked', 'bounced', 'failed', 'dropped'] as const;
export type LifecycleOutcome = (typeof LIFECYCLE_OUTCOMES)[number];

export function toLifecycleEventType(outcome: LifecycleOutcome): string {
  return `notification.${outcome}`;
}

const text: JsonObject = { type: 'string' };
const properties: JsonObject = {
  type: 'object',
  properties: { notification_type: text, notification_id: text, channel: text, reason: text, reason_code: text },
};

/** Outcomes of notifications as events. */
export const OUTCOME_EVENTS: readonly EventType[] = LIFECYCLE_OUTCOMES.map((outcome) => ({
  name: toLifecycleEventType(outcome),
  properties,
}));

const suppression: JsonObject = {
  type: 'object',
  properties: {
    suppression_id: text,
    channel: text,
    address: text,
    scope: text,
    reason: text,
    since: { type: 'string', format: 'date-time' },
    until: { type: 'string', format: 'date-time' },
  },
};

const SUPPRESSION_EVENTS: readonly EventType[] = [
  { name: 'suppression.added', properties: suppression },
  { name: 'suppression.removed', properties: suppression },
];

/** Events by which users say on which terms they get messages. */
const TERMS_EVENTS: readonly EventType[] = [
  {
    name: PREFERENCE_UPDATED,
    properties: {
      type: 'object',
      properties: {
        all: {},
        types: { type: 'object' },
        categories: { type: 'object' },
        channels: { type: 'object' },
        quiet_hours: { type: ['object', 'null'] },
        pause: {
          type: ['object', 'null'],
          properties: { until: { type: 'string', format: 'date-time' }, reason: text },
        },
        replace: { type: 'boolean' },
        by: { type: 'object', properties: { kind: text, id: text } },
      },
    },
  },
  {
    name: CONSENT_RECORDED,
    properties: {
      type: 'object',
      properties: {
        purpose: text,
        channel: text,
        state: { type: 'string', enum: [...CONSENT_STATES] },
        address: text,
        address_hash: text,
        trait_hash: text,
        source: text,
        method: text,
        wording_version: text,
        locale: text,
        expires_at: text,
        evidence_id: text,
        by: { type: 'object', properties: { kind: text, id: text } },
      },
    },
  },
];

/** Merges of users. */
const USER_EVENTS: readonly EventType[] = [
  {
    name: USER_MERGED,
    properties: {
      type: 'object',
      properties: {
        from: text,
        into: text,
        by: { type: 'object', properties: { kind: text, id: text } },
      },
    },
  },
];

/** Requests for notifications: see src/rules/direct.ts. Callers make them by /api/v1/notifications. */
const REQUEST_EVENTS: readonly EventType[] = [
  {
    name: NOTIFICATION_REQUESTED,
    properties: {
      type: 'object',
      properties: {
        notification_type: text,
        request_id: text,
        by: { type: 'object', properties: { kind: text, id: text } },
        channels: { type: 'array', items: text },
        priority: text,
        variables: { type: 'object' },
        content: { type: 'object' },
        scheduled_at: { type: ['string', 'object'] },
        expires_at: { type: 'string', format: 'date-time' },
        test: { type: 'object' },
      },
    },
  },
  {
    name: NOTIFICATION_RESCHEDULED,
    properties: {
      type: 'object',
      properties: {
        notification_id: text,
        notification_type: text,
        by: { type: 'object', properties: { kind: text, id: text } },
        scheduled_at: { type: ['string', 'object'] },
      },
    },
  },
];

const failure: JsonObject = {
  connector: text,
  task_id: text,
  attempt: { type: 'integer' },
  code: text,
  reason: text,
  is_final: { type: 'boolean' },
};

/** Events of what connectors did for a user. */
const CONNECTOR_EVENTS: readonly EventType[] = [
  {
    name: CUSTOMER_IMPORTED,
    properties: {
      type: 'object',
      properties: { connector: text, task_id: text, products: { type: 'array', items: { type: 'object' } } },
    },
  },
  { name: CUSTOMER_IMPORT_FAILED, properties: { type: 'object', properties: failure } },
  {
    name: CARD_REGISTERED,
    properties: {
      type: 'object',
      properties: { connector: text, task_id: text, product_uuid: text, code: text, cards: { type: 'object' } },
    },
  },
  { name: CARD_REGISTRATION_FAILED, properties: { type: 'object', properties: { ...failure, product_uuid: text } } },
];

/** Event types that every catalog has without declaring them. */
export const LIFECYCLE_EVENTS: readonly EventType[] = [
  ...OUTCOME_EVENTS,
  ...SUPPRESSION_EVENTS,
  ...TERMS_EVENTS,
  ...USER_EVENTS,
  ...REQUEST_EVENTS,
  ...CONNECTOR_EVENTS,
];

const NAMES: ReadonlySet<string> = new Set(LIFECYCLE_EVENTS.map(({ name }) => name));

/** Events that only Tidings itself may post, and how a caller has it do so. */
const OWN_EVENTS: ReadonlyMap<string, string> = new Map([
  ...SUPPRESSION_EVENTS.map(({ name }) => [name, 'add or lift a suppression by /api/v1/suppressions'] as const),
  ...REQUEST_EVENTS.map(({ name }) => [name, 'ask for a notification by /api/v1/notifications'] as const),
  ...CONNECTOR_EVENTS.map(({ name }) => [name, 'connectors of the catalog alone tell it'] as const),
  [USER_MERGED, 'merge users by /api/v1/users/{id}/merge'],
  [PREFERENCE_UPDATED, 'change the preferences by /api/v1/users/{id}/preferences'],
  [CONSENT_RECORDED, 'record the consent by /api/v1/users/{id}/consents'],
]);

/** Returns what to do in place of posting an event of this type; undefined: it may be posted. */
export function adviseOnOwn(type: string): string | undefined {
  return OWN_EVENTS.get(type);
}

/** Whether an event is one that Tidings itself has written to the outbox: its id begins with its type. */
export function isRelayed({ type, eventId }: { readonly type: string; readonly eventId: string }): boolean {
  return NAMES.has(type) && eventId.startsWith(`${type} `);
}
