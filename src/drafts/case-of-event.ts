import type pg from 'pg';
import type { CatalogData } from '../model/catalog.ts';
import { PROFILE_UPDATED } from '../model/event.ts';
import { traitsBeforeHistory } from '../simulate/backtest/restore-start.ts';
import { type CaseEvent, writeCase } from '../simulate/cases/write-case.ts';
import { isoTime, LAST_TIME } from '../time/iso-time.ts';
import { findEvent, loadHistory } from './load-history.ts';

/** Events of the user before the one that the case is about, at most. */
const MAX_EARLIER = 20;

/**
 * Returns a stored event as a case of cases.yaml, with the events of the user before it and what the draft decides about all of them.
 * Only masked values are read, and personal values are replaced.
 *
 * @throws TidingsError `not_found`, `too_many_events`; CatalogError if the draft rejects the event
 */
export async function makeCase(
  pool: pg.Pool,
  draft: CatalogData,
  { tenantId, userId, eventId }: { readonly tenantId: string; readonly userId: string; readonly eventId: string },
): Promise<string> {
  const history = await loadHistory(pool, { tenantId, userId, until: LAST_TIME });
  const event = findEvent(history, eventId);
  const known = new Set([...draft.events.map(({ name }) => name), PROFILE_UPDATED]);
  const earlier = history.events
    .filter(
      (one) => one !== event && one.receivedAt <= event.receivedAt && one.emittedBy === null && known.has(one.type),
    )
    .sort((a, b) => a.receivedAt - b.receivedAt)
    .slice(-MAX_EARLIER);
  const events: readonly CaseEvent[] = [...earlier, event];
  const { traits: profile } = traitsBeforeHistory(history.profile, history.events);
  const name = `${event.type} of ${isoTime(event.time).slice(0, 10)}`;
  return writeCase(draft, { name, userId, profile, events });
}
