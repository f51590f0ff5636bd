import type pg from 'pg';
import type { TargetHold, TargetSource } from '../delivery/targets.ts';
import type { Target } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { EndpointHoldCode } from '../model/webhook.ts';
import type { Seal } from '../privacy/seal.ts';
import { countBefore, takeTurn } from '../store/webhooks/endpoint-turns.ts';
import { findSubscribers, loadEndpoint, openEndpoint, type SealedEndpoint } from '../store/webhooks/endpoints.ts';
import { EndpointSends } from './endpoint-sends.ts';

/** Pause in ms of a delivery to an endpoint that is slow, with as many sends as it may have. */
const BUSY_PAUSE_MS: Millis = 2000;
/** Pause in ms for each delivery that is before one, and the longest pause; the first of a queue looks after the shortest. */
const PAUSE_PER_DELIVERY_MS: Millis = 50;
const MIN_PAUSE_MS: Millis = 200;
const MAX_PAUSE_MS: Millis = 60_000;
/** Longest pause in ms of a delivery whose endpoint has others first: they may wait for hours. */
const MAX_ORDER_PAUSE_MS: Millis = 600_000;
/** Time in ms for which the deliveries of a disabled endpoint are kept; a replay makes them due. */
const KEPT_MS: Millis = 3650 * 24 * 3_600_000;

export interface EndpointTargetsOptions {
  readonly pool: pg.Pool;
  readonly seal: Seal;
  readonly clock: () => Millis;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}

/** The endpoints of tenants as targets of the channel `webhook`: those that receive messages of the type. */
export class EndpointTargets implements TargetSource {
  readonly missing = {
    reasonCode: 'missing_endpoint',
    reason: 'No webhook endpoint receives messages of this type.',
  } as const;
  readonly #options: EndpointTargetsOptions;
  readonly #sends = new EndpointSends();

  constructor(options: EndpointTargetsOptions) {
    this.#options = options;
  }

  list({ tenantId, notificationType }: { readonly tenantId: string; readonly notificationType: string }) {
    return findSubscribers(this.#options.pool, tenantId, notificationType);
  }

  /** Returns the endpoint, which `release` has to follow, or for how long the delivery has to wait. */
  async load(
    tenantId: string,
    endpointId: string,
    { notificationId }: { readonly notificationId: string },
  ): Promise<Target | TargetHold | undefined> {
    const { pool, seal, clock } = this.#options;
    const endpoint = await loadEndpoint(pool, tenantId, endpointId);
    if (!endpoint) return undefined;
    if (endpoint.state === 'disabled') return hold('endpoint_disabled', clock() + KEPT_MS);
    const opened = openEndpoint(seal, endpoint);
    if (!opened) throw new Error('the secrets of a webhook endpoint cannot be opened');
    const wait = await this.#findWait(endpoint, notificationId);
    if (wait) return wait;
    if (!(await this.#sends.begin(`${tenantId}/${endpointId}`))) return this.#pause('endpoint_busy', BUSY_PAUSE_MS);
    const now = clock();
    return {
      kind: 'endpoint',
      url: endpoint.url,
      headers: opened.headers,
      secrets: opened.secrets.filter(({ until }) => until === null || until > now).map(({ secret }) => secret),
      format: endpoint.format,
    };
  }

  release(tenantId: string, endpointId: string): void {
    this.#sends.end(`${tenantId}/${endpointId}`);
  }

  /** Returns for how long a delivery has to wait for others; undefined: it is its turn, which is taken. */
  async #findWait(
    { tenantId, endpointId, ordered, perSecond }: SealedEndpoint,
    notificationId: string,
  ): Promise<TargetHold | undefined> {
    const { pool, clock } = this.#options;
    if (ordered) {
      const { before, oldestDueAt } = await countBefore(pool, tenantId, endpointId, notificationId);
      const pause = Math.max(MIN_PAUSE_MS, before * PAUSE_PER_DELIVERY_MS);
      // Not before the oldest is tried again: there is nothing to look for until then.
      if (before > 0)
        return this.#pause(
          'endpoint_order',
          Math.max(pause, (oldestDueAt ?? 0) - clock() + MIN_PAUSE_MS),
          MAX_ORDER_PAUSE_MS,
        );
    }
    if (perSecond === null) return undefined;
    const freeAt = await takeTurn(pool, tenantId, endpointId, perSecond, clock());
    if (freeAt === undefined) return undefined;
    const { before } = await countBefore(pool, tenantId, endpointId, notificationId);
    return this.#pause('endpoint_rate', Math.max(freeAt - clock(), (before * 1000) / perSecond));
  }

  #pause(holdCode: EndpointHoldCode, pause: Millis, longest = MAX_PAUSE_MS): TargetHold {
    const { clock, random } = this.#options;
    const spread = 1 + random() / 10;
    return hold(holdCode, clock() + Math.min(longest, Math.max(MIN_PAUSE_MS, pause * spread)));
  }
}

function hold(holdCode: EndpointHoldCode, until: Millis): TargetHold {
  return { holdCode, until };
}
