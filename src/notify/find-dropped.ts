import type pg from 'pg';
import type { NotificationType } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import { ADDRESS_USER } from '../model/direct.ts';
import type { Millis } from '../model/event.ts';
import { NO_POLICY, type Policy } from '../model/preferences.ts';
import { NO_TERMS, type Terms } from '../model/terms.ts';
import { describeVerdict } from '../plan/describe-verdicts.ts';
import { askWhetherItMayGo } from '../plan/verdicts.ts';
import type { Unreachable } from '../store/deliveries/unreachable.ts';
import { loadPlanUsers, type StoredPlanUser } from '../store/terms.ts';
import { isoTime } from '../time/iso-time.ts';
import { isBoundTo } from '../users/address-ids.ts';
import { withTermsOfAddress } from '../users/terms.ts';

/** The notification that is asked about. */
export interface DroppedQuestion {
  readonly tenantId: string;
  readonly type: NotificationType;
  readonly channels: readonly Channel[];
  readonly policy: Policy;
  readonly now: Millis;
}

/**
 * Returns, for each user, the channels by which a message would not go on their terms as they are now, whenever it is due, and why. A
 * claim says the same. A schedule is decided when it is due, and what was said for an address before a user had it when it is claimed, so
 * neither is in the decision.
 */
export async function findDropped(
  pool: pg.Pool,
  question: DroppedQuestion,
  userIds: readonly string[],
): Promise<ReadonlyMap<Channel, Unreachable>[]> {
  const { tenantId, channels } = question;
  const toAsked = (userId: string) => ({ tenantId, userId });
  const users = await loadPlanUsers(pool, userIds.map(toAsked));
  const kinds = [...new Set(channels.flatMap((channel) => CHANNEL_DESCRIPTORS[channel].addressKind ?? []))];
  const ids = users.flatMap((user) => kinds.flatMap((kind) => toAddressUser(user, kind) ?? []));
  const known = ids.length === 0 ? [] : await loadPlanUsers(pool, ids.map(toAsked));
  const ofAddress = new Map(known.flatMap((user) => (user?.terms ? [[user.userId, user.terms] as const] : [])));
  return users.map((user, place) => {
    const about = user ?? { ...UNKNOWN_USER, userId: userIds[place] as string };
    return new Map(channels.flatMap((channel) => findDrop(question, about, channel, ofAddress)));
  });
}

const UNKNOWN_USER = { profile: { traits: {}, traitTimes: {} }, terms: null, addressHashes: {} };

function toAddressUser(
  user: Pick<StoredPlanUser, 'addressHashes'> | undefined,
  kind: string | undefined,
): string | undefined {
  const hash = kind === undefined ? undefined : user?.addressHashes[kind];
  return hash === undefined || hash === null ? undefined : `${ADDRESS_USER}${hash}`;
}

function findDrop(
  { type, channels, policy, now }: DroppedQuestion,
  user: Omit<StoredPlanUser, 'version'>,
  channel: Channel,
  ofAddress: ReadonlyMap<string, Terms>,
): [Channel, Unreachable][] {
  const earlier = ofAddress.get(toAddressUser(user, CHANNEL_DESCRIPTORS[channel].addressKind) ?? '') ?? NO_TERMS;
  const terms = withTermsOfAddress(user.terms ?? NO_TERMS, earlier);
  if (terms === NO_TERMS && policy === NO_POLICY) return [];
  const { userId, profile, addressHashes } = user;
  const ids = { byKind: addressHashes };
  const planned = { userId, profile, isBoundTo: isBoundTo.bind(undefined, ids, profile) };
  const asked = { type, channels, terms, policy, user: planned, now, expiresAt: null, isUrgent: false };
  const { verdict, code, level, value, since } = askWhetherItMayGo(asked, channel);
  if (verdict !== 'drop') return [];
  const shown = { channel, verdict, code, level, value, since: since === undefined ? null : isoTime(since) };
  return [[channel, { reasonCode: code, reason: `Not sent: ${describeVerdict(shown)}.`, level }]];
}
