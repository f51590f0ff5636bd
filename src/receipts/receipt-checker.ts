import type pg from 'pg';
import type { Provider } from '../channels/provider.ts';
import type { Millis } from '../model/event.ts';
import type { Receipt } from '../model/receipt.ts';
import { type MessageRow, takeUncheckedMessages } from '../store/receipts/provider-messages.ts';
import { endCheck } from '../store/receipts/receipts.ts';
import { recordHeldReceipts } from './held-receipts.ts';
import { type RecordOptions, recordReceipts } from './record-receipts.ts';

/** Messages that are looked at in one round, at most; a full round is followed by another at once. */
const MAX_ROUND = 100;
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
 * asked, and then calls the delivery unconfirmed. A receipt that comes later counts all the same. Also records receipts that came
 * before their message was known.
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
        for (const message of due) {
          // Before it ends the round: what is taken and not looked at waits for long.
          await this.#checkOne(message).catch((error: unknown) => {
            log.warn({ err: error }, 'a message without a receipt could not be looked at; will retry');
          });
        }
        isFull = due.length === MAX_ROUND;
      }
    } catch (error) {
      log.warn({ err: error }, 'messages without a receipt could not be looked at; will retry');
    }
  }

  async #checkOne(message: MessageRow): Promise<void> {
    const receipt = await this.#poll(message);
    await recordReceipts(this.#options, message, receipt ? [receipt] : [], true);
    // Also of a delivery that is gone.
    await endCheck(this.#options.pool, message.tenantId, [message]);
  }

  async #poll(message: MessageRow): Promise<Receipt | null> {
    const { findAccount, log } = this.#options;
    try {
      const provider = await findAccount(message);
      return (await provider?.poll?.(message.messageKey, AbortSignal.timeout(POLL_TIMEOUT_MS))) ?? null;
    } catch (error) {
      log.info({ err: error, provider: message.provider }, 'a provider could not be asked for a receipt');
      return null;
    }
  }
}
