import { uuidv7 } from 'uuidv7';
import { makeWebhookSecret, toPublicSecret } from '../channels/webhook/secret.ts';
import { openWebhooks } from '../channels/webhook/webhook.ts';
import { TidingsError, toOutdated } from '../errors.ts';
import type { GuardedClient } from '../http-out/guarded-client.ts';
import { WEBHOOK_RETRY_MS } from '../model/catalog.ts';
import type { Channel, WebhookFormat } from '../model/delivery.ts';
import { parseDeliveryId } from '../model/delivery-id.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { isTestTenant, type Principal } from '../model/principal.ts';
import { type EndpointState, MAX_ENDPOINTS } from '../model/webhook.ts';
import type { Seal } from '../privacy/seal.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { announceDeliveries } from '../store/deliveries/delivery-queue.ts';
import { loadDelivery } from '../store/deliveries/delivery-views.ts';
import type { Connection } from '../store/pg/pool.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import {
  type EndpointDelivery,
  listEndpointDeliveries,
  replayDeliveries,
} from '../store/webhooks/endpoint-deliveries.ts';
import {
  countEndpoints,
  deleteEndpoint,
  type Endpoint,
  type EndpointSecrets,
  findEndpointOf,
  listEndpoints,
  loadEndpoint,
  lockEndpoints,
  openEndpoint,
  type SealedEndpoint,
  saveEndpoint,
} from '../store/webhooks/endpoints.ts';
import { isoTime } from '../time/iso-time.ts';
import { type EndpointView, toEndpointView } from './endpoint-view.ts';
import { checkHeaders, checkSecret, checkSubscription, checkUrl } from './write-endpoint.ts';

/** Secrets that sign at once, at most: the current one, and those that it replaced and that have not ended. */
const MAX_SECRETS = 5;

/** Parts of an endpoint that a caller may write. */
export interface EndpointFields {
  readonly url?: string | undefined;
  readonly description?: string | undefined;
  readonly event_types?: readonly string[] | null | undefined;
  readonly notification_types?: readonly string[] | null | undefined;
  readonly channels?: readonly Channel[] | null | undefined;
  readonly format?: WebhookFormat | undefined;
  readonly ordered?: boolean | undefined;
  readonly per_second?: number | null | undefined;
  /** A header that is null is removed; the others stay. */
  readonly headers?: { readonly [name: string]: string | null } | undefined;
  readonly state?: EndpointState | undefined;
}

/** An endpoint with the secret that was just made or chosen. */
export type EndpointWithSecret = EndpointView & { readonly secret: string; readonly public_key: string | null };

export interface TestResult {
  readonly outcome: 'sent' | 'failed' | 'sandboxed';
  readonly response: string | null;
  readonly reason: string | null;
  readonly duration_ms: number;
}

export interface WebhooksOptions {
  readonly database: TenantDatabase;
  readonly seal: Seal;
  readonly clock: () => Millis;
  readonly client: GuardedClient;
}

/** The endpoints of webhooks, as their owners manage them. Every change is in the audit log. */
export class Webhooks {
  readonly #options: WebhooksOptions;

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  /** Returns endpoints, newest first. @param before the id after which the page starts; null: from the newest */
  async list({ tenantId }: Principal, limit: number, before: string | null): Promise<EndpointView[]> {
    const pool = this.#options.database.forTenant(tenantId);
    const now = this.#options.clock();
    return (await listEndpoints(pool, tenantId, limit, before)).map((one) => toEndpointView(one, now));
  }

  /** @throws TidingsError `not_found` */
  async get({ tenantId }: Principal, endpointId: string): Promise<EndpointView> {
    const pool = this.#options.database.forTenant(tenantId);
    return toEndpointView(requireEndpoint(await loadEndpoint(pool, tenantId, endpointId)), this.#options.clock());
  }

  /**
   * Creates an endpoint. A repetition of the request returns the endpoint that it created, with its secret.
   * @param secret undefined: one is made
   * @throws TidingsError `invalid_webhook`, `too_many_webhooks`
   */
  async create(
    principal: Principal,
    fields: EndpointFields & { readonly url: string },
    secret: string | undefined,
    operationId: string,
  ): Promise<EndpointWithSecret> {
    const { database, seal, clock, client } = this.#options;
    const { tenantId } = principal;
    checkUrl(client, fields.url);
    checkHeaders(fields.headers ?? {});
    checkSubscription(fields.event_types ?? null, fields.channels ?? null);
    if (secret !== undefined) checkSecret(secret);
    const now = clock();
    return withTransaction(database.forTenant(tenantId), async (connection) => {
      await lockEndpoints(connection, tenantId);
      const earlier = await findEndpointOf(connection, tenantId, operationId);
      if (earlier) return this.#withSecret(earlier, this.#open(earlier));
      if ((await countEndpoints(connection, tenantId)) >= MAX_ENDPOINTS) {
        const message = `A tenant has at most ${MAX_ENDPOINTS} webhook endpoints; delete one first.`;
        throw new TidingsError('too_many_webhooks', message);
      }
      const opened = {
        secrets: [{ secret: secret ?? makeWebhookSecret(), until: null }],
        headers: mergeHeaders({}, fields.headers),
      };
      const state = fields.state ?? 'active';
      const written = {
        tenantId,
        endpointId: uuidv7(),
        url: fields.url,
        description: fields.description ?? '',
        eventTypes: fields.event_types ?? null,
        notificationTypes: fields.notification_types ?? null,
        channels: fields.channels ?? null,
        format: fields.format ?? 'json',
        ordered: fields.ordered ?? false,
        perSecond: fields.per_second ?? null,
        state,
        stateCode: state === 'disabled' ? ('by_hand' as const) : null,
        operationId,
        ...opened,
      };
      const saved = await saveEndpoint(connection, seal, written, now);
      await this.#audit(connection, principal, 'webhook.created', undefined, saved);
      return this.#withSecret(saved, opened);
    });
  }

  /**
   * Changes an endpoint; what is absent stays.
   * @param expected the revision that the caller knows; undefined: any
   * @throws TidingsError `not_found`, `outdated`, `invalid_webhook`, `not_readable`
   */
  async update(
    principal: Principal,
    endpointId: string,
    fields: EndpointFields,
    expected: number | undefined,
  ): Promise<EndpointView> {
    if (fields.url !== undefined) checkUrl(this.#options.client, fields.url);
    checkHeaders(fields.headers ?? {});
    const saved = await this.#change(principal, endpointId, expected, 'webhook.changed', (known, opened) => {
      const headers = mergeHeaders(opened.headers, fields.headers);
      checkHeaders(headers);
      const state = fields.state ?? known.state;
      const eventTypes = fields.event_types === undefined ? known.eventTypes : fields.event_types;
      const channels = fields.channels === undefined ? known.channels : fields.channels;
      checkSubscription(eventTypes, channels);
      return {
        url: fields.url ?? known.url,
        description: fields.description ?? known.description,
        eventTypes,
        channels,
        notificationTypes:
          fields.notification_types === undefined ? known.notificationTypes : fields.notification_types,
        format: fields.format ?? known.format,
        ordered: fields.ordered ?? known.ordered,
        perSecond: fields.per_second === undefined ? known.perSecond : fields.per_second,
        state,
        // Disabled again by hand, one that failed is put aside.
        stateCode: fields.state === 'disabled' ? ('by_hand' as const) : state === 'active' ? null : known.stateCode,
        headers,
      };
    });
    return toEndpointView(saved, this.#options.clock());
  }

  /**
   * Signs with a new secret; the one before signs as well until the overlap is over.
   * @param secret undefined: one is made
   * @param overlap in ms
   * @throws TidingsError `not_found`, `outdated`, `invalid_webhook` (also for a secret beyond MAX_SECRETS), `not_readable`
   */
  async rotate(
    principal: Principal,
    endpointId: string,
    secret: string | undefined,
    overlap: Millis,
    expected: number | undefined,
  ): Promise<EndpointWithSecret> {
    if (secret !== undefined) checkSecret(secret);
    const now = this.#options.clock();
    const current = secret ?? makeWebhookSecret();
    const saved = await this.#change(principal, endpointId, expected, 'webhook.secret_rotated', (_, { secrets }) => {
      const kept = secrets
        .filter((one) => one.secret !== current && (one.until === null || one.until > now))
        .map((one) => ({ ...one, until: one.until ?? now + overlap }))
        .filter(({ until }) => until > now);
      if (kept.length >= MAX_SECRETS) throw toCrowded(Math.min(...kept.map(({ until }) => until)));
      return { secrets: [{ secret: current, until: null }, ...kept] };
    });
    return { ...toEndpointView(saved, now), secret: current, public_key: toPublicSecret(current) ?? null };
  }

  /** @throws TidingsError `not_found`, `outdated` */
  async delete(principal: Principal, endpointId: string, expected: number | undefined): Promise<EndpointView> {
    const { database, clock } = this.#options;
    const { tenantId } = principal;
    return withTransaction(database.forTenant(tenantId), async (connection) => {
      const known = requireEndpoint(await loadEndpoint(connection, tenantId, endpointId, true));
      if (expected !== undefined && expected !== known.revision) throw toOutdated(known.revision);
      await deleteEndpoint(connection, tenantId, endpointId);
      await this.#audit(connection, principal, 'webhook.deleted', known, undefined);
      return toEndpointView(known, clock());
    });
  }

  /**
   * Sends one message of the type `webhook.test` now, and reports what came of it. It counts neither as success nor as failure.
   * With a test key nothing is sent.
   * @throws TidingsError `not_found`, `not_readable`
   */
  async test({ tenantId }: Principal, endpointId: string, data: JsonObject): Promise<TestResult> {
    const { database, clock, client } = this.#options;
    const pool = database.forTenant(tenantId);
    const endpoint = requireEndpoint(await loadEndpoint(pool, tenantId, endpointId));
    const { headers, secrets } = this.#open(endpoint);
    if (isTestTenant(tenantId)) return { outcome: 'sandboxed', response: null, reason: null, duration_ms: 0 };
    const now = clock();
    const active = secrets.filter(({ until }) => until === null || until > now).map(({ secret }) => secret);
    const id = uuidv7();
    const started = performance.now();
    const outcome = await openWebhooks({ http: client, clock }).send(
      {
        tenantId,
        notificationId: id,
        notificationType: 'webhook.test',
        channel: 'webhook',
        userId: '',
        target: { kind: 'endpoint', url: endpoint.url, headers, secrets: active, format: endpoint.format },
        message: { text: '', data },
        idempotencyKey: `test_${id}`,
        attempt: 1,
      },
      AbortSignal.timeout(MAX_TEST_MS),
    );
    return {
      outcome: outcome.kind === 'sent' ? 'sent' : 'failed',
      response: ('response' in outcome && outcome.response) || null,
      reason: 'reason' in outcome ? outcome.reason : null,
      duration_ms: Math.round(performance.now() - started),
    };
  }

  /** Returns deliveries of an endpoint with their attempts, newest first. @throws TidingsError `not_found` */
  async listDeliveries(
    { tenantId }: Principal,
    endpointId: string,
    limit: number,
    before: string | null,
  ): Promise<EndpointDelivery[]> {
    const pool = this.#options.database.forTenant(tenantId);
    requireEndpoint(await loadEndpoint(pool, tenantId, endpointId));
    return listEndpointDeliveries(pool, tenantId, endpointId, limit, before);
  }

  /**
   * Sends a delivery once more, whatever became of it. One that waits for its turn, or is being sent, stays as it is.
   * @throws TidingsError `not_found`, `not_retryable`, `invalid_webhook`
   */
  async replay({ tenantId, actor }: Principal, endpointId: string, deliveryId: string): Promise<void> {
    const { database, clock } = this.#options;
    const pool = database.forTenant(tenantId);
    const { state } = requireEndpoint(await loadEndpoint(pool, tenantId, endpointId));
    const id = parseDeliveryId(deliveryId);
    const known =
      id?.channel === 'webhook' && id.target === endpointId ? await loadDelivery(pool, tenantId, id) : undefined;
    if (!id || !known) throw new TidingsError('not_found', 'The webhook endpoint has no such delivery.');
    if (state === 'disabled') throw toDisabled();
    const now = clock();
    await withTransaction(pool, async (connection) => {
      const of = { tenantId, endpointId };
      if ((await replayDeliveries(connection, of, [id.notificationId], now, WEBHOOK_RETRY_MS)) === 0) {
        throw new TidingsError('not_retryable', `The delivery is ${known.status}, and waits for its turn.`);
      }
      const entry = { tenantId, actor, action: 'delivery.replayed', subject: deliveryId, detail: {} };
      await appendAuditEntry(connection, entry, now);
    });
    await announceDeliveries(pool);
  }

  async #change(
    principal: Principal,
    endpointId: string,
    expected: number | undefined,
    action: string,
    toChange: (known: SealedEndpoint, opened: EndpointSecrets) => Partial<Parameters<typeof saveEndpoint>[2]>,
  ): Promise<Endpoint> {
    const { database, seal, clock } = this.#options;
    const { tenantId } = principal;
    const now = clock();
    return withTransaction(database.forTenant(tenantId), async (connection) => {
      const known = requireEndpoint(await loadEndpoint(connection, tenantId, endpointId, true));
      if (expected !== undefined && expected !== known.revision) throw toOutdated(known.revision);
      const opened = this.#open(known);
      const saved = await saveEndpoint(connection, seal, { ...known, ...opened, ...toChange(known, opened) }, now);
      await this.#audit(connection, principal, action, known, saved);
      return saved;
    });
  }

  /** @throws TidingsError `not_readable` */
  #open(endpoint: SealedEndpoint): EndpointSecrets {
    const opened = openEndpoint(this.#options.seal, endpoint);
    if (opened) return opened;
    const message = 'The secrets of the endpoint cannot be opened with the current encryption key; create another one.';
    throw new TidingsError('not_readable', message);
  }

  #withSecret(endpoint: Endpoint, { secrets }: EndpointSecrets): EndpointWithSecret {
    const secret = secrets[0]?.secret ?? '';
    const view = toEndpointView(endpoint, this.#options.clock());
    return { ...view, secret, public_key: toPublicSecret(secret) ?? null };
  }

  async #audit(
    connection: Connection,
    { tenantId, actor }: Principal,
    action: string,
    before: Endpoint | undefined,
    after: Endpoint | undefined,
  ): Promise<void> {
    const now = this.#options.clock();
    const state = (one: Endpoint | undefined) => (one ? (toEndpointView(one, now) as unknown as JsonObject) : null);
    const subject = (after ?? before)!.endpointId;
    const entry = { tenantId, actor, action, subject, detail: {}, before: state(before), after: state(after) };
    await appendAuditEntry(connection, entry, now);
  }
}

/** Limit of a test call in ms. */
const MAX_TEST_MS = 20_000;

function mergeHeaders(
  known: { readonly [name: string]: string },
  change: EndpointFields['headers'] = {},
): { readonly [name: string]: string } {
  const changed = new Set(Object.keys(change).map((name) => name.toLowerCase()));
  const kept = Object.entries(known).filter(([name]) => !changed.has(name.toLowerCase()));
  const added = Object.entries(change).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries([...kept, ...added]);
}

/** @param until when the first of the secrets ends */
function toCrowded(until: Millis): TidingsError {
  const wait = `wait until ${isoTime(until)}, or rotate with the overlap 0s to end the current one`;
  const message = `${MAX_SECRETS} secrets sign already, which is the most at once; ${wait}.`;
  return new TidingsError('invalid_webhook', message, { pointer: '/overlap' });
}

function toDisabled(): TidingsError {
  const message = 'The webhook endpoint is disabled, and would keep what is replayed. Set its state to active first.';
  return new TidingsError('invalid_webhook', message, { pointer: 'endpoint_id' });
}

function requireEndpoint<T>(endpoint: T | undefined): T {
  if (endpoint) return endpoint;
  throw new TidingsError('not_found', 'There is no such webhook endpoint.');
}
