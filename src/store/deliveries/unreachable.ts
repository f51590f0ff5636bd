import { appendTo } from '../../lib/group-by.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import { getAddressHash } from '../../model/direct.ts';
import type { AddressKind, Millis } from '../../model/event.ts';
import { describeMissingAddress, MISSING_DEVICE, type MissingAddress } from '../../model/missing-address.ts';
import type { PlanCode } from '../../model/plan-codes.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { suppressedReason, suppressionOf } from './suppressed.ts';

/** Why a message cannot reach its user by a channel, or does not go to them, as its delivery would say. */
export interface Unreachable {
  readonly reasonCode: MissingAddress['reasonCode'] | 'suppressed' | PlanCode;
  readonly reason: string;
  /** Level that decided; absent: no policy did. */
  readonly level?: string;
}

/** A user who would get a message. */
export interface ReachedUser {
  readonly userId: string;
  /** The kind of the address that a user is known by who is not stored yet. Absent: they are stored, or are known otherwise. */
  readonly kind?: AddressKind | undefined;
}

/** The notification that would go to them. */
export interface ReachQuestion {
  readonly tenantId: string;
  readonly type: string;
  readonly category: string;
  readonly channels: readonly Channel[];
  /** Whether messages to devices leave this machine: what stays needs no device. */
  readonly needsDevices: boolean;
  readonly now: Millis;
}

/**
 * Returns, for each of the users, the channels by which a message would not reach them if it was sent now, and why: no address, no
 * device, a suppressed address. A claim says the same. A STOP to one of our senders is not in it: the sender is chosen later.
 */
export async function findUnreachable(
  connection: Connection,
  { tenantId, type, category, channels, needsDevices, now }: ReachQuestion,
  users: readonly ReachedUser[],
): Promise<ReadonlyMap<Channel, Unreachable>[]> {
  const found = users.map(() => new Map<Channel, Unreachable>());
  const asked = channels.filter((channel) => isAsked(channel, needsDevices));
  if (asked.length === 0 || users.length === 0) return found;
  const { rows } = await connection.query<{ user_id: string; channel: Channel; reason: string | null }>({
    name: 'find-unreachable',
    text: UNREACHABLE,
    values: [
      tenantId,
      users.map(({ userId }) => userId),
      users.map(({ kind = null }) => kind),
      users.map(({ userId }) => getAddressHash(userId) ?? null),
      asked,
      asked.map((channel) => CHANNEL_DESCRIPTORS[channel].addressKind ?? null),
      category,
      type,
      isoTime(now),
    ],
  });
  const byUser = new Map<string, Map<Channel, Unreachable>[]>();
  for (const [index, { userId }] of users.entries())
    appendTo(byUser, userId, found[index] as Map<Channel, Unreachable>);
  for (const { user_id: userId, channel, reason } of rows) {
    for (const one of byUser.get(userId) ?? []) one.set(channel, toUnreachable(channel, reason));
  }
  return found;
}

function isAsked(channel: Channel, needsDevices: boolean): boolean {
  const { addressKind, targets } = CHANNEL_DESCRIPTORS[channel];
  return addressKind !== undefined || (targets === 'devices' && needsDevices);
}

/** @param reason why the address is suppressed; null: there is no address */
function toUnreachable(channel: Channel, reason: string | null): Unreachable {
  if (reason !== null) return { reasonCode: 'suppressed', reason };
  const kind = CHANNEL_DESCRIPTORS[channel].addressKind;
  return kind === undefined ? MISSING_DEVICE : describeMissingAddress(kind);
}

/** The address of a user who is not stored yet is the one that their id is of. */
const UNREACHABLE = `
select q.user_id, c.channel, case when s.scope is not null then ${suppressedReason('s')} end as reason
from unnest($2::text[], $3::text[], $4::text[]) as q(user_id, kind, hash)
cross join unnest($5::text[], $6::text[]) as c(channel, kind)
left join lateral (
  select hash from addresses where tenant_id = $1 and user_id = q.user_id and kind = c.kind and place = 0
  union all
  select q.hash where q.kind = c.kind
  limit 1
) as a on true
left join lateral (${suppressionOf({ tenant: '$1', channel: 'c.channel', hash: 'a.hash', category: '$7', type: '$8', now: '$9' })}
) as s on true
where s.scope is not null
   or c.kind is not null and a.hash is null
   or c.kind is null and not exists (
     select from devices where tenant_id = $1 and user_id = q.user_id and retired_at is null
   )`;
