import type { Channel, Message, SendOutcome } from '../model/delivery.ts';

/** One message to one user on one channel. */
export interface Outgoing {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly notificationType: string;
  readonly channel: Channel;
  readonly userId: string;
  /** Email address or phone number; absent for channels that need no address. Never logged. */
  readonly to?: string;
  readonly message: Message;
  /** The sender that the tenant has chosen, as in `TenantSettings`; absent: that of the installation. */
  readonly sender?: string;
  /** The same for every attempt, so that the provider can detect a repetition. */
  readonly idempotencyKey: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
}

/** A service that sends messages. Each is one file, and passes test/support/channel-contract.ts. */
export interface Provider {
  readonly name: string;
  readonly channels: readonly Channel[];
  /** Number of sends that may run at once. */
  readonly concurrency: number;
  /** Whether rendered messages are kept, for the console and the API. */
  readonly keepsMessage: boolean;
  /**
   * Makes one attempt. The outcome is data; throws only on a bug. Must end soon after `signal` is aborted.
   * @param mayHandOver returns whether the message may still be handed over. A provider that waits before it does (for a
   *   connection, say) asks right before; after false it hands nothing over, and any outcome will do
   */
  send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome>;
  /** Releases connections. Sends that are under way may end first. */
  close(): Promise<void>;
}
