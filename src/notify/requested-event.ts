import { markOwn } from '../events/own-events.ts';
import { ADDRESS_USER, NOTIFICATION_REQUESTED, type Schedule, type TestPart } from '../model/direct.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { isoTime } from '../time/iso-time.ts';
import type { SendRequest } from './request.ts';
import type { GivenAddress } from './resolve-recipients.ts';

/** The parts of a request that all of its recipients share. */
export interface RequestedBase {
  readonly request: Omit<SendRequest, 'recipients'>;
  /** With the zone of the tenant, where it depends on that. */
  readonly scheduledAt: Schedule | undefined;
  readonly requestId: string;
  readonly actor: Actor;
  /** Absent: it is no test. */
  readonly test?: TestPart;
}

/**
 * Returns the event that asks for a notification to one user, ready to be ingested. Its id makes it happen once; the same id
 * needs the same time.
 */
export function buildRequestedEvent(
  { request, scheduledAt, requestId, actor, test }: RequestedBase,
  recipient: {
    readonly userId: string;
    readonly eventId: string;
    readonly time: Millis;
    /** It becomes that of a user who is known by it alone. */
    readonly given?: GivenAddress;
    /** Further traits of such a user. */
    readonly traits?: JsonObject;
  },
): JsonObject {
  const { type, channels, priority, variables, content, expires_at: expiresAt, context } = request;
  const { userId, eventId, time, given, traits } = recipient;
  const properties = {
    notification_type: type,
    request_id: requestId,
    by: { kind: actor.kind, id: actor.id },
    ...(channels && { channels }),
    ...(priority && { priority }),
    ...(variables && { variables }),
    ...(content && { content }),
    ...(scheduledAt !== undefined && { scheduled_at: scheduledAt }),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...(test && { test }),
  };
  const { metadata, ...others } = context ?? {};
  return markOwn({
    event_id: eventId,
    user_id: userId,
    event_type: NOTIFICATION_REQUESTED,
    event_timestamp: isoTime(time),
    properties: properties as unknown as JsonObject,
    ...(given && userId.startsWith(ADDRESS_USER) && { user_traits: { [given.kind]: given.address, ...traits } }),
    ...(context && { context: { ...others, ...(metadata && { metadata }) } as unknown as JsonObject }),
  });
}
