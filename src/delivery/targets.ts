import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel, DeliveryReasonCode, Target } from '../model/delivery.ts';
import type { PushService } from '../model/device.ts';
import type { Millis } from '../model/event.ts';
import type { DeliveryHoldCode } from '../model/hold-codes.ts';

/** Devices of a delivery, at most; of a user with more, those seen last. */
export const MAX_TARGETS = 100;

/** A delivery that has to wait, though it is due: its attempt does not count. */
export interface TargetHold {
  readonly holdCode: DeliveryHoldCode;
  readonly until: Millis;
}

/** Targets of the messages of a channel that are not sent to an address of the user: their devices, or endpoints of the tenant. */
export interface TargetSource {
  /** Returns the ids of the targets, those registered first first, at most as many as the source allows; empty: no target. */
  list(of: {
    readonly tenantId: string;
    readonly userId: string;
    readonly notificationType: string;
  }): Promise<readonly string[]>;
  /**
   * Returns a target; undefined: it is gone.
   * @throws Error if it cannot be opened with the current key
   */
  load(
    tenantId: string,
    target: string,
    delivery: { readonly notificationId: string; readonly channel: Channel },
  ): Promise<Target | TargetHold | undefined>;
  /** Ends what `load` began, after the send to the target that it returned, whatever came of it. Absent: there is nothing to end. */
  release?(tenantId: string, target: string): void;
  /** Returns the push service that reaches a target; undefined: it is gone. Absent: targets are reached by any provider. */
  findService?(tenantId: string, target: string): Promise<PushService | undefined>;
  /** Why a delivery without targets is undeliverable. */
  readonly missing: { readonly reasonCode: DeliveryReasonCode; readonly reason: string };
}

export type TargetSources = ReadonlyMap<Channel, TargetSource>;

/** Returns the source of the targets of each channel that has targets, from one of each kind. */
export function mapTargets(sources: {
  readonly devices: TargetSource;
  readonly endpoints: TargetSource;
}): TargetSources {
  const channels = Object.values(CHANNEL_DESCRIPTORS);
  return new Map(channels.flatMap(({ name, targets }) => (targets === undefined ? [] : [[name, sources[targets]]])));
}
