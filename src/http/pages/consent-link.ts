import { TidingsError } from '../../errors.ts';
import { markOwn } from '../../events/own-events.ts';
import { freshId } from '../../lib/fresh-id.ts';
import type { Json, JsonObject, Millis } from '../../model/event.ts';
import { CONSENT_RECORDED, DOUBLE_OPT_IN } from '../../model/terms.ts';
import type { ConsentClaim } from '../../privacy/consent-token.ts';
import { CONFIRMATION_SOURCES, findConsent, isConfirmedSince, type StoredConsent } from '../../store/consents.ts';
import { loadMerges } from '../../store/merge/merged-users.ts';
import { loadPlanUsers, type StoredPlanUser } from '../../store/terms.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { ConsentParts } from '../confirmation-requests.ts';
import { Consents } from '../consents.ts';
import type { ConsentPage } from './consent-page.ts';
import { toLinkPrincipal } from './link-principal.ts';
import { goneLink, loadPageTenant } from './page-tenant.ts';
import { findPageTexts } from './page-texts.ts';

/** The reader who uses a link, as evidence. */
export interface LinkReader {
  readonly ip: string;
  readonly userAgent: string | undefined;
}

/** A text message that confirms consent, as evidence. */
export interface ConfirmingReply {
  readonly reply: string;
  readonly provider: string;
  readonly receiptId: string;
}

/** Characters of a user agent that are kept. */
const MAX_USER_AGENT_CHARS = 500;

interface FoundRequest {
  readonly page: Omit<ConsentPage, 'state'>;
  readonly user: StoredPlanUser;
  readonly request: StoredConsent;
  readonly isConfirmed: boolean;
  readonly isExpired: boolean;
}

/** The page behind a link that confirms consent, for the one who holds it. */
export class ConsentLink {
  readonly #parts: ConsentParts;
  readonly #consents: Consents;

  constructor(parts: ConsentParts) {
    this.#parts = parts;
    this.#consents = new Consents(parts);
  }

  /** Returns the page; changes nothing. @throws TidingsError `not_found` if the link leads nowhere, or no longer */
  async show(claim: ConsentClaim): Promise<ConsentPage> {
    const { page, isConfirmed, isExpired } = await this.#find(claim);
    return { ...page, state: isConfirmed ? 'confirmed' : isExpired ? 'expired' : 'asked' };
  }

  /** Records that the reader has confirmed it, and returns the page; may be repeated. @throws TidingsError as `show` */
  async confirm(claim: ConsentClaim, reader: LinkReader | ConfirmingReply): Promise<ConsentPage> {
    const found = await this.#find(claim);
    const { page, isConfirmed, isExpired } = found;
    if (isConfirmed) return { ...page, state: 'confirmed' };
    if (isExpired) return { ...page, state: 'expired' };
    await this.#record(claim.tenantId, found, reader);
    return { ...page, state: 'confirmed' };
  }

  async #find(claim: ConsentClaim): Promise<FoundRequest> {
    const { tenantId, consentId, addressHash, expiresAt } = claim;
    const { database, clock } = this.#parts;
    const pool = database.forTenant(tenantId);
    const tenant = await loadPageTenant(database.owner, tenantId);
    const merged = (await loadMerges(pool, tenantId, [claim.userId])).get(claim.userId);
    const userId = merged?.into ?? claim.userId;
    const [user] = await loadPlanUsers(pool, [{ tenantId, userId }]);
    if (!user) throw goneLink();
    const userIds = [claim.userId, userId];
    const request = await findConsent(pool, tenantId, userIds, consentId);
    // After an erasure nothing is known of its user; the link of a message that went to another address proves nothing.
    if (request?.state !== 'pending' || request.addressHash !== addressHash) throw goneLink();
    const isConfirmed = await isConfirmedSince(pool, tenantId, userIds, request);
    const { purpose, channel } = request;
    const known = user.terms?.k?.[`${purpose}/${channel}`];
    // Confirmed and withdrawn since, or granted since for another address: the link is used up.
    if (isConfirmed ? known?.state !== 'granted' : isReplaced(known, request)) throw goneLink();
    const texts = findPageTexts([textOf(user.profile.traits.locale), tenant.settings.locale]);
    const page = { tenant, texts, purpose, address: request.addressMask ?? '…' };
    return { page, user, request, isConfirmed, isExpired: clock() >= expiresAt };
  }

  async #record(
    tenantId: string,
    { user, request }: FoundRequest,
    reader: LinkReader | ConfirmingReply,
  ): Promise<void> {
    const { pipeline, clock } = this.#parts;
    const { purpose, channel, wordingVersion, locale, consentId, source, addressHash, addressMask } = request;
    const now = clock();
    const confirmedId = freshId();
    const current = await this.#consents
      .bind(tenantId, user, { channel: channel as never, state: 'granted', address: undefined })
      .catch(() => undefined);
    // They may have changed the address since; it is then a consent for the earlier one.
    const bound = current?.address_hash === addressHash ? current : { address_hash: addressHash, address: addressMask };
    const { actor } = toLinkPrincipal(tenantId, user.userId);
    const properties = {
      purpose,
      channel,
      state: 'granted',
      source: CONFIRMATION_SOURCES['reply' in reader ? 'reply' : 'link'],
      method: DOUBLE_OPT_IN,
      ...(wordingVersion !== null && { wording_version: wordingVersion }),
      ...(locale !== null && { locale }),
      ...bound,
      evidence_id: confirmedId,
      by: { kind: actor.kind, id: actor.id },
    };
    const item = {
      event_id: `consent confirmed ${consentId}`,
      user_id: user.userId,
      event_type: CONSENT_RECORDED,
      event_timestamp: isoTime(now),
      properties: properties as JsonObject,
    };
    const evidence = {
      confirmed_at: isoTime(now),
      requested_at: isoTime(request.at),
      request: consentId,
      ...(source !== null && { request_source: source }),
      ...toEvidence(reader),
    };
    const [result] = await pipeline.ingest(tenantId, [markOwn(item, { evidence })], false);
    // Stored by another request of the same reader, at another time.
    if (result?.status === 'accepted' || result?.status === 'duplicate' || result?.status === 'conflict') return;
    if (result?.code === 'user_erased') throw goneLink();
    throw new TidingsError('invalid_request', `${result?.message ?? 'The consent was rejected'}.`);
  }
}

function toEvidence(reader: LinkReader | ConfirmingReply): JsonObject {
  if ('reply' in reader) return { reply: reader.reply, provider: reader.provider, receipt_id: reader.receiptId };
  const { ip, userAgent } = reader;
  return {
    ...{ page: '/consent', ip },
    ...(userAgent !== undefined && { user_agent: userAgent.slice(0, MAX_USER_AGENT_CHARS) }),
  };
}

/** Whether something was said since that the confirmation of an earlier request does not replace: a grant for another address. */
function isReplaced(
  known: { readonly state: string; readonly at: Millis; readonly hash?: string } | undefined,
  { at, addressHash }: StoredConsent,
): boolean {
  return known?.state === 'granted' && known.at > at && known.hash !== undefined && known.hash !== addressHash;
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
