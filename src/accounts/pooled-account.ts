import type { BilledMessage, CheckResult, Outgoing, Provider, Receipt } from '../channels/provider.ts';
import type { Channel, SendOutcome } from '../model/delivery.ts';
import type { PushService } from '../model/device.ts';
import type { Millis } from '../model/event.ts';
import type { RateLimit } from '../model/rate-limit.ts';
import type { Account } from '../store/accounts.ts';

/** Time in ms without a send after which an account that was evicted is closed: deliveries may still wait for a slot of it. */
const LINGER_MS: Millis = 60_000;
/** Time in ms after which a message is tried again whose account was replaced while it waited. */
const REPLACED_PAUSE_MS: Millis = 1000;

/** An open account of a tenant. It is closed once it was retired and nothing is under way. */
export class PooledAccount implements Provider {
  readonly name: string;
  readonly account: string;
  readonly failoverTo?: string;
  readonly channels: readonly Channel[];
  readonly services?: readonly PushService[];
  readonly sender?: string;
  readonly concurrency: number;
  readonly tenantId: string;
  readonly maxMillis?: Millis;
  readonly limit?: RateLimit;
  readonly keepsMessage: boolean;
  readonly isSubstitute?: boolean;
  readonly takesHosted?: boolean;
  readonly check?: (signal: AbortSignal) => Promise<CheckResult>;
  readonly poll?: (providerMessageId: string, signal: AbortSignal) => Promise<Receipt | null>;
  readonly fetchCost?: (providerMessageId: string, signal: AbortSignal) => Promise<BilledMessage | null>;
  readonly #provider: Provider;
  readonly #onClosed: (closing: Promise<void>) => void;
  #underWay = 0;
  #state: 'open' | 'evicted' | 'replaced' | 'closed' = 'open';
  #linger: NodeJS.Timeout | undefined;

  /** @param onClosed gets the end of its closing */
  constructor(
    provider: Provider,
    {
      tenantId,
      account,
      channels,
      limits,
      failoverTo,
    }: Pick<Account, 'tenantId' | 'account' | 'channels' | 'limits' | 'failoverTo'>,
    onClosed: (closing: Promise<void>) => void,
  ) {
    this.#provider = provider;
    this.#onClosed = onClosed;
    this.name = provider.name;
    this.account = account;
    if (failoverTo !== null) this.failoverTo = failoverTo;
    this.channels = channels;
    if (provider.services) this.services = provider.services;
    if (provider.sender !== undefined) this.sender = provider.sender;
    this.concurrency = provider.concurrency;
    this.tenantId = tenantId;
    if (provider.maxMillis !== undefined) this.maxMillis = provider.maxMillis;
    const limit = limits ?? provider.limit;
    if (limit) this.limit = limit;
    this.keepsMessage = provider.keepsMessage;
    if (provider.isSubstitute) this.isSubstitute = true;
    if (provider.takesHosted) this.takesHosted = true;
    if (provider.check) this.check = (signal) => this.#track(() => provider.check!(signal));
    if (provider.poll) this.poll = (id, signal) => this.#track(() => provider.poll!(id, signal));
    if (provider.fetchCost) this.fetchCost = (id, signal) => this.#track(() => provider.fetchCost!(id, signal));
  }

  /** Sends, unless the account was replaced meanwhile: then nothing is handed over, and the message comes back. */
  async send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    if (this.#state === 'replaced' || this.#state === 'closed') {
      return { kind: 'retry', of: 'message', after: REPLACED_PAUSE_MS, reason: 'the account was changed meanwhile' };
    }
    return this.#track(() => this.#provider.send(outgoing, signal, mayHandOver));
  }

  /** Ends its use. `replaced`: nothing more is sent by it. `evicted`: what waits for it is still sent. */
  retire(reason: 'evicted' | 'replaced'): void {
    if (this.#state === 'closed' || this.#state === 'replaced') return;
    this.#state = reason;
    this.#closeIfIdle();
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#linger);
    const closing = this.#provider.close();
    this.#onClosed(closing);
    await closing;
  }

  async #track<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay++;
    clearTimeout(this.#linger);
    try {
      return await work();
    } finally {
      this.#underWay--;
      this.#closeIfIdle();
    }
  }

  #closeIfIdle(): void {
    if (this.#underWay > 0 || this.#state === 'open' || this.#state === 'closed') return;
    clearTimeout(this.#linger);
    // A message that fails on closing has been sent already, or never was.
    const close = () => void this.close().catch(() => {});
    if (this.#state === 'replaced') close();
    else this.#linger = setTimeout(close, LINGER_MS).unref();
  }
}
