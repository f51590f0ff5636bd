import type pg from 'pg';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { RateWindow } from '../../model/rate-limit.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { type QueueFloor, toFloorParam } from '../pg/queue-floor.ts';
import { withTransaction } from '../pg/transaction.ts';
import {
  CLAIM,
  CLAIM_LANES,
  CLAIM_PROBES,
  type ClaimedRow,
  type EndedAtClaim,
  listEnded,
  toClaimedDelivery,
} from './claim-statement.ts';
import type { ClaimedDelivery } from './claimed-delivery.ts';
import { advanceSteps } from './fallbacks.ts';
import { getLaneName, type Lane } from './lanes.ts';
import { LockedLimits, type RateUse } from './rate-limits.ts';

/** Number of deliveries of a channel that a worker can accept. */
export interface ChannelCapacity {
  readonly channel: Channel;
  readonly count: number;
  /** Prefers a delivery without an attempt among those that are due: what fails for its own reasons would be a poor probe. */
  readonly isProbe?: boolean;
  /** Only urgent deliveries: the room for others is taken. */
  readonly isUrgent?: boolean;
}

/** Request of a claim: deliveries of a channel, or of one of its lanes. */
export interface ClaimWant extends ChannelCapacity {
  readonly lane?: Lane;
  /** Deliveries that are due before it are not looked at; absent: all are. */
  readonly floor?: QueueFloor;
  /** Limits of which each claimed delivery takes a token; absent: none. Of a lane only. */
  readonly limits?: readonly RateWindow[];
}

/** Receives the deliveries that a claim has ended: expired, suppressed, cancelled, or without a notification. */
export type OnEnded = (ended: readonly EndedAtClaim[]) => void;

/** Claims in a row that may find nothing but deliveries without a notification. */
const MAX_EMPTY_CLAIMS = 100;

/**
 * Claims due deliveries under this lease, the oldest of each channel or lane first, at most `count` of each. Concurrent calls
 * never claim the same delivery. The lease expires after `duration` ms, less CLAIM_SLACK_SHARE of it, unless it is renewed. A
 * claim counts as an attempt, until the delivery is released or rescued unsent. A delivery whose notification is no longer
 * stored (its partition was dropped) is settled as dead, one that has expired as dropped, and neither is returned.
 *
 * @param onEnded receives what the claim has ended
 *
 * If this throws, the claim may have been committed all the same: claim under another lease from then on, and let this one
 * expire.
 */
export async function claimDeliveries(
  pool: pg.Pool,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
  onEnded: OnEnded = () => {},
): Promise<ClaimedDelivery[]> {
  const ofLanes = wants.filter(({ lane }) => lane);
  const ofChannels = wants.filter(({ lane }) => !lane);
  const claimed = ofChannels.length === 0 ? [] : await claimAll(pool, lease, ofChannels, now, duration, onEnded);
  return ofLanes.length === 0
    ? claimed
    : [...claimed, ...(await claimAll(pool, lease, ofLanes, now, duration, onEnded))];
}

/** @param wants all of lanes, or all of channels */
async function claimAll(
  pool: pg.Pool,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
  onEnded: OnEnded,
): Promise<ClaimedDelivery[]> {
  for (let claim = 1; ; claim++) {
    const rows = await claimRows(pool, lease, wants, now, duration);
    onEnded(listEnded(rows));
    await skipSuppressed(pool, rows, now);
    const claimed = rows.flatMap((row) => toClaimedDelivery(lease, row) ?? []);
    if (claimed.length > 0 || rows.length === 0 || claim === MAX_EMPTY_CLAIMS) return claimed;
  }
}

/** Result of a claim within limits. */
export interface LimitedClaim {
  readonly deliveries: readonly ClaimedDelivery[];
  /** As asked for, with the number of deliveries that the limits allowed. */
  readonly wants: readonly ClaimWant[];
  /** Time in ms after which the limits allow more of what they did not allow now; null: they allowed everything. */
  readonly wait: Millis | null;
}

/**
 * Claims as `claimDeliveries`, of each lane only as many deliveries as its limits have tokens for, which the same transaction
 * takes: what is not claimed takes no token, and what the limits do not allow is not written.
 * @param wants all of lanes, in the order in which they get the tokens
 * @param isUrgent whether deliveries of this priority may take the tokens that are kept for urgent ones
 */
export async function claimWithinLimits(
  pool: pg.Pool,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
  isUrgent: (priority: number) => boolean,
  onEnded: OnEnded = () => {},
): Promise<LimitedClaim> {
  for (let claim = 1; ; claim++) {
    const { rows, ...found } = await claimOnceWithinLimits(pool, lease, wants, now, duration, isUrgent);
    onEnded(listEnded(rows));
    // On another connection: not while that of the claim has locks.
    await skipSuppressed(pool, rows, now);
    if (found.deliveries.length > 0 || rows.length === 0 || claim === MAX_EMPTY_CLAIMS) return found;
  }
}

async function claimOnceWithinLimits(
  pool: pg.Pool,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
  isUrgent: (priority: number) => boolean,
): Promise<LimitedClaim & { readonly rows: readonly ClaimedRow[] }> {
  const toUse = ({ limits = [], lane }: ClaimWant): RateUse => ({
    windows: limits,
    isUrgent: lane !== undefined && isUrgent(lane.priority),
  });
  const { rows, granted, wait } = await withTransaction(pool, async (connection) => {
    const locked = await LockedLimits.lock(
      connection,
      wants.flatMap(({ limits = [] }) => limits),
    );
    const uses = wants.map(toUse);
    const granted = wants.map((want, place) => {
      const use = uses[place] as RateUse;
      const count = use.windows.length === 0 ? want.count : Math.min(want.count, locked.count(use));
      locked.take(use.windows, count);
      return { ...want, count };
    });
    const some = granted.filter(({ count }) => count > 0);
    const rows = some.length === 0 ? [] : await claimRows(connection, lease, some, now, duration);
    const sending = countSending(rows);
    for (const { count, limits = [], ...want } of granted) locked.take(limits, (sending.get(toKey(want)) ?? 0) - count);
    const short = uses.filter((_, place) => (granted[place]?.count ?? 0) < (wants[place]?.count ?? 0));
    const wait = short.length === 0 ? null : Math.min(...short.map((use) => locked.getWait(use).wait));
    await locked.save(connection);
    return { rows, granted, wait };
  });
  const claimedAt = performance.now();
  const limits = new Map(granted.map((want) => [toKey(want), want.limits ?? []]));
  const deliveries = rows.flatMap((row) => {
    const delivery = toClaimedDelivery(lease, row);
    const windows = limits.get(toRowKey(row)) ?? [];
    if (!delivery) return [];
    return windows.length === 0
      ? [delivery]
      : [{ ...delivery, taken: new Map(windows.map((window) => [window.id, window])), claimedAt }];
  });
  return { rows, deliveries, wants: granted, wait };
}

/** Returns how many of the claimed deliveries of each lane are to be sent. */
function countSending(rows: readonly ClaimedRow[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) if (row[21]) counts.set(toRowKey(row), (counts.get(toRowKey(row)) ?? 0) + 1);
  return counts;
}

function toRowKey(row: ClaimedRow): string {
  return toKey({ channel: row[2], lane: { priority: row[18], name: getLaneName(row[0], row[2], row[17]) } });
}

/** Goes on with the next channel of notifications whose address on this one is suppressed; after a crash it waits for its time. */
export async function skipSuppressed(pool: pg.Pool, rows: readonly ClaimedRow[], now: Millis): Promise<void> {
  const results = rows.flatMap((row) => {
    const [tenantId, notificationId, channel, step, isSuppressed] = [row[0], row[1], row[2], row[19], row[24]];
    return isSuppressed && step !== null ? [{ tenantId, notificationId, channel, step, reached: false }] : [];
  });
  if (results.length > 0) await withTransaction(pool, (connection) => advanceSteps(connection, results, now));
}

/** Runs one claim from the floors of the channels or lanes, and moves the floors. */
async function claimRows(
  connection: Pick<Connection, 'query'>,
  lease: string,
  wants: readonly ClaimWant[],
  now: Millis,
  duration: Millis,
): Promise<ClaimedRow[]> {
  const scans = wants.map((want) => {
    const { floor, count, isProbe } = want;
    // A probe is not the delivery that has been due longest, and says nothing about the others.
    return floor && count > 0 && !isProbe ? { want, floor, scan: floor.begin(now) } : undefined;
  });
  try {
    const { rows } = await connection.query<ClaimedRow>({
      ...chooseStatement(wants),
      rowMode: 'array',
      values: [
        lease,
        isoTime(now),
        duration,
        wants.map(({ channel }) => channel),
        // Negative: a probe.
        wants.map(({ count, isProbe }) => (isProbe ? -count : count)),
        scans.map((one) => toFloorParam(one?.scan.from ?? Number.NEGATIVE_INFINITY)),
        ...(wants[0]?.lane ? [wants.map(({ lane }) => lane?.priority), wants.map(({ lane }) => lane?.name)] : []),
      ],
    });
    const oldest = scans.length === 0 ? undefined : findOldest(rows, wants);
    for (const one of scans) one?.floor.end(one.scan, now, oldest?.get(toKey(one.want)) ?? null);
    return rows;
  } finally {
    for (const one of scans) one?.floor.abandon(one.scan);
  }
}

function chooseStatement(wants: readonly ClaimWant[]): { readonly name: string; readonly text: string } {
  if (wants[0]?.lane) return { name: 'claim-lanes', text: CLAIM_LANES };
  return wants.some(({ isProbe }) => isProbe)
    ? { name: 'claim-probes', text: CLAIM_PROBES }
    : { name: 'claim-deliveries', text: CLAIM };
}

/** Returns the earliest due times of the claimed deliveries of each channel or lane. */
function findOldest(rows: readonly ClaimedRow[], wants: readonly ClaimWant[]): ReadonlyMap<string, Millis> {
  const oldest = new Map<string, Millis>();
  const ofLanes = wants[0]?.lane !== undefined;
  for (const row of rows) {
    const channel = row[2];
    const key = ofLanes ? toRowKey(row) : channel;
    if (row[16] < (oldest.get(key) ?? Number.POSITIVE_INFINITY)) oldest.set(key, row[16]);
  }
  return oldest;
}

function toKey({ channel, lane }: Pick<ClaimWant, 'channel' | 'lane'>): string {
  return lane ? `${channel} ${lane.priority} ${lane.name}` : channel;
}
