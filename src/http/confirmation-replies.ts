import { TidingsError } from '../errors.ts';
import type { Reply } from '../receipts/receipt-intake.ts';
import { findUsersByAddress } from '../store/addresses.ts';
import { findLatestConsent } from '../store/consents.ts';
import type { ConsentParts } from './confirmation-requests.ts';
import { ConsentLink } from './pages/consent-link.ts';

const CHANNEL = 'sms';

/** Text messages that confirm consent (double opt-in): the owner of a number replies with a word that the policy names. */
export class ConfirmationReplies {
  readonly #parts: ConsentParts;
  readonly #link: ConsentLink;

  constructor(parts: ConsentParts) {
    this.#parts = parts;
    this.#link = new ConsentLink(parts);
  }

  /**
   * Confirms what the users of the number were asked for, of purposes with this word. Another message changes nothing, nor does one that is
   * repeated.
   */
  async take({ tenantId, addressHash, word, provider, receiptId }: Reply): Promise<void> {
    const { database, catalogs, clock } = this.#parts;
    const { policy } = (await catalogs.getActive(tenantId)).rules;
    const asked = Object.entries(policy.doubleOptIn ?? {}).filter(([, { keywords }]) => keywords?.includes(word));
    if (asked.length === 0) return;
    const pool = database.forTenant(tenantId);
    const users = (await findUsersByAddress(pool, tenantId, [addressHash])).get(addressHash) ?? [];
    for (const { userId } of users) {
      for (const [key, { within }] of asked) {
        const [purpose = '', channel] = key.split('/');
        if (channel !== CHANNEL) continue;
        const request = await findLatestConsent(pool, { tenantId, userId, purpose, channel });
        if (request?.state !== 'pending' || request.addressHash !== addressHash) continue;
        const expiresAt = request.recordedAt + within;
        if (clock() >= expiresAt) continue;
        const claim = { tenantId, userId, consentId: request.consentId, addressHash, expiresAt };
        await this.#link.confirm(claim, { reply: word, provider, receiptId }).catch((error: unknown) => {
          // It was replaced meanwhile, or its user was erased.
          if (!(error instanceof TidingsError && error.code === 'not_found')) throw error;
        });
      }
    }
  }
}
