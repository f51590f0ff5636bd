import { BOUNCE_SHARES, COMPLAINT_SHARES, MIN_COMPLAINTS, MIN_EMAILS } from '../track/email-standing.ts';

/** Counts and shares of emails from which an alert is raised, or sending pauses, as they are shown. */
export const EMAIL_THRESHOLDS = {
  min_emails: MIN_EMAILS,
  bounces: BOUNCE_SHARES,
  complaints: COMPLAINT_SHARES,
  min_complaints: MIN_COMPLAINTS,
};
