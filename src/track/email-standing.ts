import type { EmailCounts, EmailStanding } from '../model/email-standing.ts';
import type { Millis } from '../model/event.ts';

/** Emails from which a share means something. */
export const MIN_EMAILS = 500;
/** Shares from which an alert is raised, and from which nothing more is sent: below those at which receivers block a sender. */
export const BOUNCE_SHARES = { alert: 0.05, pause: 0.1 } as const;
export const COMPLAINT_SHARES = { alert: 0.001, pause: 0.003 } as const;
/** Complaints from which their share means something: one reader is no trend. */
export const MIN_COMPLAINTS = { alert: 2, pause: 4 } as const;

/** A step that follows from the counts, with the cause as part of a sentence. */
export interface EmailVerdict {
  readonly step: 'alert' | 'pause';
  readonly cause: string;
}

/** Returns what follows from the emails of a span of time; undefined: nothing. */
export function judgeEmails(counts: EmailCounts): EmailVerdict | undefined {
  const { ended, bounced, complained } = counts;
  if (ended < MIN_EMAILS) return undefined;
  for (const step of ['pause', 'alert'] as const) {
    if (complained >= MIN_COMPLAINTS[step] && complained / ended >= COMPLAINT_SHARES[step])
      return { step, cause: `${formatShare(complained, ended)} were complained about` };
    if (bounced / ended >= BOUNCE_SHARES[step]) return { step, cause: `${formatShare(bounced, ended)} bounced` };
  }
  return undefined;
}

/** Returns what is to be noted of the emails of a type, or of all types (empty), by their counts; undefined: nothing, or it is noted. */
export function findStanding(
  { tenantId, notificationType }: Pick<EmailStanding, 'tenantId' | 'notificationType'>,
  { isPaused, isAlerted, ...counts }: EmailCounts & { readonly isPaused: boolean; readonly isAlerted: boolean },
  now: Millis,
): EmailStanding | undefined {
  const verdict = judgeEmails(counts);
  if (!verdict || isPaused || (isAlerted && verdict.step === 'alert')) return undefined;
  const pausedAt = verdict.step === 'pause' ? now : null;
  return { tenantId, notificationType, alertedAt: now, pausedAt, cause: verdict.cause };
}

/** Returns the notice of a standing: its code, details and sentence. */
export function describeStanding({
  tenantId,
  notificationType,
  pausedAt,
  cause,
}: EmailStanding): readonly [code: 'email.alerted' | 'email.paused', detail: object, sentence: string] {
  const detail = { tenant_id: tenantId, notification_type: notificationType === '' ? null : notificationType, cause };
  return pausedAt === null
    ? ['email.alerted', detail, 'emails bounce or are complained about too often; at twice the share they are paused']
    : [
        'email.paused',
        detail,
        'emails bounce or are complained about too often: they are paused until someone resumes them',
      ];
}

function formatShare(part: number, all: number): string {
  return `${part} of ${all} emails (${((100 * part) / all).toFixed(2)}%)`;
}
