import type { ReceivedEvent } from '../../events/envelope.ts';
import { MAX_TERMS_CHARS, PREFERENCE_UPDATED, type Terms } from '../../model/terms.ts';
import { mergeTerms } from '../../users/terms.ts';
import type { Facts } from '../load-facts.ts';
import { type EventResult, emptyResult } from '../results.ts';

/**
 * Returns results for the changes that would make the terms of their user larger than MAX_TERMS_CHARS, by event key. Terms that
 * are over the bound already may change, but not grow. Consents are never rejected: there is one for each category and channel.
 * @param fresh in order of arrival
 */
export function rejectOversizedTerms(fresh: readonly ReceivedEvent[], { users }: Facts): Map<string, EventResult> {
  const rejected = new Map<string, EventResult>();
  const known = new Map<string, Terms>();
  for (const event of fresh) {
    if (event.type !== PREFERENCE_UPDATED) continue;
    const before = known.get(event.userId) ?? users.get(event.userId)?.terms;
    if (!before) continue;
    const after = mergeTerms(before, event);
    const { length } = JSON.stringify(after);
    if (length <= MAX_TERMS_CHARS || length <= JSON.stringify(before).length) {
      known.set(event.userId, after);
      continue;
    }
    const message = `The preferences of the user would take ${length} characters, and at most ${MAX_TERMS_CHARS} are kept; name categories instead of types`;
    const result = { ...emptyResult(event.eventId, 'rejected'), code: 'profile_too_large', message } as const;
    rejected.set(event.key, result);
  }
  return rejected;
}
