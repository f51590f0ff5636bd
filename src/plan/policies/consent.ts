import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { PlanQuestion } from '../../model/plan.ts';
import { WAITS_FOR_CONFIRMATION } from '../../model/terms.ts';
import type { Answer } from '../answer.ts';

/** Line 4: consent that the tenant requires for a category. Nothing lifts it: neither `required`, nor priority, nor a lock. */
export function askConsent(question: PlanQuestion, channel: Channel): Answer | undefined {
  const { type, policy, terms, user } = question;
  const sources = policy.consent[`${type.category}/${channel}`] ?? policy.consent[type.category];
  const known = terms.k?.[`${type.category}/${channel}`];
  const level = `consent: ${type.category} / ${channel}`;
  // A withdrawal counts, whether or not the tenant requires consent.
  if (!sources) {
    return known?.state === 'withdrawn'
      ? { verdict: 'drop', code: 'consent_withdrawn', level, value: 'withdrawn', since: known.at }
      : undefined;
  }
  const withdrawnAt = known?.state === 'withdrawn' ? known.at : undefined;
  for (const source of sources) {
    if (source === 'record') {
      if (known?.state === 'granted' && user.isBoundTo(channel, known)) return undefined;
      continue;
    }
    const { traits, traitTimes } = user.profile;
    const saidAt = traitTimes[source.trait] ?? Number.NEGATIVE_INFINITY;
    if (traits[source.trait] !== true) continue;
    // A withdrawal that was recorded after the trait was set is the newer word; at the same time the stricter one wins.
    if (withdrawnAt === undefined || saidAt > withdrawnAt) return undefined;
  }
  const pendingSince = findPending(question, channel);
  if (withdrawnAt === undefined) {
    if (pendingSince === undefined) return { verdict: 'drop', code: 'consent_missing', level, value: null };
    return { verdict: 'drop', code: 'consent_missing', level, value: WAITS_FOR_CONFIRMATION, since: pendingSince };
  }
  return {
    verdict: 'drop',
    code: 'consent_withdrawn',
    level,
    value: pendingSince === undefined ? 'withdrawn' : WAITS_FOR_CONFIRMATION,
    since: withdrawnAt,
  };
}

/** Returns since when consent for the address waits for its confirmation; undefined: none does. It changes what is shown, and no verdict. */
function findPending({ type, terms, user, now }: PlanQuestion, channel: Channel): Millis | undefined {
  const key = `${type.category}/${channel}`;
  const pending = terms.w?.[key];
  if (!pending || now >= (pending.until ?? Number.POSITIVE_INFINITY)) return undefined;
  if (pending.at <= (terms.k?.[key]?.at ?? Number.NEGATIVE_INFINITY)) return undefined;
  return user.isBoundTo(channel, pending) ? pending.at : undefined;
}
