import type { ReceiptAccount, ReceiptAccounts } from '../accounts/receipt-accounts.ts';
import type { ProviderTools, Receipt, ReceiptAnswer, ReceiptRequest } from '../channels/provider.ts';
import { TidingsError } from '../errors.ts';
import { toWord } from '../lib/text/to-word.ts';
import { DEFAULT_TENANT } from '../model/event.ts';
import { MAX_REQUEST_RECEIPTS } from '../model/receipt.ts';
import { toNormalAddress } from '../privacy/normal-address.ts';
import { holdReceipts } from '../store/receipts/held-receipts.ts';
import {
  findMessagesTo,
  findProviderMessages,
  type MessageOwner,
  type MessageRow,
} from '../store/receipts/provider-messages.ts';
import { findByReference } from './find-messages.ts';
import { getMessageKey } from './receipt-subject.ts';
import { recordKeyword } from './record-keyword.ts';
import { type RecordOptions, recordReceipts } from './record-receipts.ts';
import { toStorable } from './storable-receipt.ts';

/** Time in ms within which a receipt may be faster than the record of what it is about. */
const SETTLEMENT_PAUSE_MS = 1000;
/** Receipts of a request whose messages are looked up at a time. */
const CHUNK_RECEIPTS = 1000;
/** Time in seconds after which a provider may repeat a request whose receipts found no room. */
const RETRY_AFTER_SECONDS = 60;

export interface ReceiptIntakeOptions extends RecordOptions {
  readonly accounts: ReceiptAccounts;
  readonly getTools: () => ProviderTools;
  /** Takes a short text message that was written to us, for each tenant that it may be meant for. Absent: keywords alone count. */
  readonly onReply?: (reply: Reply) => Promise<void>;
}

/** A short text message that was written to us. */
export interface Reply {
  readonly tenantId: string;
  /** Keyed hash of the number that it came from. */
  readonly addressHash: string;
  /** As `toWord` returns it. */
  readonly word: string;
  readonly provider: string;
  readonly receiptId: string;
}

/** Takes what providers report: verifies the bytes as received, reads them, and records what they say. */
export class ReceiptIntake {
  readonly #options: ReceiptIntakeOptions;

  constructor(options: ReceiptIntakeOptions) {
    this.#options = options;
  }

  /**
   * Takes a request of a provider. A repetition changes nothing. What it returns for is recorded or held, all of it.
   * @param account as in the URL of the request; null: that of the installation
   * @returns the body to answer with; undefined: none
   * @throws TidingsError `not_found` for an unknown account, `unauthorized` for a signature that does not match, `invalid_json` for
   *   a body that can never be read, `payload_too_large` for more than MAX_REQUEST_RECEIPTS, none of which is recorded,
   *   `overloaded` if the request cannot be verified now, what it asks for cannot be done now, or receipts of messages that are
   *   not known yet find no room: a provider that gets it sends them again
   */
  async take(provider: string, account: string | null, request: ReceiptRequest): Promise<ReceiptAnswer['body']> {
    const { accounts, getTools, log } = this.#options;
    const found = await accounts.find(provider, account);
    const reader = found?.definition.receipts;
    if (!found || !reader) {
      throw new TidingsError('not_found', 'No account of this installation gets receipts under this URL.');
    }
    const tools = getTools();
    const fault = await reader.verify(request, found.settings, tools).catch((error: unknown) => {
      log.warn({ err: error, provider }, 'a request with receipts cannot be verified now');
      throw toRepeat('The request cannot be verified now. Send it again.');
    });
    if (fault !== undefined) throw new TidingsError('unauthorized', `The request is not accepted: ${fault}.`);
    const answer = reader.read(request, found.settings);
    if (answer.fault !== undefined) {
      log.warn({ provider, fault: answer.fault }, 'a request with receipts cannot be read');
      throw new TidingsError('invalid_json', `${answer.fault} Nothing of the request is recorded.`);
    }
    if (answer.receipts.length > MAX_REQUEST_RECEIPTS) {
      log.warn({ provider }, 'a request has too many receipts; none of them is recorded');
      const message = `A request has at most ${MAX_REQUEST_RECEIPTS} reports. Send them in several.`;
      throw new TidingsError('payload_too_large', message);
    }
    await this.#recordAll(found, answer.receipts);
    await answer.afterwards?.(tools).catch((error: unknown) => {
      log.warn({ err: error, provider }, 'what a provider asked for with its receipts could not be done');
      throw toRepeat('What the request asks for could not be done now. Send it again.');
    });
    return answer.body;
  }

  async #recordAll(account: ReceiptAccount, receipts: readonly Receipt[]): Promise<void> {
    const owner = { provider: account.definition.name, account: account.account ?? '', tenantId: account.tenantId };
    const { log } = this.#options;
    let [left, unmatched, canWait] = [0, 0, true];
    for (let start = 0; start < receipts.length; start += CHUNK_RECEIPTS) {
      const chunk = receipts.slice(start, start + CHUNK_RECEIPTS).map(toStorable);
      const result = await this.#record(owner, chunk, canWait);
      left += result.left;
      unmatched += result.unmatched;
      // One pause is enough: what was sent before the request is recorded after it.
      canWait &&= !result.hasWaited;
    }
    const { provider } = owner;
    if (unmatched > 0) log.info({ provider, unmatched }, 'receipts of messages that are not known');
    if (left === 0) return;
    log.warn({ provider, left }, 'receipts of messages that are not known yet found no room');
    throw toRepeat('Too many receipts of this account wait for their messages. Send these again.');
  }

  /** Returns how many of the receipts found no room, and how many name no message. */
  async #record(
    owner: MessageOwner,
    receipts: readonly Receipt[],
    canWait: boolean,
  ): Promise<{ readonly left: number; readonly unmatched: number; readonly hasWaited: boolean }> {
    const { pool, seal, clock } = this.#options;
    const keys = [...new Set(receipts.flatMap((receipt) => getMessageKey(receipt) ?? []))];
    const messages = new Map<string, MessageRow>();
    const look = async (wanted: readonly string[]) => {
      for (const row of await findProviderMessages(pool, owner, wanted)) messages.set(row.messageKey, row);
    };
    await look(keys);
    const missing = keys.filter((key) => !messages.has(key));
    const hasWaited = canWait && missing.length > 0;
    if (hasWaited) {
      // The provider may report before the attempt is recorded.
      await new Promise((resolve) => setTimeout(resolve, SETTLEMENT_PAUSE_MS));
      await look(missing);
    }
    const groups = new Map<string, { readonly message: MessageRow; readonly receipts: Receipt[] }>();
    const add = (message: MessageRow, receipt: Receipt) => {
      const id = JSON.stringify([message.tenantId, message.notificationId, message.channel, message.target]);
      const group = groups.get(id) ?? { message, receipts: [] };
      group.receipts.push(receipt);
      groups.set(id, group);
    };
    let unmatched = 0;
    const early: { readonly messageKey: string; readonly receipt: Receipt; readonly owner: MessageOwner }[] = [];
    for (const receipt of receipts) {
      const key = getMessageKey(receipt);
      if ('from' in receipt.of) {
        const addressHash = seal.sign(toNormalAddress('phone', receipt.of.from));
        const to = await findMessagesTo(pool, owner, addressHash);
        for (const message of to) add(message, receipt);
        if (to.length === 0) await recordKeyword(this.#options, owner, receipt, addressHash);
        const tenants = to.length === 0 ? [owner.tenantId ?? DEFAULT_TENANT] : to.map(({ tenantId }) => tenantId);
        await this.#reply(owner, receipt, addressHash, tenants);
      } else {
        const message = key === undefined ? undefined : messages.get(key);
        if (message) add(message, receipt);
        else if (key === undefined) unmatched++;
        else early.push({ messageKey: key, receipt, owner });
      }
    }
    const referenced = await findByReference(pool, early, clock());
    for (const [{ receipt }, message] of referenced) add(message, receipt);
    // Always in the same order: two requests do not wait for each other.
    for (const [, group] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await recordReceipts(this.#options, group.message, group.receipts);
    }
    const unknown = early.filter((one) => !referenced.has(one));
    const left = unknown.length > 0 ? await holdReceipts(pool, owner, unknown, clock()) : 0;
    return { left, unmatched, hasWaited };
  }

  /** Hands on a message that is one word, unless it says STOP. */
  async #reply(
    { provider }: MessageOwner,
    { of, kind, id: receiptId }: Receipt,
    addressHash: string,
    tenants: readonly string[],
  ): Promise<void> {
    const { onReply } = this.#options;
    const word = 'from' in of ? toWord(of.text) : undefined;
    if (!onReply || kind === 'opted_out' || word === undefined || word === '') return;
    for (const tenantId of new Set(tenants)) await onReply({ tenantId, addressHash, word, provider, receiptId });
  }
}

function toRepeat(message: string): TidingsError {
  return new TidingsError('overloaded', message, { retryAfter: RETRY_AFTER_SECONDS });
}
