import { z } from 'zod';
import { CATEGORIES } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { SUPPRESSIBLE_CHANNELS, SUPPRESSION_REASONS, type SuppressibleChannel } from '../../model/suppression.ts';
import {
  cursorQuery,
  idOf,
  jsonObject,
  limitQuery,
  listOf,
  nextCursor,
  storable,
  timestamp,
  timeText,
  userIdParam,
} from './common.ts';

/* Addresses that get no messages. */

const channel = z.enum(SUPPRESSIBLE_CHANNELS);
const reason = z.enum(SUPPRESSION_REASONS);
const address = z.string().trim().min(3).max(320);

const scope = z
  .string()
  .max(200)
  .regex(
    new RegExp(`^(all|category:(${CATEGORIES.join('|')})|type:[A-Za-z0-9_.-]{1,128}|sender:[+A-Za-z0-9]{1,64})$`),
    {
      error: `write all, category:CATEGORY (${CATEGORIES.join(', ')}), type:NOTIFICATION_TYPE or sender:SENDER (the number or service of an SMS account)`,
    },
  )
  .meta({
    description:
      'Which messages it stops: all, category:CATEGORY, type:NOTIFICATION_TYPE, or sender:SENDER, those by an SMS account that sends by this number or messaging service',
    examples: ['all'],
  });

export const suppression = z
  .object({
    suppression_id: idOf('suppression'),
    channel,
    address: z
      .string()
      .nullable()
      .meta({ description: 'Masked; null: only its hash is known', examples: ['m…@example.com'] }),
    scope,
    reason,
    since: timestamp,
    until: timestamp.nullable().describe('Null: until it is lifted'),
    evidence: jsonObject.describe('The receipt, attempt or request that it was made from'),
  })
  .meta({ id: 'Suppression', description: 'An address that gets no messages of a scope' });

export const suppressionPage = z
  .object({ suppressions: listOf(suppression), next: nextCursor })
  .meta({ id: 'SuppressionPage', description: 'Suppressions, newest first' });

export const suppressionQuery = z.strictObject({
  channel: channel.optional(),
  reason: reason.optional(),
  user_id: userIdParam.optional().describe('Suppressions of the addresses that this user has now'),
  limit: limitQuery,
  after: cursorQuery,
});

export const suppressionExportQuery = z.strictObject({ channel: channel.optional(), reason: reason.optional() });

export const suppressionExport = z.string().meta({
  id: 'SuppressionExport',
  description: 'NDJSON: one Suppression a line, newest first; addresses are masked',
  examples: ['{"suppression_id":"01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e","channel":"email","reason":"hard_bounce"}\n'],
});

/** A sender is the number or service of an SMS account: with an email address its scope would stop nothing. */
function hasScopeOfChannel({
  channel,
  scope,
}: {
  readonly channel: SuppressibleChannel;
  readonly scope: string;
}): boolean {
  return CHANNEL_DESCRIPTORS[channel].addressKind === 'phone' || !scope.startsWith('sender:');
}
const scopeOfChannel = () => ({
  path: ['scope'],
  error: 'write all, category:CATEGORY or type:NOTIFICATION_TYPE: sender:SENDER is a scope of sms alone',
});

const newSuppressionShape = {
  channel,
  address: address.meta({ description: 'As events have it', examples: ['maria@example.com'] }),
  scope: scope.default('all'),
  until: timeText().optional().describe('Absent: until it is lifted'),
  note: z
    .string()
    .max(500)
    .optional()
    .meta({ description: 'Why, for the reader', examples: ['asked on the phone'] }),
};

export const newSuppression = z
  .strictObject(newSuppressionShape)
  .refine(hasScopeOfChannel, scopeOfChannel())
  .meta({ id: 'NewSuppression' });

/** Suppressions of one import, at most. */
const MAX_IMPORTED = 1000;

export const suppressionImport = z
  .strictObject({
    suppressions: z
      .array(
        z
          .strictObject({
            ...newSuppressionShape,
            reason: reason.default('manual').describe('Why, as the list that you import from says'),
          })
          .refine(hasScopeOfChannel, scopeOfChannel()),
      )
      .min(1)
      .max(MAX_IMPORTED),
  })
  .meta({ id: 'SuppressionImport', description: `Up to ${MAX_IMPORTED} suppressions` });

export const importedSuppressions = z
  .object({
    added: z.int().meta({ description: 'New, or longer than before', examples: [998] }),
    known: z.int().meta({ description: 'There already, and unchanged', examples: [2] }),
  })
  .meta({ id: 'ImportedSuppressions' });

export const suppressionParams = z.object({ id: idOf('suppression').max(64) });

export const liftBody = z
  .strictObject({ note: storable(z.string().max(500)).optional().describe('Why, for the audit log') })
  .nullish();

export const suppressionSearch = z
  .strictObject({ channel, address })
  .meta({ id: 'SuppressionSearch', description: 'An address; in the body, because URLs are logged' });

export const unsubscribeParams = z.object({ token: z.string().min(1).max(1000) });
