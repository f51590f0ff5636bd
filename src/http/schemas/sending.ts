import { z } from 'zod';
import { listOf, timestamp } from './common.ts';

/* Whether emails bounce or are complained about too often. */

const notificationType = z
  .string()
  .max(128)
  .nullable()
  .meta({ description: 'Null: all types of the tenant', examples: ['PROMO'] });

const emailStanding = z
  .object({
    notification_type: notificationType,
    state: z.enum(['alerted', 'paused']).describe('Paused: emails are held, but those of SECURITY'),
    since: timestamp,
    cause: z.string().meta({ examples: ['60 of 500 emails (12.00%) bounced'] }),
  })
  .meta({ id: 'EmailStanding', description: 'Emails that bounce or are complained about too often' });

export const sendingState = z
  .object({ emails: listOf(emailStanding) })
  .meta({ id: 'SendingState', description: 'Alerts of the last 24 hours, and pauses; empty: all is in order' });

export const sendingResumption = z
  .strictObject({ notification_type: notificationType.optional().describe('Absent: the pause of all types') })
  .meta({ id: 'SendingResumption', examples: [{ notification_type: 'PROMO' }] });

export const sendingResumed = z
  .object({ notification_type: notificationType, resumed_at: timestamp })
  .meta({ id: 'SendingResumed' });
