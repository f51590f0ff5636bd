import type { SendingState } from '@tidings/client/types';

type Thresholds = SendingState['thresholds'];

/** A number with its share of all: `12 (2.40%)`. */
export function ShareText({ part, all }: { part: number; all: number }) {
  return <>{all === 0 ? part : `${part} (${toPercent(part / all)})`}</>;
}

/** Returns from when on an alert is raised and sending pauses, in one paragraph. */
export function formatThresholds({ min_emails, bounces, complaints, min_complaints }: Thresholds): string {
  return (
    `Emails of the last 24 hours. From ${min_emails} on: an alert from ${toPercent(bounces.alert)} bounces or ` +
    `${toPercent(complaints.alert)} complaints (at least ${min_complaints.alert}); a pause from ${toPercent(bounces.pause)} ` +
    `bounces or ${toPercent(complaints.pause)} complaints (at least ${min_complaints.pause}).`
  );
}

function toPercent(share: number): string {
  return `${(100 * share).toFixed(2)}%`;
}
