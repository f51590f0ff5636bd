import { jsonText } from '../../events/content.ts';
import type { ReceivedEvent } from '../../events/envelope.ts';
import type { JsonObject, Profile } from '../../model/event.ts';
import { mergeTraits } from '../../users/profile.ts';
import type { Facts } from '../load-facts.ts';
import { type EventResult, emptyResult } from '../results.ts';
import { rejectOversizedTerms } from './terms-bound.ts';

export const MAX_TRAITS = 1000;
export const MAX_PROFILE_BYTES = 64 * 1024;

/** A profile whose JSON has at most this many characters has at most MAX_TRAITS traits: each takes five (`"a":1`). */
const SURELY_SMALL_CHARS = 5 * MAX_TRAITS;

/**
 * Separates the events that would make what is kept of their user too large: the profile more than MAX_TRAITS traits, or more
 * than MAX_PROFILE_BYTES bytes of JSON; or the terms. What is over a bound already may change, but not grow.
 *
 * @param fresh in order of arrival
 * @returns `rejected`: results by event key
 */
export function rejectOversized(
  fresh: readonly ReceivedEvent[],
  facts: Facts,
): { readonly accepted: readonly ReceivedEvent[]; readonly rejected: ReadonlyMap<string, EventResult> } {
  const rejected = rejectOversizedTerms(fresh, facts);
  const others = rejected.size === 0 ? fresh : fresh.filter(({ key }) => !rejected.has(key));
  const large = findLargeProfiles(others, facts);
  if (large.size === 0) return { accepted: others, rejected };
  const accepted = others.filter((event) => {
    const known = large.get(event.userId);
    if (!known) return true;
    const merged = measure(mergeTraits(known.profile, event.traits, event.time));
    const problem = describeExcess(known, merged);
    if (problem === undefined) {
      large.set(event.userId, merged);
      return true;
    }
    const message = `user_traits would make the profile of this user too large: ${problem}`;
    const result = {
      ...emptyResult(event.eventId, 'rejected'),
      code: 'profile_too_large',
      path: 'user_traits',
      message,
    } as const;
    rejected.set(event.key, result);
    return false;
  });
  return { accepted, rejected };
}

interface MeasuredProfile {
  readonly profile: Profile;
  readonly traits: number;
  readonly bytes: number;
}

/** Returns the users, with their stored profiles, whose profile might exceed a bound with all of these events. */
function findLargeProfiles(
  fresh: readonly ReceivedEvent[],
  { users, profileChars }: Facts,
): Map<string, MeasuredProfile> {
  const chars = new Map<string, number>();
  const large = new Map<string, MeasuredProfile>();
  for (const { userId, traitsText, sealText } of fresh) {
    const sum = (chars.get(userId) ?? profileChars.get(userId) ?? 0) + (sealText ?? traitsText).length;
    chars.set(userId, sum);
    const user = users.get(userId);
    if (sum > SURELY_SMALL_CHARS && user && !large.has(userId)) large.set(userId, measure(user.profile));
  }
  return large;
}

function measure(profile: Profile): MeasuredProfile {
  const traits: JsonObject = profile.traits;
  return { profile, traits: Object.keys(traits).length, bytes: Buffer.byteLength(jsonText(traits)) };
}

function describeExcess(before: MeasuredProfile, after: MeasuredProfile): string | undefined {
  if (after.traits > MAX_TRAITS && after.traits > before.traits) {
    return `${after.traits} traits, and at most ${MAX_TRAITS} are kept; use properties for what belongs to the event`;
  }
  if (after.bytes > MAX_PROFILE_BYTES && after.bytes > before.bytes) {
    return `${after.bytes} bytes, and at most ${MAX_PROFILE_BYTES} are kept; use properties for what belongs to the event`;
  }
  return undefined;
}
