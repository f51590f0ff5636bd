import type { Verdict } from '@tidings/client/types';
import { t } from '../text/text.ts';
import { IconArchive, IconBan, IconCheck, IconClock } from './icons.tsx';
import type { Look } from './outcome.ts';

export const VERDICTS: Record<Verdict['verdict'], Look> = {
  go: { label: t('Goes'), color: 'teal', Icon: IconCheck },
  hold: { label: t('Held'), color: 'blue', Icon: IconClock },
  fold: { label: t('Collected'), color: 'blue', Icon: IconArchive },
  drop: { label: t('Dropped'), color: 'orange', Icon: IconBan },
};

/** Codes of verdicts in words. */
const WORDS: Record<Verdict['code'], string> = {
  consent_missing: t('no consent'),
  consent_withdrawn: t('consent was withdrawn'),
  required: t('required'),
  tenant_off: t('locked off by the policy'),
  tenant_on: t('locked on by the policy'),
  not_for_user: t('for users with other products'),
  preference_off: t('turned off by the user'),
  preference_on: t('turned on by the user'),
  default_on: t('on by default'),
  not_subscribed: t('off by default'),
  duplicate_content: t('the same was sent before'),
  paused: t('messages to the user are paused'),
  legal_hours: t('legal hours'),
  quiet_hours: t('quiet hours'),
  quiet_hours_dropped: t('quiet hours, and it may not wait'),
  rate_limited: t('cap of messages to the user'),
  folded: t('for a digest'),
  would_expire: t('it would expire before'),
};

/** Returns the code of a verdict in words; a code of a newer API as it is. */
export function toWords(code: string): string {
  const words: { readonly [code: string]: string } = WORDS;
  return words[code] ?? code.replaceAll('_', ' ');
}
