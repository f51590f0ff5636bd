import type pg from 'pg';
import type { NotificationType } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { Policy } from '../model/preferences.ts';
import { isTestTenant } from '../model/principal.ts';
import { selectChannels } from '../plan/plan.ts';
import { listAccounts } from '../store/accounts.ts';
import { findUnreachable, type Unreachable } from '../store/deliveries/unreachable.ts';
import { findDropped } from './find-dropped.ts';
import type { GivenAddress } from './resolve-recipients.ts';

export interface ForetellParts {
  readonly pool: pg.Pool;
  /** Channels whose messages leave this machine by a provider of the installation; absent: none. */
  readonly leaving?: ReadonlySet<Channel>;
}

/** The notification whose end is foretold. */
interface Foretold {
  readonly tenantId: string;
  readonly type: NotificationType;
  /** Channels that the request selects; undefined: all of the type. */
  readonly channels: readonly Channel[] | undefined;
  /** Policy of the active catalog. */
  readonly policy: Policy;
  readonly now: Millis;
}

/** Returns, for each user, the channels by which a message would not reach them, or would not go to them, as things are now. */
export async function foretell(
  { pool, leaving }: ForetellParts,
  { tenantId, type, channels, policy, now }: Foretold,
  users: readonly { readonly userId: string; readonly given?: GivenAddress | undefined }[],
): Promise<ReadonlyMap<Channel, Unreachable>[]> {
  const selected = selectChannels(type, channels);
  const needsDevices =
    selected.includes('push') && !isTestTenant(tenantId) && (leaving?.has('push') || (await hasPush(pool, tenantId)));
  const away = await findUnreachable(
    pool,
    { tenantId, type: type.name, category: type.category, channels: selected, needsDevices, now },
    users.map(({ userId, given }) => ({ userId, kind: given?.kind })),
  );
  const asked = { tenantId, type, channels: selected, policy, now };
  const ids = users.map(({ userId }) => userId);
  const dropped = await findDropped(pool, asked, ids);
  return away.map((found, place) => {
    const why = selected.map((channel) => [channel, found.get(channel) ?? dropped[place]?.get(channel)] as const);
    return new Map(why.flatMap(([channel, one]) => (one ? [[channel, one] as const] : [])));
  });
}

/** Whether the tenant has an account of its own for push messages. */
async function hasPush(pool: pg.Pool, tenantId: string): Promise<boolean> {
  const accounts = await listAccounts(pool, tenantId);
  return accounts.some(({ enabled, channels }) => enabled && channels.includes('push'));
}
