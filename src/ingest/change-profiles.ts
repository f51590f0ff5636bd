import { type EventAudit, markOwn } from '../events/own-events.ts';
import { type JsonObject, type Millis, PROFILE_UPDATED } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Pipeline } from './pipeline.ts';
import type { EventResult } from './results.ts';

/** Traits that a request sets of a user. */
export interface ProfileChange {
  readonly userId: string;
  /** A trait that is null is removed, whatever its schema says. */
  readonly traits: JsonObject;
  /** Entry of the audit log, which is written in the transaction of the event. Absent: the caller writes one of its own. */
  readonly audit?: EventAudit;
}

/**
 * Changes profiles by events of type `profile.updated`, which are ingested like posted ones: rules may react to them, and the
 * newest event time wins. Returns a result for each change, in their order.
 * @param by who asked for it; stands in the context of the events
 * @throws TidingsError `overloaded` or `unavailable`
 */
export function changeProfiles(
  pipeline: Pipeline,
  tenantId: string,
  changes: readonly ProfileChange[],
  { by, now, bytes }: { readonly by: Actor; readonly now: Millis; readonly bytes?: number },
): Promise<EventResult[]> {
  const items = changes.map(({ userId, traits, audit }) =>
    markOwn(
      {
        user_id: userId,
        event_type: PROFILE_UPDATED,
        event_timestamp: isoTime(now),
        user_traits: traits,
        by: { kind: by.kind, id: by.id },
      },
      { audit },
    ),
  );
  return pipeline.ingest(tenantId, items, false, bytes);
}
