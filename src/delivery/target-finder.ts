import type pg from 'pg';
import type { Provider } from '../channels/provider.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Target } from '../model/delivery.ts';
import type { PushService } from '../model/device.ts';
import { describeMissingAddress } from '../model/missing-address.ts';
import type { Seal } from '../privacy/seal.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import { spreadDelivery } from '../store/deliveries/spread.ts';
import { openAddress } from '../users/addresses.ts';
import {
  LOST,
  RETURNED,
  returnUntil,
  toUnopened,
  type Undeliverable,
  type Unsent,
  type Unstarted,
} from './dispatch-result.ts';
import { NO_ACCOUNT } from './routes/no-account.ts';
import type { TargetSource, TargetSources } from './targets.ts';
import { takesService } from './tenant-accounts.ts';

export interface FoundTarget {
  readonly target: Target;
}

export interface TargetFinderOptions {
  readonly pool: pg.Pool;
  readonly seal: Seal;
  /** Sources of devices and endpoints, by channel. */
  readonly sources: TargetSources;
}

/** Finds out where messages go: to an address of the user, a device or an endpoint. */
export class TargetFinder {
  readonly #options: TargetFinderOptions;

  constructor(options: TargetFinderOptions) {
    this.#options = options;
  }

  /** Returns the target of a delivery. A delivery to several targets becomes one of each, all of which are queued again. */
  async find(delivery: ClaimedDelivery, provider: Provider): Promise<FoundTarget | Unsent | Unstarted> {
    const stopped = findStop(delivery, provider);
    if (stopped) return { outcome: stopped };
    const address = this.openAddress(delivery);
    if (address) return address;
    const source = this.#options.sources.get(delivery.channel);
    if (!source || provider.isSubstitute) return { target: { kind: 'none' } };
    return delivery.target === '' ? this.#spread(delivery, source) : loadTarget(delivery, source, provider);
  }

  /** Returns the address of the user; undefined: the channel needs none. */
  openAddress({ tenantId, userId, channel, address }: ClaimedDelivery): FoundTarget | Unsent | undefined {
    const kind = CHANNEL_DESCRIPTORS[channel].addressKind;
    if (kind === undefined) return undefined;
    if (!address) return { outcome: { kind: 'undeliverable', ...describeMissingAddress(kind) } };
    const opened = openAddress(this.#options.seal, address.sealed, tenantId, userId, kind);
    // Temporary: the key may be corrected, and the user may get another address.
    if (opened === undefined) return toUnopened(`the ${kind} address`);
    return { target: kind === 'email' ? { kind, address: opened } : { kind, number: opened } };
  }

  /** Returns a look-up of the push service of a target; undefined: any provider of the channel reaches its targets. */
  getServiceLookup({
    tenantId,
    channel,
    target,
  }: ClaimedDelivery): (() => Promise<PushService | undefined>) | undefined {
    const source = target === '' ? undefined : this.#options.sources.get(channel);
    return source?.findService && (async () => source.findService?.(tenantId, target));
  }

  /** Ends what `find` began for a target of a source, after the send. */
  release({ tenantId, channel, target }: ClaimedDelivery): void {
    this.#options.sources.get(channel)?.release?.(tenantId, target);
  }

  async #spread(delivery: ClaimedDelivery, source: TargetSource): Promise<Unsent | Unstarted> {
    const targets = await source.list(delivery);
    if (targets.length === 0) return { outcome: { kind: 'undeliverable', ...source.missing } };
    const isForFirst = CHANNEL_DESCRIPTORS[delivery.channel].targets === 'devices';
    return (await spreadDelivery(this.#options.pool, delivery, targets, isForFirst)) ? RETURNED : LOST;
  }
}

async function loadTarget(
  delivery: ClaimedDelivery,
  source: TargetSource,
  provider: Provider,
): Promise<FoundTarget | Unsent | Unstarted> {
  const target = await source.load(delivery.tenantId, delivery.target, delivery);
  if (!target) return { outcome: TARGET_GONE };
  if ('holdCode' in target) return returnUntil(target.until, target.holdCode);
  const service = getPushService(target);
  if (takesService(provider, service)) return { target };
  const reason = `no account takes the tokens of ${service}`;
  return {
    provider: NO_ACCOUNT,
    outcome: { kind: 'rejected', code: `no_${service}_account`, reason, fault: 'account' },
  };
}

/** Returns the outcome of a message whose reader replied STOP to its sender; undefined: they did not. */
function findStop({ stoppedSenders }: ClaimedDelivery, { sender, isSubstitute }: Provider): Undeliverable | undefined {
  if (stoppedSenders === null || isSubstitute) return undefined;
  // An unknown sender may be the one that was stopped.
  const stopped = sender === undefined ? stoppedSenders[0] : stoppedSenders.find((one) => one === sender);
  if (stopped === undefined) return undefined;
  const reason = `The owner of the number wants no messages of this sender (scope sender:${stopped}).`;
  return { kind: 'undeliverable', reasonCode: 'suppressed', reason };
}

const TARGET_GONE: Undeliverable = {
  kind: 'undeliverable',
  reasonCode: 'target_gone',
  reason: 'Its device or endpoint was removed after the message was queued for it.',
};

/** Returns the push service of a target; undefined: it has no service, or it is not known. */
function getPushService(target: Target): PushService | undefined {
  if (target.kind === 'browser') return 'web_push';
  return target.kind === 'device' ? target.service : undefined;
}
