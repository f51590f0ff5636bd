import type pg from 'pg';
import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import { TidingsError } from '../errors.ts';
import type { HoldSources } from '../explain/hold-facts.ts';
import type { TransactionParts } from '../ingest/transaction.ts';
import { BUILT_IN_TYPES } from '../model/built-in-types.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { foretell } from '../notify/foretell.ts';
import type { RuleSet } from '../rules/compile/rule-set.ts';
import { loadQueuedOfUser, type QueuedDelivery } from '../store/deliveries/queued-of-user.ts';
import type { Unreachable } from '../store/deliveries/unreachable.ts';
import { isTransient } from '../store/pg/errors.ts';
import { loadPlanUsers } from '../store/terms.ts';
import { resolveZone } from '../time/calendar.ts';
import { collectEntries, summarize } from './collect-entries.ts';
import type { ForecastChannel, ForecastEntry, ReachedBound } from './entry.ts';
import { PresentHolds } from './present-holds.ts';
import { toQueuedEntries } from './queued-entries.ts';
import { type ForecastBounds, simulateUser } from './simulate-user.ts';

export interface ForecastParts extends Omit<TransactionParts, 'announcer'> {
  /** Rows of the tenant. */
  readonly pool: pg.Pool;
  /** Channels whose messages leave this machine by a provider of the installation; absent: none. */
  readonly leaving?: ReadonlySet<Channel>;
  /** Reads what holds the messages of the tenant, from elsewhere. */
  readonly holds: Pick<HoldSources, 'loadPause' | 'loadOutages'>;
}

/** Messages that a user will get. */
export interface Forecast {
  readonly from: Millis;
  readonly until: Millis;
  /** Everything before this time is in it. */
  readonly knownUntil: Millis;
  /** The bound that ended it before `until`; null: none did. */
  readonly reached: ReachedBound | null;
  /** Zone of the user, or UTC. */
  readonly zone: string;
  /** In order of time. */
  readonly entries: readonly ForecastEntry[];
}

/** Bounds of the simulation; docs/users.md states them. */
const BOUNDS: ForecastBounds = { instants: 5000, emitting: 200, cpu: 1000 };
/** Entries in a forecast, at most. */
const MAX_ENTRIES = 500;
/** Notification types whose ways to the user are looked at, at most. */
const MAX_TYPES = 100;

/**
 * Forecasts what a user gets until a time, if nothing else happens: what waits in the queue, and what rules and requests will decide.
 * Writes nothing.
 * @throws TidingsError `not_found` for an unknown user
 */
export async function forecastUser(
  parts: ForecastParts,
  { tenantId, userId, days }: { readonly tenantId: string; readonly userId: string; readonly days: number },
): Promise<Forecast> {
  const { pool, clock } = parts;
  const from = clock();
  const until = from + days * DAY_MS;
  const decided: ForecastEntry[] = [];
  const holds = await PresentHolds.load({ ...parts.holds, pool, clock }, tenantId);
  const simulated = await withConnection(pool, (connection) =>
    simulateUser(parts, connection, { tenantId, userId, until }, BOUNDS, (instant) => {
      decided.push(...collectEntries(instant, holds.findPause));
      return decided.length <= MAX_ENTRIES;
    }),
  );
  const [user] = await loadPlanUsers(pool, [{ tenantId, userId }]);
  if (!simulated || !user) throw new TidingsError('not_found', 'There is no such user.', { pointer: 'user_id' });
  const { rules, traits } = simulated;
  const { queued, isCut } = await loadQueuedOfUser(pool, { tenantId, userId, now: from, until });
  const types = await loadTypes(parts, tenantId, queued);
  await holds.loadBatchesOf(queued);
  const stored = toQueuedEntries(queued, {
    user,
    policy: rules.policy,
    now: from,
    toHeld: holds.toHeld,
    findType: ({ type, catalogVersion }) => types.get(catalogVersion)?.get(type) ?? BUILT_IN_TYPES.get(type),
  });
  const all = [...stored, ...decided].filter(({ at }) => at < until).sort((a, b) => a.at - b.at);
  const entries = await withReach(parts, { tenantId, userId, rules }, all.slice(0, MAX_ENTRIES));
  const firstLeftOut = all[MAX_ENTRIES]?.at ?? Number.POSITIVE_INFINITY;
  const knownUntil = Math.min(simulated.knownUntil, firstLeftOut);
  const reached = firstLeftOut <= simulated.knownUntil ? 'entries' : (simulated.reached ?? (isCut ? 'queue' : null));
  return {
    from,
    until,
    knownUntil,
    reached,
    zone: resolveZone('user', traits),
    // At that very time there may be more than are shown.
    entries: entries.filter(({ at }) => at <= knownUntil),
  };
}

const DAY_MS: Millis = 86_400_000;

async function withConnection<T>(pool: pg.Pool, work: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
  const connection = await pool.connect();
  let isOver = false;
  try {
    const result = await work(connection);
    isOver = true;
    return result;
  } finally {
    connection.release(!isOver);
  }
}

/** Returns the notification types of the catalog versions of these messages, by version. */
async function loadTypes(
  { catalogs }: ForecastParts,
  tenantId: string,
  queued: readonly QueuedDelivery[],
): Promise<ReadonlyMap<number, RuleSet['notifications']>> {
  const types = new Map<number, RuleSet['notifications']>();
  for (const version of new Set(queued.map(({ catalogVersion }) => catalogVersion))) {
    let catalog: Catalog | undefined;
    try {
      catalog = await catalogs.getVersion(tenantId, version);
    } catch (error) {
      if (isTransient(error)) throw error;
    }
    if (catalog) types.set(version, catalog.rules.notifications);
  }
  return types;
}

/** Adds what would keep messages from the user as things are now: no address, a suppressed one, consent that is missing. */
async function withReach(
  parts: ForecastParts,
  { tenantId, userId, rules }: { readonly tenantId: string; readonly userId: string; readonly rules: RuleSet },
  entries: readonly ForecastEntry[],
): Promise<readonly ForecastEntry[]> {
  const away = new Map<string, ReadonlyMap<Channel, Unreachable>>();
  const now = parts.clock();
  for (const name of new Set(entries.map(({ type }) => type))) {
    if (away.size >= MAX_TYPES) break;
    const type = rules.notifications.get(name) ?? BUILT_IN_TYPES.get(name);
    if (!type) continue;
    const asked = { tenantId, type, channels: undefined, policy: rules.policy, now };
    const [found] = await foretell(parts, asked, [{ userId }]);
    if (found && found.size > 0) away.set(name, found);
  }
  return away.size === 0 ? entries : entries.map((entry) => holdBack(entry, away.get(entry.type)));
}

function holdBack(entry: ForecastEntry, away: ReadonlyMap<Channel, Unreachable> | undefined): ForecastEntry {
  // A held message may have no way to the user besides.
  const isHeld = entry.channels.some(({ state }) => state === 'held');
  if (!away || (entry.outcome === 'held_back' && !isHeld)) return entry;
  const channels = entry.channels.map((one): ForecastChannel => {
    const found = one.state === 'held_back' || one.state === 'digest' ? undefined : away.get(one.channel);
    return found ? { ...one, state: 'held_back', code: found.reasonCode, reason: found.reason } : one;
  });
  const left = channels.filter(({ state }) => state === 'goes' || state === 'waits' || state === 'fallback');
  if (left.length > 0) return { ...entry, channels };
  const held = summarize(channels).held ?? channels.find(({ state }) => state === 'held_back');
  return {
    ...entry,
    outcome: 'held_back',
    code: held?.code ?? entry.code,
    reason: held?.reason ?? entry.reason,
    channels,
  };
}
