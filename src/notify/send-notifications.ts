import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import { TidingsError } from '../errors.ts';
import type { Pipeline } from '../ingest/pipeline.ts';
import type { EventResult } from '../ingest/results.ts';
import type { NotificationType } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import type { Schedule } from '../model/direct.ts';
import type { Millis } from '../model/event.ts';
import { NO_POLICY } from '../model/preferences.ts';
import type { Actor, Scope } from '../model/principal.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Unreachable } from '../store/deliveries/unreachable.ts';
import { loadTenantProfile } from '../store/tenants/tenants.ts';
import { checkRequest } from './check-request.ts';
import { type ForetellParts, foretell } from './foretell.ts';
import { ingestOnce, type StoredEvent } from './ingest-once.ts';
import type { ScheduledAt, SendRequest } from './request.ts';
import { buildRequestedEvent } from './requested-event.ts';
import { type ResolvedRecipient, resolveRecipients } from './resolve-recipients.ts';
import { type SendResult, toRepeatedResult, toSendResult, toUnresolvedResult } from './send-result.ts';

/** Bound of what one request makes, in bytes of JSON: its content and variables for each of its recipients. */
const MAX_FAN_OUT_BYTES = 32 * 1024 * 1024;

export interface SendParts extends ForetellParts {
  readonly pipeline: Pick<Pipeline, 'ingest' | 'preview'>;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly clock: () => Millis;
}

/** The caller, and the operation that it asks for: the same id whenever the request is repeated. */
export interface Asker {
  readonly tenantId: string;
  readonly actor: Actor;
  readonly scopes: ReadonlySet<Scope>;
  readonly operationId: string;
}

export interface SendAnswer {
  readonly request_id: string;
  readonly dry_run: boolean;
  /** Results that are accepted or scheduled. */
  readonly accepted: number;
  /** In the order of the recipients. */
  readonly results: readonly SendResult[];
}

/**
 * Asks for a notification to each recipient: an event that the built-in rule decides. Recipients are accepted one by one; a
 * repeated request (the same `operationId`) completes what is missing, and repeats nothing.
 * @param isDryRun whether all is decided and planned, and nothing stored
 * @throws TidingsError if the request does not fit its notification type
 */
export async function sendNotifications(
  parts: SendParts,
  asker: Asker,
  request: SendRequest,
  isDryRun: boolean,
): Promise<SendAnswer> {
  const { pool, seal, clock } = parts;
  const { tenantId, scopes, operationId } = asker;
  const now = clock();
  const catalog = await findCatalog(parts.catalogs, tenantId, request.type);
  const type = checkRequest(request, catalog, scopes, now);
  checkFanOut(request);
  const scheduledAt = await completeSchedule(pool, tenantId, request.scheduled_at, catalog);
  const recipients = await resolveRecipients(pool, seal, tenantId, request.recipients, !isDryRun);
  const requestId = `req_${operationId}`;
  const firstByUser = new Map<string, number>();
  recipients.forEach((one, index) => {
    if ('userId' in one && !firstByUser.has(one.userId)) firstByUser.set(one.userId, index);
  });
  const asked = [...firstByUser.values()];
  const base = { request, scheduledAt, requestId, actor: asker.actor };
  const toItem = (index: number, stored?: StoredEvent) => {
    const recipient = recipients[index] as ResolvedRecipient;
    const eventId = toEventId(seal, operationId, recipient);
    return buildRequestedEvent(base, { ...recipient, ...stored, eventId, time: stored?.time ?? now });
  };
  const results = isDryRun
    ? await parts.pipeline.preview(
        tenantId,
        asked.map((index) => toItem(index)),
      )
    : await ingestOnce(parts, tenantId, asked, toItem);
  const byIndex = new Map(asked.map((index, place) => [index, results[place] as EventResult]));
  const users = asked.map((index) => recipients[index] as ResolvedRecipient);
  const unreachable = isDryRun
    ? await foretell(parts, { tenantId, type, channels: request.channels, policy: catalog.rules.policy, now }, users)
    : undefined;
  return toAnswer(request, type, {
    ...{ requestId, isDryRun, now, recipients, firstByUser, byIndex },
    ...(unreachable && { unreachable: new Map(asked.map((index, place) => [index, unreachable[place]])) }),
  });
}

/**
 * Returns the active catalog that has a type, to check requests for it. Another process may have applied it; during a release it may
 * be the one that is released: users that it does not decide about are rejected one by one.
 */
export async function findCatalog(catalogs: CatalogCache, tenantId: string, type: string): Promise<Catalog> {
  const active = await catalogs.getActive(tenantId);
  if (active.rules.notifications.has(type)) return active;
  const { base, released } = await catalogs.refreshActives(tenantId);
  return !base.rules.notifications.has(type) && released?.rules.notifications.has(type) ? released : base;
}

function checkFanOut({ content, variables, context, recipients }: SendRequest): void {
  const bytes = Buffer.byteLength(JSON.stringify([content, variables, context])) * recipients.length;
  if (bytes <= MAX_FAN_OUT_BYTES) return;
  const message = `content, variables and context take ${Math.ceil(bytes / 1024 / 1024)} MiB for all recipients, and one request at most 32 MiB; send it to fewer recipients at a time.`;
  throw new TidingsError('invalid_notification', message, { pointer: '/recipients' });
}

/** Adds the zone of the tenant to a local time of the recipient: that of its settings, else of its policy. Reads it only then. */
export async function completeSchedule(
  pool: pg.Pool,
  tenantId: string,
  at: ScheduledAt | undefined,
  { rules: { policy } }: Pick<Catalog, 'rules'>,
): Promise<Schedule | undefined> {
  if (typeof at !== 'object' || at.zone !== 'recipient') return at;
  const ofPolicy = policy.zone === NO_POLICY.zone ? undefined : policy.zone;
  const fallback = (await loadTenantProfile(pool, tenantId))?.settings.zone ?? ofPolicy;
  return { ...at, ...(fallback !== undefined && { fallback }) };
}

/** The same for the same recipient of the same request; says nothing of an address. */
function toEventId(seal: Seal, operationId: string, { name }: ResolvedRecipient): string {
  return `req:${seal.sign(`request ${operationId}\n${name}`)}`;
}

interface Outcome {
  readonly requestId: string;
  readonly isDryRun: boolean;
  readonly now: Millis;
  readonly recipients: Awaited<ReturnType<typeof resolveRecipients>>;
  readonly firstByUser: ReadonlyMap<string, number>;
  readonly byIndex: ReadonlyMap<number, EventResult>;
  /** Absent: it is no dry run. */
  readonly unreachable?: ReadonlyMap<number, ReadonlyMap<Channel, Unreachable> | undefined>;
}

function toAnswer(
  request: SendRequest,
  type: NotificationType,
  { requestId, isDryRun, now, recipients, firstByUser, byIndex, unreachable }: Outcome,
): SendAnswer {
  const made = new Map<number, SendResult>();
  const results = recipients.map((one, index): SendResult => {
    const given = request.recipients[index] as SendRequest['recipients'][number];
    if (!('userId' in one)) return toUnresolvedResult(given, one);
    const first = firstByUser.get(one.userId) as number;
    if (first !== index) return toRepeatedResult(given, first, made.get(first) as SendResult);
    const about = { request, type, now, isDryRun, unreachable: unreachable?.get(index) };
    const result = toSendResult(given, one, byIndex.get(index) as EventResult, about);
    made.set(index, result);
    return result;
  });
  const accepted = [...made.values()].filter(({ state }) => state === 'accepted' || state === 'scheduled').length;
  return { request_id: requestId, dry_run: isDryRun, accepted, results };
}
