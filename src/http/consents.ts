import type { z } from 'zod';
import { TidingsError } from '../errors.ts';
import { markOwn } from '../events/own-events.ts';
import { freshId } from '../lib/fresh-id.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import type { AddressKind, JsonObject } from '../model/event.ts';
import type { Principal } from '../model/principal.ts';
import { CONSENT_RECORDED, type ConsentState, DOUBLE_OPT_IN } from '../model/terms.ts';
import { maskAddressTrait } from '../privacy/mask.ts';
import { toNormalAddress } from '../privacy/normal-address.ts';
import { readAddress } from '../privacy/read-address.ts';
import {
  type ConsentFilter,
  type ConsentView,
  type LatestConsents,
  listConsents,
  listLatestConsents,
} from '../store/consents.ts';
import { loadBoundAddress, type StoredPlanUser } from '../store/terms.ts';
import { isoTime } from '../time/iso-time.ts';
import { getAddressMask } from '../users/profile.ts';
import { ConfirmationRequests, type ConsentParts, type RecordedConsent } from './confirmation-requests.ts';
import type { newConsent } from './schemas/consents.ts';
import { requirePlanUser } from './unknown-user.ts';

type NewConsent = z.output<typeof newConsent>;

/** The address that a consent is for, as its event has it. */
export type BoundAddress = {
  readonly address_hash?: string;
  readonly address?: string;
  readonly trait_hash?: string;
};

/** Consents of users: recorded by an event, and kept with their evidence. */
export class Consents {
  readonly #parts: ConsentParts;
  readonly #requests: ConfirmationRequests;

  constructor(parts: ConsentParts) {
    this.#parts = parts;
    this.#requests = new ConfirmationRequests(parts);
  }

  /** @throws TidingsError `not_found` for an unknown user */
  async list(principal: Principal, userId: string, limit: number, before: string | null): Promise<ConsentView[]> {
    const { database, seal } = this.#parts;
    const { tenantId, scopes } = principal;
    const user = await requirePlanUser(database, tenantId, userId);
    const maySee = scopes.has('personal_data:read') || principal.userId === userId;
    return listConsents(
      database.forTenant(tenantId),
      tenantId,
      user.userId,
      { limit, before },
      maySee ? seal : undefined,
    );
  }

  /** Returns consents of all users, without their evidence. */
  listLatest(
    tenantId: string,
    filter: ConsentFilter,
    page: { readonly limit: number; readonly before: string | null },
  ): Promise<LatestConsents> {
    return listLatestConsents(this.#parts.database.forTenant(tenantId), tenantId, filter, page);
  }

  /**
   * Records a consent. One that the policy wants confirmed (double opt-in) is pending, and the user is asked by a message to the address.
   * @throws TidingsError `not_found` for an unknown user, `invalid_request` without an address to bind a grant to, or for a time in the
   *   future, `rate_limited` if the address was asked too often, `invalid_notification` if it cannot be asked
   */
  async record(principal: Principal, namedId: string, body: NewConsent): Promise<RecordedConsent> {
    const { tenantId, actor } = principal;
    const { database, pipeline, clock, catalogs } = this.#parts;
    const { evidence, at, address: _, ...said } = body;
    const now = clock();
    const time = at === undefined ? now : Date.parse(at);
    if (time > now)
      throw new TidingsError('invalid_request', 'at is in the future; write when it was said.', { pointer: '/at' });
    const user = await requirePlanUser(database, tenantId, namedId);
    const { userId } = user;
    const bound = await this.bind(tenantId, user, body);
    const { purpose, channel, source } = said;
    const build = (consentId: string, state: ConsentState, more: JsonObject) => {
      const by = { kind: actor.kind, id: actor.id };
      const properties = { ...said, ...bound, state, ...more, evidence_id: consentId, by };
      const item = {
        event_id: `consent ${consentId}`,
        user_id: userId,
        event_type: CONSENT_RECORDED,
        event_timestamp: isoTime(time),
        properties: properties as JsonObject,
      };
      const after = { purpose, channel, state, source, user_id: userId };
      const entry = { actor, action: 'consent.recorded', subject: consentId, detail: {}, after };
      return markOwn(item, { evidence, ...(principal.userId === undefined && { audit: entry }) });
    };
    if (body.state === 'granted') {
      const catalog = await catalogs.getActiveOf(tenantId, userId);
      const rule = catalog.rules.policy.doubleOptIn?.[`${purpose}/${channel}`];
      // A statement of users about themselves is confirmed by the address alone.
      const isConfirmed = principal.userId === undefined && said.method === DOUBLE_OPT_IN && evidence !== undefined;
      if (rule && !isConfirmed) {
        const asked = { tenantId, actor, userId, purpose, channel: channel as Channel, catalog, rule };
        return this.#requests.ask({ ...asked, addressHash: bound.address_hash }, (consentId, more) =>
          build(consentId, 'pending', more),
        );
      }
    }
    const consentId = freshId();
    const [result] = await pipeline.ingest(tenantId, [build(consentId, body.state, {})], false);
    if (result?.status !== 'accepted')
      throw new TidingsError('invalid_request', `${result?.message ?? 'The consent was rejected'}.`);
    return { consent_id: consentId, state: body.state, notification_id: null, expires_at: null };
  }

  /**
   * Returns the address that a consent is for: its keyed hash and its mask, and the address that the traits have, which decisions
   * compare, if that is another one.
   */
  async bind(
    tenantId: string,
    { userId, profile, addressHashes }: StoredPlanUser,
    { channel, state, address }: Pick<NewConsent, 'channel' | 'state' | 'address'>,
  ): Promise<BoundAddress> {
    const { database, seal } = this.#parts;
    const kind = CHANNEL_DESCRIPTORS[channel as Channel].addressKind;
    if (kind === undefined) return {};
    const known = await loadBoundAddress(database.forTenant(tenantId), tenantId, userId, kind);
    const named = address === undefined ? undefined : seal.hash(toNormalAddress(kind, address));
    if (address !== undefined && named !== undefined && named !== known?.hash) {
      if (state === 'granted') requireAddress(kind, address);
      return { address_hash: named, address: String(maskAddressTrait(kind, address)) };
    }
    if (known) {
      const { hash } = known;
      const { [kind]: ofTraits = '' } = addressHashes;
      const mask = getAddressMask(profile, kind);
      return {
        address_hash: hash,
        address: typeof mask === 'string' ? mask : known.mask,
        ...(ofTraits !== hash && { trait_hash: ofTraits }),
      };
    }
    if (state === 'withdrawn') return {};
    throw new TidingsError(
      'invalid_request',
      'The user has no address of this channel; name the one that the consent is for.',
      {
        pointer: '/address',
      },
    );
  }
}

/** A grant for what is no address would never count; a withdrawal counts, whatever address it names. @throws TidingsError `invalid_request` */
function requireAddress(kind: AddressKind, address: string): void {
  const read = readAddress(kind, address.trim());
  if ('problem' in read) throw new TidingsError('invalid_request', `address ${read.problem}`, { pointer: '/address' });
}
