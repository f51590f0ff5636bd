import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import type { CompiledSource, MappedMessage } from '../catalog/compile/compile-sources.ts';
import { TidingsError } from '../errors.ts';
import type { Rejection } from '../events/envelope.ts';
import type { OrderedItem } from '../ingest/in-order.ts';
import { isStorable } from '../lib/text/storable.ts';
import type { JsonObject } from '../model/event.ts';
import { type Actor, SCOPES } from '../model/principal.ts';
import type { KafkaMessage } from '../model/source.ts';
import { checkRequest } from '../notify/check-request.ts';
import type { SendRequest } from '../notify/request.ts';
import { buildRequestedEvent } from '../notify/requested-event.ts';
import { completeSchedule, findCatalog } from '../notify/send-notifications.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import type { ReadRecord } from './read-record.ts';

export interface ItemParts {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  /** The tenant of the installation, whose sources may be for several tenants. Absent: no source is. */
  readonly installation?: string | undefined;
  /** Checks the shape of a request for a notification to one user. */
  readonly parseRequest: (request: JsonObject) => ParsedRequest | Promise<ParsedRequest>;
}

/** A request for a notification without its recipients, or the first mistake in it. */
export type ParsedRequest = Omit<SendRequest, 'recipients'> | { readonly path: string; readonly message: string };

/** Characters of the id of a user, at most. */
const MAX_USER_ID_CHARS = 256;

/** The member of a rejected item that says which message it was; what has only this member is not mapped. */
export const RECORD_MEMBER = 'kafka_record';

/** Returns the identity of a message that brings none: the same whenever it is read. */
export function toMessageId(topicId: string, partition: number, offset: bigint): string {
  return `kafka:${topicId}:${partition}:${offset}`;
}

/** Returns a message as an item of the stream of a tenant. */
export async function toOrderedItem(
  parts: ItemParts,
  tenantId: string,
  { source, map }: CompiledSource,
  { message, raw }: ReadRecord,
  id: string,
): Promise<OrderedItem> {
  const { topic, partition, offset, timestamp, key, headers } = message;
  const origin = { source: source.name, position: { topic, partition, offset } };
  const { traceparent } = headers;
  const trace = traceparent === undefined ? {} : { traceparent };
  const mapped = map(message, id);
  const record = { source: source.name, id, topic, partition, offset, timestamp, key, headers };
  const whole = toWhole(source.name, { message, raw }, id);
  if (mapped.kind === 'skipped') return { event: null, kept: null, origin };
  if (mapped.kind === 'event') {
    const { item } = mapped;
    return { event: { item }, kept: { ...item, [RECORD_MEMBER]: record }, origin, ...toUser(item.user_id), ...trace };
  }
  if (mapped.kind === 'rejected') return { event: { rejection: toRejection(mapped) }, kept: whole, origin };
  const event = await toRequested(parts, tenantId, source.name, mapped);
  return { event, kept: whole, origin, ...toUser(mapped.userId), ...trace };
}

/** Returns the user of an item, unless no user can have this id. */
function toUser(id: unknown): Pick<OrderedItem, 'userId'> {
  return typeof id === 'string' && id.length <= MAX_USER_ID_CHARS && isStorable(id) ? { userId: id } : {};
}

/** Returns a message that was not mapped as a rejected item, which keeps it whole. */
export function toUnmappedItem(
  { source }: CompiledSource,
  read: ReadRecord,
  id: string,
  rejection: Rejection,
): OrderedItem {
  const { topic, partition, offset } = read.message;
  return {
    event: { rejection },
    kept: toWhole(source.name, read, id),
    origin: { source: source.name, position: { topic, partition, offset } },
  };
}

function toWhole(source: string, { message, raw }: ReadRecord, id: string): JsonObject {
  const { topic, partition, offset, timestamp, key, headers, value = null } = message;
  const record = { source, id, topic, partition, offset, timestamp, key, headers };
  return { [RECORD_MEMBER]: { ...record, ...(raw ? { raw } : { value }) } };
}

function toRejection({ path, message }: { readonly path: string; readonly message: string }): Rejection {
  return { code: 'invalid_event', path, message: `${path} ${message}`.trim() };
}

/** Returns the event by which a message asks for a notification, as a direct send does. */
async function toRequested(
  parts: ItemParts,
  tenantId: string,
  source: string,
  { userId, eventId, time, request: given }: Extract<MappedMessage, { kind: 'request' }>,
): Promise<NonNullable<OrderedItem['event']>> {
  const request = await parts.parseRequest(given);
  if ('message' in request)
    return { rejection: toRejection({ path: `properties.${request.path}`, message: request.message }) };
  const at = parseTimestamp(time);
  if ('problem' in at) return { rejection: { code: 'invalid_timestamp', path: 'time', message: at.problem } };
  const catalog = await findCatalog(parts.catalogs, tenantId, request.type);
  try {
    // A producer that may write into the topic may ask for what the catalog has; its own clock says whether it came too late.
    checkRequest({ ...request, recipients: [] }, catalog, new Set(SCOPES), at.time);
  } catch (error) {
    if (!(error instanceof TidingsError)) throw error;
    return { rejection: { code: 'invalid_event', path: 'properties', message: error.message } };
  }
  const scheduledAt = await completeSchedule(parts.pool, tenantId, request.scheduled_at, catalog);
  const actor: Actor = { kind: 'system', id: `source ${source}`, name: `source ${source}`, from: null };
  const base = { request, scheduledAt, requestId: `req_${eventId}`, actor };
  return { item: buildRequestedEvent(base, { userId, eventId, time: at.time }) };
}

/**
 * Returns a rejected item as it is ingested again: without the record, or, if it was never mapped, what its source makes of it now.
 * An item that was posted is returned as it is.
 * @param given the item, or a correction of it
 * @param original the item as it was rejected
 */
export async function toRetriedItem(
  parts: ItemParts,
  tenantId: string,
  given: unknown,
  original: unknown,
): Promise<{ readonly item: unknown } | { readonly rejection: Rejection }> {
  const item = keepRecord(given, original);
  if (typeof item !== 'object' || item === null || !(RECORD_MEMBER in item)) return { item };
  const { [RECORD_MEMBER]: kept, ...event } = item as { [RECORD_MEMBER]: JsonObject };
  const id = String(kept?.id);
  if (Object.keys(event).length > 0) return { item: 'event_type' in event ? { event_id: id, ...event } : event };
  const compiled = await findSource(parts, tenantId, kept?.source);
  if (!compiled) return { rejection: toRejection({ path: 'source', message: 'is no longer in the catalog' }) };
  const message = { ...kept, value: kept.value } as unknown as KafkaMessage;
  // Callers who may change events of one tenant must not make some of another: neither here nor by a correction.
  if (compiled.source.tenant !== undefined && compiled.findTenant(message) !== tenantId) {
    const problem = 'does not name this tenant; publish the message again once the tenant that it names is active';
    return { rejection: toRejection({ path: 'tenant', message: problem }) };
  }
  const { event: mapped } = await toOrderedItem(parts, tenantId, compiled, { message, raw: undefined }, id);
  return mapped ?? { rejection: toRejection({ path: 'source', message: 'skips this message now; dismiss it' }) };
}

/** Returns the source of this name of a tenant, or else that of the installation, if it is for several tenants. */
async function findSource(
  { catalogs, installation }: ItemParts,
  tenantId: string,
  name: unknown,
): Promise<CompiledSource | undefined> {
  const find = async (of: string) => (await catalogs.refresh(of)).sources.find(({ source }) => source.name === name);
  const own = await find(tenantId);
  if (own || installation === undefined || installation === tenantId) return own;
  const shared = await find(installation);
  return shared?.source.tenant === undefined ? undefined : shared;
}

/** Returns a correction with the record of the original, so that it has its identity. */
function keepRecord(corrected: unknown, original: unknown): unknown {
  if (typeof original !== 'object' || original === null || !(RECORD_MEMBER in original)) return corrected;
  if (typeof corrected !== 'object' || corrected === null || Array.isArray(corrected)) return corrected;
  return { [RECORD_MEMBER]: original[RECORD_MEMBER], ...corrected };
}
