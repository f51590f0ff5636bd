import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import type { Millis } from '../model/event.ts';
import { NO_TERMS } from '../model/terms.ts';
import type { Seal } from '../privacy/seal.ts';
import { readHistories, type StoredEvent, type StoredHistory } from '../store/replay.ts';
import { DRAFT_BOUNDS } from './bounds.ts';

export interface HistoryAsk {
  readonly tenantId: string;
  readonly userId: string;
  readonly until: Millis;
  /** Absent: documents are masked. */
  readonly seal?: Seal;
}

/**
 * Returns everything about a user that was stored before a time, from one snapshot that writes nothing.
 * @returns an empty history for a user without events
 * @throws TidingsError `too_many_events`
 */
export async function loadHistory(pool: pg.Pool, { until, ...ask }: HistoryAsk): Promise<StoredHistory> {
  const query = { ...ask, since: 0, until, includeIdle: true, restoreAddresses: true, bounds: DRAFT_BOUNDS };
  for await (const { histories, leftOut } of readHistories(pool, query)) {
    const [history] = histories;
    if (history) return history;
    if (leftOut.length > 0) {
      const message = `The user has more than ${DRAFT_BOUNDS.events} events, or very large ones. "tidings backtest --user" replays them.`;
      throw new TidingsError('too_many_events', message, { pointer: '/user_id' });
    }
  }
  const profile = { traits: {}, traitTimes: {} };
  return { userId: ask.userId, profile, terms: NO_TERMS, addressHashes: {}, events: [], waits: [], uses: [] };
}

/** Finds an event by its id or its key. @throws TidingsError `not_found` */
export function findEvent({ events }: StoredHistory, eventId: string): StoredEvent {
  const found = events.find((event) => event.eventId === eventId || event.key === eventId);
  if (!found) throw new TidingsError('not_found', 'The user has no such event.', { pointer: '/event_id' });
  return found;
}
