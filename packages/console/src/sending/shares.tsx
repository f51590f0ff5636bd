import type { SendingState } from '@tidings/client/types';
import { getLocale, t } from '../text/text.ts';

type Thresholds = SendingState['thresholds'];

/** A number with its share of all: `12 (2.40%)`. */
export function ShareText({ part, all }: { part: number; all: number }) {
  return <>{all === 0 ? part : `${part} (${toPercent(part / all)})`}</>;
}

/** Returns from when on an alert is raised and sending pauses, in one paragraph. */
export function formatThresholds({ min_emails, bounces, complaints, min_complaints }: Thresholds): string {
  return t(
    'Emails of the last 24 hours. From {minEmails} on: an alert from {bouncesToAlert} bounces or {complaintsToAlert} complaints (at least {minToAlert}); a pause from {bouncesToPause} bounces or {complaintsToPause} complaints (at least {minToPause}).',
    {
      minEmails: min_emails,
      bouncesToAlert: toPercent(bounces.alert),
      complaintsToAlert: toPercent(complaints.alert),
      minToAlert: min_complaints.alert,
      bouncesToPause: toPercent(bounces.pause),
      complaintsToPause: toPercent(complaints.pause),
      minToPause: min_complaints.pause,
    },
  );
}

function toPercent(share: number): string {
  return share.toLocaleString(getLocale(), { style: 'percent', minimumFractionDigits: 2, maximumFractionDigits: 2 });
}
