import type { Channel, DeliveryReasonCode, Target } from '../model/delivery.ts';
import type { PushService } from '../model/device.ts';

/** Targets of a delivery, at most; of a user with more, those registered last. */
export const MAX_TARGETS = 100;

/** Where the messages of a channel go that are not sent to an address of the user: their devices, or endpoints of the tenant. */
export interface TargetSource {
  /** Returns the ids of the targets, at most MAX_TARGETS; empty: there are none. */
  list(of: {
    readonly tenantId: string;
    readonly userId: string;
    readonly notificationType: string;
  }): Promise<readonly string[]>;
  /**
   * Returns a target; undefined: it is gone.
   * @throws Error if it cannot be opened with the current key
   */
  load(tenantId: string, target: string): Promise<Target | undefined>;
  /** Returns the push service that reaches a target; undefined: it is gone. Absent: targets are reached by any provider. */
  findService?(tenantId: string, target: string): Promise<PushService | undefined>;
  /** Why a delivery without targets is undeliverable. */
  readonly missing: { readonly reasonCode: DeliveryReasonCode; readonly reason: string };
}

export type TargetSources = ReadonlyMap<Channel, TargetSource>;
