import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import { TidingsError } from '../errors.ts';
import { toEventKey } from '../events/envelope.ts';
import { freshId } from '../lib/fresh-id.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { toConfirmStandIn } from '../model/confirm-url.ts';
import type { Channel } from '../model/delivery.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { DoubleOptIn } from '../model/preferences.ts';
import type { Actor } from '../model/principal.ts';
import type { ConsentState } from '../model/terms.ts';
import { checkRequest } from '../notify/check-request.ts';
import { buildRequestedEvent } from '../notify/requested-event.ts';
import { findLatestConsent } from '../store/consents.ts';
import { findStoredEvents } from '../store/event-ids.ts';
import { loadBoundAddress } from '../store/terms.ts';
import { DAY_MS, isoTime } from '../time/iso-time.ts';
import type { HttpDependencies } from './app.ts';

/** Messages that ask for a confirmation, to one address on one day (UTC), for all users and purposes together. */
const MAX_REQUESTS_A_DAY = 3;
/** Time in ms within which a repeated request asks nothing again. */
const REPEAT_MS: Millis = 3_600_000;

export type ConsentParts = Pick<
  HttpDependencies,
  'database' | 'pipeline' | 'seal' | 'clock' | 'catalogs' | 'publicUrl' | 'readerUrl'
>;

/** Result of a request to record a consent. */
export interface RecordedConsent {
  readonly consent_id: string;
  readonly state: ConsentState;
  readonly notification_id: string | null;
  readonly expires_at: string | null;
}

/** A consent that is to be confirmed. */
export interface AskedConsent {
  readonly tenantId: string;
  readonly actor: Actor;
  readonly userId: string;
  readonly purpose: string;
  readonly channel: Channel;
  readonly addressHash: string | undefined;
  readonly catalog: Pick<Catalog, 'rules'>;
  readonly rule: DoubleOptIn;
}

/** Builds the event of a pending consent, with further properties. */
type BuildPending = (consentId: string, more: JsonObject) => JsonObject;

/** Double opt-in: records consent as pending, and asks the user by a message to the address, by the path of every message. */
export class ConfirmationRequests {
  readonly #parts: ConsentParts;

  constructor(parts: ConsentParts) {
    this.#parts = parts;
  }

  /** @throws TidingsError see `Consents.record` */
  async ask(asked: AskedConsent, build: BuildPending): Promise<RecordedConsent> {
    const { tenantId, userId, purpose, channel, addressHash, rule } = asked;
    const { database, pipeline, clock } = this.#parts;
    const pool = database.forTenant(tenantId);
    const now = clock();
    await this.#checkAddress(asked);
    const latest = await findLatestConsent(pool, { tenantId, userId, purpose, channel });
    const isOpen = latest?.state === 'pending' && latest.addressHash === addressHash;
    const open = isOpen && now < latest.recordedAt + rule.within ? latest : undefined;
    const repeat = open && {
      consent_id: open.consentId,
      state: 'pending' as const,
      notification_id: null,
      expires_at: isoTime(open.recordedAt + rule.within),
    };
    if (repeat && now - open.recordedAt < REPEAT_MS) return repeat;
    const consentId = freshId();
    const expiresAt = now + rule.within;
    const toMessage = this.#prepareMessage(asked, consentId, expiresAt, now);
    const slots = await this.#findFreeSlots(asked, now);
    const [first, ...others] = slots;
    if (first === undefined) {
      if (repeat) return repeat;
      throw new TidingsError('rate_limited', 'This address was asked for a confirmation too often today.', {
        retryAfter: Math.ceil((DAY_MS - (now % DAY_MS)) / 1000),
      });
    }
    const pending = build(consentId, { expires_at: isoTime(expiresAt) });
    const [recorded, sent] = await pipeline.ingest(tenantId, [pending, toMessage(first)], false);
    if (recorded?.status !== 'accepted')
      throw new TidingsError('invalid_request', `${recorded?.message ?? 'The consent was rejected'}.`);
    let message = sent;
    // Another request has taken the slot meanwhile.
    for (const slot of others) {
      if (message?.status !== 'conflict' && message?.status !== 'duplicate') break;
      [message] = await pipeline.ingest(tenantId, [toMessage(slot)], false);
    }
    const made =
      message?.status === 'accepted'
        ? message.decisions.find(({ notification_id: id }) => id !== undefined)?.notification_id
        : undefined;
    return {
      consent_id: consentId,
      state: 'pending',
      notification_id: made ?? null,
      expires_at: isoTime(expiresAt),
    };
  }

  /** The message goes where all messages go: one to another address would prove nothing about that of the consent. */
  async #checkAddress({ tenantId, userId, channel, addressHash }: AskedConsent): Promise<void> {
    const kind = CHANNEL_DESCRIPTORS[channel].addressKind;
    const known = kind && (await loadBoundAddress(this.#parts.database.forTenant(tenantId), tenantId, userId, kind));
    if (known && known.hash === addressHash) return;
    const message =
      'Consent for this is confirmed by its address (double opt-in), which must be the one that messages go to.';
    throw new TidingsError('invalid_request', message, { pointer: '/address' });
  }

  #prepareMessage(
    { userId, actor, channel, catalog, rule }: AskedConsent,
    consentId: string,
    expiresAt: Millis,
    now: Millis,
  ): (eventId: string) => JsonObject {
    const { publicUrl, readerUrl = () => publicUrl } = this.#parts;
    const url = readerUrl();
    if (url === null && !rule.keywords) {
      const message =
        'Consent for this is confirmed by a link, and this installation has no TIDINGS_PUBLIC_URL to make one.';
      throw new TidingsError('invalid_notification', message);
    }
    const confirmUrl = url && toConfirmStandIn(url.replace(/\/+$/, ''), { consentId, expiresAt });
    const request = {
      type: rule.type,
      channels: [channel],
      variables: confirmUrl ? { confirm_url: confirmUrl } : {},
      expires_at: isoTime(expiresAt),
    };
    checkRequest({ ...request, recipients: [] }, catalog, new Set(), now);
    const base = { request, scheduledAt: undefined, requestId: `req_${consentId.replaceAll('-', '')}`, actor };
    return (eventId) => buildRequestedEvent(base, { userId, eventId, time: now });
  }

  /** Returns ids of events of which each can be ingested once: so many messages are left for the address today. */
  async #findFreeSlots({ tenantId, channel, addressHash }: AskedConsent, now: Millis): Promise<string[]> {
    const { database, seal } = this.#parts;
    const day = Math.floor(now / DAY_MS);
    const slots = Array.from({ length: MAX_REQUESTS_A_DAY }, (_, index) => {
      return `confirm:${seal.sign(`double opt-in ${channel} ${addressHash}\n${day} ${index}`)}`;
    });
    const keys = slots.map(toEventKey);
    const taken = await findStoredEvents(database.forTenant(tenantId), tenantId, keys);
    return slots.filter((_, index) => !taken.has(keys[index] as string));
  }
}
