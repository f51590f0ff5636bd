/** Reads a request for a notification from the event that it became. */

import type { Evidence } from '../model/decision.ts';
import { CHANNELS, type Channel, PRIORITIES, type Priority } from '../model/delivery.ts';
import type { DirectPart, OwnContent, TestPart, ZoneSource } from '../model/direct.ts';
import type { Event, Json, JsonObject, Millis } from '../model/event.ts';
import { canonicalZone, resolveLocalTime } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import { toUuidV7 } from '../time/uuid-time.ts';
import { findZone } from '../time/zone.ts';

type Request = Pick<Event, 'properties'>;

/** Reads the parts that the notification obeys. A part that is not what it should be counts as absent: cases may have any. */
export function readDirect({ properties }: Request): DirectPart {
  const { channels, priority, content, variables, test } = properties;
  const expiresAt = readInstant(properties.expires_at);
  const named = Array.isArray(channels) ? CHANNELS.filter((channel) => channels.includes(channel)) : undefined;
  return {
    ...(named && { channels: named satisfies readonly Channel[] }),
    ...(PRIORITIES.includes(priority as Priority) && { priority: priority as Priority }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(isObject(content) && { content: content as OwnContent }),
    variables: isObject(variables) ? variables : {},
    ...(isTest({ properties }) && { test: test as unknown as TestPart }),
  };
}

/** Whether a request asks for a test of templates. */
export function isTest({ properties: { test } }: Request): boolean {
  return isObject(test) && isObject(test.shown) && isObject(test.shown.event) && isObject(test.shown.traits);
}

/** The time of a request, and how it was found. */
export interface DirectTime {
  readonly time: Millis;
  readonly local?: string;
  readonly zone?: string;
  readonly zoneFrom?: ZoneSource;
}

/**
 * Returns when a request is to be sent; undefined: it says no time, or none that exists.
 * @param traits of the user, for a local time in their zone
 */
export function findDirectTime(
  { properties: { scheduled_at: at } }: Request,
  traits: JsonObject,
): DirectTime | undefined {
  if (typeof at === 'string') {
    const time = readInstant(at);
    return time === undefined ? undefined : { time };
  }
  if (!isObject(at) || typeof at.local !== 'string') return undefined;
  const [zone, zoneFrom] = chooseZone(at, traits);
  const time = resolveLocalTime(at.local, zone);
  return time === undefined ? undefined : { time, local: at.local, zone: canonicalZone(zone), zoneFrom };
}

function chooseZone({ zone, fallback }: JsonObject, traits: JsonObject): [zone: string, from: ZoneSource] {
  if (zone !== 'recipient') return [String(zone), 'request'];
  const own = traits.time_zone;
  if (typeof own === 'string' && findZone(own)) return [own, 'recipient'];
  return typeof fallback === 'string' ? [fallback, 'tenant'] : ['UTC', 'default'];
}

/** Returns the evidence that a notification was asked for, with its time and where its content is from. */
export function toDirectEvidence(request: Request, traits: JsonObject): NonNullable<Evidence['direct']> {
  const { request_id: id, content } = request.properties;
  const at = findDirectTime(request, traits);
  const isHosted = isObject(content) && content.provider_template !== undefined;
  return {
    request_id: typeof id === 'string' ? id : '',
    content: isHosted ? 'provider_template' : isObject(content) ? 'request' : 'template',
    ...(isTest(request) && { test: true as const }),
    ...(at && {
      scheduled: {
        at: isoTime(at.time),
        ...(at.local !== undefined && { local: at.local }),
        ...(at.zone !== undefined && { zone: at.zone }),
        ...(at.zoneFrom !== undefined && { zone_from: at.zoneFrom }),
      },
    }),
  };
}

/**
 * Returns the id of the wait of a request, which becomes that of its notification: a UUIDv7 of the time at which it is due,
 * because notifications are kept by the time in their id. The same for the same request.
 * @param id a UUID that depends on the request alone
 */
export function toDirectWaitId(id: string, due: Millis): string {
  return toUuidV7(due, id);
}

function readInstant(value: Json | undefined): Millis | undefined {
  if (typeof value !== 'string') return undefined;
  const parsed = parseTimestamp(value);
  return 'problem' in parsed ? undefined : parsed.time;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
