import type { Verdict } from '@tidings/client/types';
import { IconArchive, IconBan, IconCheck, IconClock } from './icons.tsx';
import type { Look } from './outcome.ts';

export const VERDICTS: Record<Verdict['verdict'], Look> = {
  go: { label: 'Goes', color: 'teal', Icon: IconCheck },
  hold: { label: 'Held', color: 'blue', Icon: IconClock },
  fold: { label: 'Collected', color: 'blue', Icon: IconArchive },
  drop: { label: 'Dropped', color: 'orange', Icon: IconBan },
};

/** Codes of verdicts in words. */
const WORDS: Record<Verdict['code'], string> = {
  consent_missing: 'no consent',
  consent_withdrawn: 'consent was withdrawn',
  required: 'required',
  tenant_off: 'locked off by the policy',
  tenant_on: 'locked on by the policy',
  not_for_user: 'for users with other products',
  preference_off: 'turned off by the user',
  preference_on: 'turned on by the user',
  default_on: 'on by default',
  not_subscribed: 'off by default',
  duplicate_content: 'the same was sent before',
  legal_hours: 'legal hours',
  quiet_hours: 'quiet hours',
  quiet_hours_dropped: 'quiet hours, and it may not wait',
  rate_limited: 'cap of messages to the user',
  folded: 'for a digest',
  would_expire: 'it would expire before',
};

/** Returns the code of a verdict in words; a code of a newer API as it is. */
export function toWords(code: string): string {
  const words: { readonly [code: string]: string } = WORDS;
  return words[code] ?? code.replaceAll('_', ' ');
}
