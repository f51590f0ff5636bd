import type { z } from 'zod';
import type { GuardedClient } from '../http-out/guarded-client.ts';
import type { Channel, Cost, Message, SendOutcome, Target } from '../model/delivery.ts';
import type { PushService } from '../model/device.ts';
import type { Millis } from '../model/event.ts';
import type { RateLimit } from '../model/rate-limit.ts';
import type { Receipt } from '../model/receipt.ts';
import type { ProviderCode } from './codes.ts';

export type { Receipt, ReceiptKind } from '../model/receipt.ts';

/** One message to one target on one channel. */
export interface Outgoing {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly notificationType: string;
  readonly channel: Channel;
  readonly userId: string;
  readonly target: Target;
  readonly message: Message;
  /** The sender that the tenant has chosen, as in `TenantSettings`; absent: that of the account. */
  readonly sender?: string;
  /** The same for every attempt, so that the provider can detect a repetition. */
  readonly idempotencyKey: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** For endpoints of webhooks: grows from one message or fact of the user to the next. Absent: its place is not known. */
  readonly sequence?: number;
  /** Whether its priority is URGENT or HIGH: providers that have two speeds use the faster one. */
  readonly isUrgent?: boolean;
  /** After this time the message is of no use: providers that can drop it then. Absent: it keeps its use. */
  readonly expiresAt?: Millis;
  /** URL to which the provider reports what became of this message: a public one, with a signed reference. Absent: nowhere. */
  readonly receiptUrl?: string;
  /** For a message that its reader can unsubscribe from: the URL of RFC 8058, which acts on POST. */
  readonly unsubscribeUrl?: string;
  /** For endpoints of webhooks: the span of this attempt, as a header `traceparent`. Absent: it is no part of a trace. */
  readonly traceparent?: string;
}

/** An account with a provider, ready to send: the definition of the provider with settings. */
export interface Provider {
  /** As that of the definition. */
  readonly name: string;
  /** The tenant whose account it is; absent: it is of the installation. */
  readonly tenantId?: string;
  /** Name of the account, among those of its tenant; absent: it is of the installation. */
  readonly account?: string;
  /** Name of the account of the tenant that its messages go by until that is undone; absent: by itself. */
  readonly failoverTo?: string;
  readonly channels: readonly Channel[];
  /** The push services whose tokens it takes; absent: of all, or it sends no push messages. */
  readonly services?: readonly PushService[];
  /** The number or messaging service that it sends SMS by, which readers reply STOP to. Absent: that is not known, or it sends none. */
  readonly sender?: string;
  /** Number of sends that may run at once. */
  readonly concurrency: number;
  /** Longest time of a send in ms, after which it is aborted; absent, or longer: that of the worker. */
  readonly maxMillis?: Millis;
  /** Rate limit of its messages; absent: there is no limit. */
  readonly limit?: RateLimit;
  /** Whether rendered messages are kept, for the console and the API. */
  readonly keepsMessage: boolean;
  /** Whether it stands in for the providers of any channel: its messages go nowhere, and need no device or endpoint. */
  readonly isSubstitute?: boolean;
  /** Whether it renders templates that are kept there (`Message.hosted`). */
  readonly takesHosted?: boolean;
  /**
   * Makes one attempt, by one call to the provider. The outcome is data; throws only on a bug. Must end soon after `signal` is
   * aborted.
   * @param mayHandOver returns whether the message may still be handed over. A provider that waits before it does (for a
   *   connection, say) asks right before; after false it hands nothing over, and any outcome will do
   */
  send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome>;
  /** Finds out, without sending anything, whether the provider lets us in. Absent: it cannot be known. */
  check?(signal: AbortSignal): Promise<CheckResult>;
  /** Asks for the receipt of a message that none came for; null: none has come yet. Absent: the provider cannot be asked. */
  poll?(providerMessageId: string, signal: AbortSignal): Promise<Receipt | null>;
  /** Asks what a message cost; null: it is not known, or not yet. Absent: the provider cannot be asked. */
  fetchCost?(providerMessageId: string, signal: AbortSignal): Promise<BilledMessage | null>;
  /** Releases connections. Sends that are under way may end first. */
  close(): Promise<void>;
}

/** Charge of a provider for a message. */
export interface BilledMessage {
  readonly cost: Cost;
  /** Billed parts (SMS); absent: not known. */
  readonly parts?: number;
}

export type CheckResult =
  | { readonly ok: true }
  /** `reason`: what is wrong, as part of a sentence, and what would be right. */
  | { readonly ok: false; readonly code?: string; readonly reason: string };

/** Parts of the process that a provider needs. */
export interface ProviderTools {
  /** For every request over HTTP. */
  readonly http: GuardedClient;
  readonly clock: () => Millis;
}

/**
 * All that is known of a provider, in its one file: settings, limits, the table of its codes, its receipts and the text of its
 * page in the docs. `Settings` is what the schema returns.
 */
export interface ProviderDefinition<Settings = unknown> {
  /** `[a-z_]+`, as in routes and accounts. */
  readonly name: string;
  /** Name as it is shown: `Amazon SES`. */
  readonly label: string;
  readonly channels: readonly Channel[];
  /** For its page in the docs: what it is for and how to get an account, in Markdown. */
  readonly about: string;
  /** The settings of an account: a strict object; each field is described; secrets are `secretSetting()`. */
  readonly settings: z.ZodType<Settings>;
  /** Used when an account says nothing else. `perSecond`: what the provider allows an ordinary account. */
  readonly defaults: { readonly concurrency: number; readonly perSecond?: number; readonly maxMillis: Millis };
  /**
   * Names of the environment variables that give the account of the installation, by setting. Absent: the installation has no
   * account with this provider.
   */
  readonly environment?: {
    readonly variables: { readonly [setting: string]: string };
    /** For a setting that is an object: the pattern of the variables that give its fields, with `*` for the name of the field. */
    readonly patterns?: { readonly [setting: string]: string };
    /** Values of settings that no variable gives. */
    readonly defaults?: { readonly [setting: string]: string };
  };
  readonly keepsMessage: boolean;
  /** Effect of a repetition of an attempt in doubt: the provider recognizes it, replaces the first message, or doubles it. */
  readonly repeats: 'recognized' | 'replaced' | 'doubled';
  /** Way in which a receipt names its delivery: by our reference, by the id of the provider, or never. */
  readonly correlatesBy: 'reference' | 'message_id' | 'nothing';
  /** Question of `Provider.check`, in sentences for its page in the docs. Null: it cannot be asked without sending a message. */
  readonly checks: string | null;
  /** Whether its receipts do not say what a message cost, and it is asked once (`Provider.fetchCost`). Default false. */
  readonly pricesLater?: boolean;
  readonly codes: readonly ProviderCode[];
  /** Advice about a recipient that fails with another code, in one or two sentences. Default: as for users, see advice.ts. */
  readonly recipientAdvice?: string;
  /** @throws ConfigError for settings that no schema can judge, such as a key that cannot be read */
  open(settings: Settings, tools: ProviderTools): Provider | Promise<Provider>;
  readonly receipts?: ReceiptReader<Settings>;
  /**
   * Returns the DKIM keys that sign the email of an account, so far as they are known, for `tidings doctor`. Absent, or none: the
   * provider chooses their names.
   */
  signingKeys?(settings: Settings): readonly SigningKey[];
}

/** A DKIM key, whose record is at `SELECTOR._domainkey.DOMAIN`. */
export interface SigningKey {
  readonly selector: string;
  /** Absent: the domain of the sender. */
  readonly domain?: string;
  /** The public key that has to be in the record, as SPKI in Base64. Absent: the provider has the key. */
  readonly publicKey?: string;
}

/** A request of a provider to us, as it arrived. */
export interface ReceiptRequest {
  readonly body: Buffer;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  /** The URL as the provider called it: the public base URL of the installation with path and query. */
  readonly url: string;
  readonly receivedAt: Millis;
}

/** Reads what a provider reports. Both functions answer for every input. */
export interface ReceiptReader<Settings> {
  /**
   * Verifies the signature over the bytes as received. Undefined: it is good; otherwise why not, as part of a sentence.
   * @throws Error if that cannot be known now, because a key cannot be fetched: the provider gets an error that it repeats
   */
  verify(request: ReceiptRequest, settings: Settings, tools: ProviderTools): Promise<string | undefined>;
  /** Reads a verified request, and never throws; a part of it that cannot be read is a receipt of the kind `unknown`. */
  read(request: ReceiptRequest, settings: Settings): ReceiptAnswer;
}

export interface ReceiptAnswer {
  readonly receipts: readonly Receipt[];
  /** Why nothing of the body can ever be read, as a sentence: JSON that ends early, say. Absent: it can be read. */
  readonly fault?: string;
  /** The body to answer with, for a provider that reads it. Default: none. */
  readonly body?: { readonly type: string; readonly text: string };
  /** Done once the receipts are stored, such as to confirm a subscription. If it throws, the provider gets an error that it repeats. */
  readonly afterwards?: (tools: ProviderTools) => Promise<void>;
}
