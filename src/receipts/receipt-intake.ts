import type { ReceiptAccount, ReceiptAccounts } from '../accounts/receipt-accounts.ts';
import type { ProviderTools, Receipt, ReceiptAnswer, ReceiptRequest } from '../channels/provider.ts';
import { TidingsError } from '../errors.ts';
import { toNormalAddress } from '../privacy/normal-address.ts';
import { holdReceipts } from '../store/receipts/held-receipts.ts';
import { findMessagesTo, findProviderMessages, type MessageRow } from '../store/receipts/provider-messages.ts';
import { type RecordOptions, recordReceipts } from './record-receipts.ts';

/** Time in ms within which a receipt may be faster than the record of what it is about. */
const SETTLEMENT_PAUSE_MS = 1000;
/** Receipts of one request that are looked at, at most. */
const MAX_RECEIPTS = 10_000;
/** Time in seconds after which a provider may repeat a request whose receipts found no room. */
const RETRY_AFTER_SECONDS = 60;
/** Longest id of a receipt, and of what it is about. */
const MAX_ID_CHARS = 500;

export interface ReceiptIntakeOptions extends RecordOptions {
  readonly accounts: ReceiptAccounts;
  readonly getTools: () => ProviderTools;
}

/** Takes what providers report: verifies the bytes as received, reads them, and records what they say. */
export class ReceiptIntake {
  readonly #options: ReceiptIntakeOptions;

  constructor(options: ReceiptIntakeOptions) {
    this.#options = options;
  }

  /**
   * Takes a request of a provider. A repetition changes nothing.
   * @param account as in the URL of the request; null: that of the installation
   * @returns the body to answer with; undefined: none
   * @throws TidingsError `not_found` for an unknown account, `unauthorized` for a signature that does not match, `overloaded` if
   *   receipts of messages that are not known yet find no room: a provider that gets an error sends them again
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
      log.error({ err: error, provider }, 'a request with receipts could not be verified');
      return 'it could not be verified';
    });
    if (fault !== undefined) throw new TidingsError('unauthorized', `The request is not accepted: ${fault}.`);
    const answer = reader.read(request, found.settings);
    await this.#record(found, answer.receipts.slice(0, MAX_RECEIPTS));
    await answer.afterwards?.(tools).catch((error: unknown) => {
      log.warn({ err: error, provider }, 'what a provider asked for with its receipts could not be done');
    });
    return answer.body;
  }

  async #record(account: ReceiptAccount, receipts: readonly Receipt[]): Promise<void> {
    const owner = { provider: account.definition.name, account: account.account ?? '', tenantId: account.tenantId };
    const known = receipts.filter(({ id }) => id !== '' && id.length <= MAX_ID_CHARS);
    const keys = [...new Set(known.flatMap((receipt) => getKey(receipt) ?? []))];
    const { pool, seal, clock, log } = this.#options;
    const messages = new Map<string, MessageRow>();
    const look = async (wanted: readonly string[]) => {
      for (const row of await findProviderMessages(pool, owner, wanted)) messages.set(row.messageKey, row);
    };
    await look(keys);
    const missing = keys.filter((key) => !messages.has(key));
    if (missing.length > 0) {
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
    const early: { readonly messageKey: string; readonly receipt: Receipt }[] = [];
    for (const receipt of known) {
      const key = getKey(receipt);
      if ('from' in receipt.of) {
        const to = await findMessagesTo(pool, owner, seal.sign(toNormalAddress('phone', receipt.of.from)));
        for (const message of to) add(message, receipt);
        if (to.length === 0) unmatched++;
      } else {
        const message = key === undefined ? undefined : messages.get(key);
        if (message) add(message, receipt);
        else if (key === undefined) unmatched++;
        else early.push({ messageKey: key, receipt });
      }
    }
    // Always in the same order: two requests do not wait for each other.
    for (const [, group] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await recordReceipts(this.#options, group.message, group.receipts);
    }
    if (unmatched > 0) log.info({ provider: owner.provider, unmatched }, 'receipts of messages that are not known');
    const left = early.length > 0 ? await holdReceipts(pool, owner, early, clock()) : 0;
    if (left > 0) {
      log.warn({ provider: owner.provider, left }, 'receipts of messages that are not known yet found no room');
      throw new TidingsError(
        'overloaded',
        'Too many receipts of this account wait for their messages. Send these again.',
        {
          retryAfter: RETRY_AFTER_SECONDS,
        },
      );
    }
  }
}

function getKey({ of }: Receipt): string | undefined {
  const key = 'reference' in of ? of.reference : 'providerMessageId' in of ? of.providerMessageId : undefined;
  return key === undefined || key === '' || key.length > MAX_ID_CHARS ? undefined : key;
}
