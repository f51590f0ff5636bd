import type { DeadLetterGroup } from '@tidings/client/types';
import { IconAlert, IconAlertOctagon, IconHelp, IconMailOff, IconMessage } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

/** Looks of faults. None is green: no message of a group has reached its user. */
export const FAULTS: Record<DeadLetterGroup['fault'], Look> = {
  us: { label: 'Tidings', color: 'red', Icon: IconAlertOctagon },
  provider: { label: t('Provider'), color: 'orange', Icon: IconAlert },
  account: { label: t('Account'), color: 'red', Icon: IconAlert },
  message: { label: t('Message'), color: 'grape', Icon: IconMessage },
  recipient: { label: t('Recipient'), color: 'gray', Icon: IconMailOff },
};

/** Unknown faults, of a newer API, come last. */
const URGENCY: readonly string[] = ['us', 'account', 'provider', 'message', 'recipient'];

/** Compares groups: what an operator can fix comes first, and of it what concerns most deliveries. */
export function compareGroups(a: DeadLetterGroup, b: DeadLetterGroup): number {
  const [left, right] = [a, b].map(({ fault }) => (URGENCY.includes(fault) ? URGENCY.indexOf(fault) : URGENCY.length));
  return (left ?? 0) - (right ?? 0) || b.count - a.count;
}

export const UNKNOWN_FAULT: Look = { label: t('Unknown'), color: 'gray', Icon: IconHelp };
