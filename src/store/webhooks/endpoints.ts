import type { Channel, WebhookFormat } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { type DisabledCode, type EndpointState, MAX_ENDPOINTS } from '../../model/webhook.ts';
import { documentRow, openDocument, sealDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** An endpoint of webhooks, without what is sealed. */
export interface Endpoint {
  readonly tenantId: string;
  readonly endpointId: string;
  readonly url: string;
  readonly description: string;
  /** Facts that it receives: types, `PREFIX.*` or `*`; null: it receives messages of the channel instead. */
  readonly eventTypes: readonly string[] | null;
  /** Notification types whose messages, or facts about them, it receives; null: all. */
  readonly notificationTypes: readonly string[] | null;
  /** Channels about which it receives facts; null: all. */
  readonly channels: readonly Channel[] | null;
  readonly format: WebhookFormat;
  /** Whether it receives one message at a time, the oldest first. */
  readonly ordered: boolean;
  /** Messages per second, at most; null: no limit. */
  readonly perSecond: number | null;
  readonly headerNames: readonly string[];
  readonly state: EndpointState;
  /** Null: it is active. */
  readonly stateCode: DisabledCode | null;
  readonly stateChangedAt: Millis;
  /** The first failure since a success; null: the latest attempt succeeded, or there was no attempt. */
  readonly failingSince: Millis | null;
  readonly failures: number;
  /** The request that created it. */
  readonly operationId: string;
  /** From 1; grows with each change by a command. */
  readonly revision: number;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

/** Secrets and headers of an endpoint. */
export interface EndpointSecrets {
  /** The newest first; only that one does not end. */
  readonly secrets: readonly { readonly secret: string; readonly until: Millis | null }[];
  readonly headers: { readonly [name: string]: string };
}

export type SealedEndpoint = Endpoint & { readonly sealed: Buffer };

const COLUMNS = `tenant_id as "tenantId", endpoint_id as "endpointId", url, description, event_types as "eventTypes",
  notification_types as "notificationTypes", channels, format, ordered, per_second as "perSecond", header_names as "headerNames", state, state_code as "stateCode",
  state_changed_at as "stateChangedAt", failing_since as "failingSince", failures, operation_id as "operationId", revision,
  created_at as "createdAt", updated_at as "updatedAt"`;

/** Returns endpoints of a tenant, newest first. @param before those created before this one; null: from the newest */
export async function listEndpoints(
  connection: Connection,
  tenantId: string,
  limit: number,
  before: string | null,
): Promise<Endpoint[]> {
  const { rows } = await connection.query<Endpoint>(
    `select ${COLUMNS} from webhook_endpoints where tenant_id = $1 and endpoint_id < $2 order by endpoint_id desc limit $3`,
    [tenantId, before ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff', limit],
  );
  return rows;
}

/** Returns an endpoint; undefined: it does not exist. @param isLocked until the end of the transaction */
export async function loadEndpoint(
  connection: Pick<Connection, 'query'>,
  tenantId: string,
  endpointId: string,
  isLocked = false,
): Promise<SealedEndpoint | undefined> {
  const { rows } = await connection.query<SealedEndpoint>({
    name: isLocked ? 'lock-webhook-endpoint' : 'load-webhook-endpoint',
    text: `select ${COLUMNS}, sealed from webhook_endpoints where tenant_id = $1 and endpoint_id = $2 ${isLocked ? 'for update' : ''}`,
    values: [tenantId, endpointId],
  });
  return rows[0];
}

/** Returns the endpoint that a request created; undefined: it has created none. */
export async function findEndpointOf(
  connection: Connection,
  tenantId: string,
  operationId: string,
): Promise<SealedEndpoint | undefined> {
  const { rows } = await connection.query<SealedEndpoint>(
    `select ${COLUMNS}, sealed from webhook_endpoints where tenant_id = $1 and operation_id = $2`,
    [tenantId, operationId],
  );
  return rows[0];
}

export async function countEndpoints(connection: Connection, tenantId: string): Promise<number> {
  const { rows } = await connection.query<{ n: string }>(
    'select count(*) as n from webhook_endpoints where tenant_id = $1',
    [tenantId],
  );
  return Number(rows[0]?.n);
}

/** Returns the ids of the endpoints that receive messages of a type, in order of creation; at most MAX_ENDPOINTS. */
export async function findSubscribers(
  connection: Pick<Connection, 'query'>,
  tenantId: string,
  notificationType: string,
): Promise<string[]> {
  const { rows } = await connection.query<{ id: string }>({
    name: 'find-webhook-subscribers',
    text: `select endpoint_id as id from webhook_endpoints
           where tenant_id = $1 and event_types is null and (notification_types is null or $2 = any(notification_types))
           order by endpoint_id limit ${MAX_ENDPOINTS}`,
    values: [tenantId, notificationType],
  });
  return rows.map(({ id }) => id);
}

/** Parts of an endpoint that a command decides. */
export type WrittenEndpoint = Pick<
  Endpoint,
  | 'tenantId'
  | 'endpointId'
  | 'url'
  | 'description'
  | 'eventTypes'
  | 'notificationTypes'
  | 'channels'
  | 'format'
  | 'ordered'
  | 'perSecond'
  | 'state'
  | 'stateCode'
  | 'operationId'
> &
  EndpointSecrets;

/**
 * Inserts an endpoint, or replaces what is known of it. Returns it as it is then. One that becomes active starts without
 * failures.
 */
export async function saveEndpoint(
  connection: Connection,
  seal: Seal,
  written: WrittenEndpoint,
  now: Millis,
): Promise<Endpoint> {
  const { tenantId, endpointId, secrets, headers } = written;
  const sealed = sealDocument(seal, JSON.stringify({ secrets, headers }), rowOf(tenantId, endpointId));
  const { rows } = await connection.query<Endpoint>(
    `insert into webhook_endpoints as w (tenant_id, endpoint_id, url, description, notification_types, format, ordered, per_second,
       sealed, header_names, state, state_code, state_changed_at, operation_id, created_at, updated_at, event_types, channels)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $14, $13, $14, $14, $15, $16)
     on conflict (tenant_id, endpoint_id) do update set url = excluded.url, description = excluded.description,
       event_types = excluded.event_types, notification_types = excluded.notification_types, channels = excluded.channels, format = excluded.format, ordered = excluded.ordered,
       per_second = excluded.per_second, sealed = excluded.sealed, header_names = excluded.header_names, state = excluded.state,
       state_code = excluded.state_code,
       state_changed_at = case when w.state = excluded.state then w.state_changed_at else excluded.state_changed_at end,
       failing_since = case when w.state = excluded.state then w.failing_since end,
       failures = case when w.state = excluded.state then w.failures else 0 end,
       warned_at = case when w.state = excluded.state then w.warned_at end,
       free_at = case when w.per_second is not distinct from excluded.per_second then w.free_at else '-infinity' end,
       revision = w.revision + 1, updated_at = excluded.updated_at
     returning ${COLUMNS}`,
    [
      tenantId,
      endpointId,
      written.url,
      written.description,
      written.notificationTypes,
      written.format,
      written.ordered,
      written.perSecond,
      sealed,
      Object.keys(headers).sort(),
      written.state,
      written.stateCode,
      written.operationId,
      isoTime(now),
      written.eventTypes,
      written.channels,
    ],
  );
  return rows[0]!;
}

/** Deletes an endpoint; what waits for it ends when it is due. */
export async function deleteEndpoint(connection: Connection, tenantId: string, endpointId: string): Promise<void> {
  await connection.query('delete from webhook_endpoints where tenant_id = $1 and endpoint_id = $2', [
    tenantId,
    endpointId,
  ]);
}

/** Returns secrets and headers of an endpoint; undefined: they cannot be opened. */
export function openEndpoint(
  seal: Seal,
  { tenantId, endpointId, sealed }: SealedEndpoint,
): EndpointSecrets | undefined {
  return openDocument(seal, sealed, rowOf(tenantId, endpointId)) as unknown as EndpointSecrets | undefined;
}

/** Locks the endpoints of a tenant until the end of the transaction: their number does not grow meanwhile. */
export async function lockEndpoints(connection: Connection, tenantId: string): Promise<void> {
  await connection.query("select pg_advisory_xact_lock(hashtext('tidings webhooks'), hashtext($1))", [tenantId]);
}

function rowOf(tenantId: string, endpointId: string) {
  return documentRow('webhook_endpoints', tenantId, endpointId);
}
