import { z } from 'zod';
import { CHANNELS } from '../../model/delivery.ts';
import { RATE_PERIODS } from '../../model/rate-limit.ts';
import { MAX_LISTED_OPENINGS } from '../../store/deliveries/circuit-openings.ts';
import { listOf, timestamp } from './common.ts';
import { circuit } from './queue.ts';

/* Whether messages go by the accounts of a tenant, and whether emails bounce or are complained about too often. */

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

const limitUse = z
  .object({
    period: z.enum(RATE_PERIODS as [string, ...string[]]),
    allowed: z.int().describe('Messages per period'),
    burst: z.int().describe('Messages that may follow at once when none was sent for long'),
    free: z.int().describe('Messages that may follow at once now'),
  })
  .meta({ id: 'LimitUse', description: 'Use of one period of a rate limit' });

const openings = listOf(
  z
    .object({
      opened_at: timestamp,
      closed_at: timestamp.nullable().describe('Null: it is open'),
      code: z.enum(['failures', 'misconfigured', 'retry_after']),
      cause: z.string().describe('The failure that opened it'),
    })
    .meta({ id: 'CircuitOpening', description: 'A time for which nothing was sent by an account' }),
).describe(`When its circuit was open, newest first; the latest ${MAX_LISTED_OPENINGS}`);

const installationState = z
  .object({
    provider: z.string().meta({ examples: ['smtp'] }),
    channel: z.enum(CHANNELS).describe('The first channel that it sends by'),
    circuit: circuit.nullable().describe('Why nothing is sent by it at present; null: its circuit is closed'),
    openings,
  })
  .meta({ id: 'InstallationState', description: 'An account of the installation whose circuit is or was open' });

const installationChannel = z
  .object({
    channel: z.enum(CHANNELS),
    provider: z.string().meta({
      description: 'Name of the provider; inbox, log, webhook, sandbox and noop are those of Tidings itself',
      examples: ['smtp'],
    }),
  })
  .meta({ id: 'InstallationChannel', description: 'The provider of the installation of a channel' });

const accountState = z
  .object({
    account: z.string().meta({ examples: ['ses_eu'] }),
    provider: z.string().meta({ examples: ['ses'] }),
    channels: listOf(z.enum(CHANNELS)),
    enabled: z.boolean(),
    failover_to: z.string().nullable().describe('The account that its messages go by; null: they go by itself'),
    place: z.int(),
    circuit: circuit.nullable().describe('Why nothing is sent by it at present; null: its circuit is closed'),
    openings,
    limits: listOf(limitUse).describe('Empty: it has no rate limit'),
  })
  .meta({ id: 'AccountState', description: 'An account, and whether messages go by it at present' });

const emailCounts = z
  .object({
    notification_type: notificationType,
    ended: z.int().describe('Emails whose end is known: delivered, bounced or complained about'),
    bounced: z.int(),
    complained: z.int(),
  })
  .meta({ id: 'EmailCounts', description: 'Emails of the last 24 hours, since sending was last resumed' });

const shares = z.object({ alert: z.number(), pause: z.number() });

const emailThresholds = z
  .object({
    min_emails: z.int().describe('Below it, nothing follows from shares'),
    bounces: shares.describe('Share of the emails, from 0 to 1'),
    complaints: shares.describe('Share of the emails, from 0 to 1'),
    min_complaints: shares.describe('Complaints below which nothing follows from their share'),
  })
  .meta({ id: 'EmailThresholds' });

export const sendingState = z
  .object({
    emails: listOf(emailStanding).describe('Alerts of the last 24 hours, and pauses; empty: all is in order'),
    counts: listOf(emailCounts).describe(
      'All types together first, then at most 100 types, those with the most bounces and complaints first',
    ),
    thresholds: emailThresholds,
    accounts: listOf(accountState).describe('Accounts of the tenant, in order of choice'),
    installation: listOf(installationState).describe(
      'Accounts of the installation whose circuit is or was open, those of the latest openings first',
    ),
    installation_channels: listOf(installationChannel).describe(
      'By which provider of the installation the messages of each channel go, if the tenant has no account for it',
    ),
  })
  .meta({ id: 'SendingState', description: 'Whether messages go out, by account, and how emails fare' });

export const sendingResumption = z
  .strictObject({ notification_type: notificationType.optional().describe('Absent: the pause of all types') })
  .meta({ id: 'SendingResumption', examples: [{ notification_type: 'PROMO' }] });

export const sendingResumed = z
  .object({ notification_type: notificationType, resumed_at: timestamp })
  .meta({ id: 'SendingResumed' });
