import type { Channel, Message, SendOutcome } from '../model/delivery.ts';

/** One message for one person on one channel. */
export interface Outgoing {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly notificationType: string;
  readonly channel: Channel;
  readonly userId: string;
  /** E-mail address or phone number; absent for channels that need none. Never logged. */
  readonly to?: string;
  readonly message: Message;
  /** The same for every attempt: the provider can tell a repetition by it. */
  readonly idempotencyKey: string;
  /** From 1. */
  readonly attempt: number;
}

/** The service that carries a channel. One file each; all pass test/support/channel-contract.ts. */
export interface Provider {
  readonly name: string;
  readonly channels: readonly Channel[];
  /** Sends that may run at once. */
  readonly concurrency: number;
  /** Whether the rendered message is kept for people to see. */
  readonly keepsMessage: boolean;
  /** How it went, as data: it throws only on a bug. Ends soon after `signal` is aborted. */
  send(outgoing: Outgoing, signal: AbortSignal): Promise<SendOutcome>;
  close(): Promise<void>;
}
