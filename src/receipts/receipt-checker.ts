import type pg from 'pg';
import type { BilledMessage, Provider } from '../channels/provider.ts';
import type { Millis } from '../model/event.ts';
import type { Receipt } from '../model/receipt.ts';
import {
  endCheck,
  endPriceCheck,
  type MessageRow,
  takeUncheckedMessages,
  type UncheckedMessage,
} from '../store/receipts/provider-messages.ts';
import { recordHeldReceipts } from './held-receipts.ts';
import { type RecordOptions, recordReceipts } from './record-receipts.ts';

/** Messages that are looked at in one round, at most; a full round is followed by another at once. */
const MAX_ROUND = 100;
/** Messages that are asked for at the same time. */
const MAX_AT_ONCE = 10;
/** A price that could not be asked for within this time (ms) after it was due is no longer asked for: the computed one stays. */
const MAX_PRICE_DELAY_MS: Millis = 24 * 3_600_000;
/** Time in ms within which a provider answers. */
const POLL_TIMEOUT_MS: Millis = 10_000;

export interface ReceiptCheckerOptions extends RecordOptions {
  readonly pool: pg.Pool;
  /** Returns the account that sent a message, if it is still there. */
  readonly findAccount: (message: MessageRow) => Promise<Provider | undefined>;
  /** Interval in ms. Default 5 s. */
  readonly interval?: Millis;
}

/**
 * Looks for messages that no receipt came for in the time in which one usually does: asks the provider once, where it can be
 * asked, and then calls the delivery unconfirmed. A receipt that comes later counts all the same. Asks for the price of a message once,
 * where receipts do not say it. Also records receipts that came before their message was known.
 */
export class ReceiptChecker {
  readonly #options: ReceiptCheckerOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(options: ReceiptCheckerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.check(), this.#options.interval ?? 5000);
  }

  /** Resolves when all that is due now was looked at. */
  check(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Resolves when the message under way is done. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#isStopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { pool, clock, log } = this.#options;
    try {
      await recordHeldReceipts(this.#options, () => this.#isStopping);
    } catch (error) {
      log.warn({ err: error }, 'receipts of messages that became known could not be recorded; will retry');
    }
    try {
      for (let isFull = true; isFull && !this.#isStopping; ) {
        const due = await takeUncheckedMessages(pool, clock(), MAX_ROUND);
        for (let start = 0; start < due.length; start += MAX_AT_ONCE) {
          // All that was taken: what is not looked at waits for long.
          await Promise.all(due.slice(start, start + MAX_AT_ONCE).map((message) => this.#checkOrLog(message)));
        }
        isFull = due.length === MAX_ROUND;
      }
    } catch (error) {
      log.warn({ err: error }, 'messages without a receipt could not be looked at; will retry');
    }
  }

  async #checkOrLog(message: UncheckedMessage): Promise<void> {
    try {
      await (message.asksPrice ? this.#checkPrice(message) : this.#checkOne(message));
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a message that is to be asked for could not be looked at; will retry');
    }
  }

  /** Asks for the price of a message, once, and records it as a receipt. */
  async #checkPrice(message: UncheckedMessage): Promise<void> {
    const { pool, clock } = this.#options;
    const billed = clock() - message.dueAt > MAX_PRICE_DELAY_MS ? null : await this.#fetchCost(message);
    if (billed) {
      const { messageKey: providerMessageId } = message;
      const id = `price:${providerMessageId}`;
      await recordReceipts(this.#options, message, [
        { id, of: { providerMessageId }, kind: 'accepted', at: clock(), ...billed },
      ]);
    }
    await endPriceCheck(pool, message.tenantId, message);
  }

  async #checkOne(message: MessageRow): Promise<void> {
    const receipt = await this.#poll(message);
    await recordReceipts(this.#options, message, receipt ? [receipt] : [], true);
    // Also of a delivery that is gone.
    await endCheck(this.#options.pool, message.tenantId, [message]);
  }

  #poll(message: MessageRow): Promise<Receipt | null> {
    return this.#ask(message, async (provider, signal) => provider.poll?.(message.messageKey, signal));
  }

  #fetchCost(message: MessageRow): Promise<BilledMessage | null> {
    return this.#ask(message, async (provider, signal) => provider.fetchCost?.(message.messageKey, signal));
  }

  /** Asks the account that sent a message; null: it is gone, cannot be asked, or does not know. */
  async #ask<T>(
    message: MessageRow,
    ask: (provider: Provider, signal: AbortSignal) => Promise<T | null | undefined>,
  ): Promise<T | null> {
    const { findAccount, log } = this.#options;
    try {
      const provider = await findAccount(message);
      return (provider && (await ask(provider, AbortSignal.timeout(POLL_TIMEOUT_MS)))) ?? null;
    } catch (error) {
      log.info({ err: error, provider: message.provider }, 'a provider could not be asked for a message');
      return null;
    }
  }
}
