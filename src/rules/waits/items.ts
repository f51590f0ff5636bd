/** The items of digests. */

import { isoTime } from '../../time/iso-time.ts';
import type { DigestItem, Trigger } from '../facts.ts';

/** Returns a trigger as an item of a digest. */
export function toItem({ properties, traits, type, eventId, time }: Trigger): DigestItem {
  return { event: properties, traits, event_type: type, event_id: eventId, at: isoTime(time) };
}

/** Returns the latest items, in order of time. @param keep how many, at most */
export function latestItems(items: readonly DigestItem[], keep: number): DigestItem[] {
  const position = ({ at, event_id }: DigestItem) => `${at} ${event_id}`;
  return [...items].sort((a, b) => (position(a) < position(b) ? -1 : 1)).slice(-keep);
}
