import { z } from 'zod';
import { CATEGORIES } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS } from '../../model/delivery.ts';
import { CONSENT_STATES, SAID_CONSENTS } from '../../model/terms.ts';
import { MAX_CONSENT_TOKEN_CHARS } from '../../privacy/consent-token.ts';
import type { ConsentView } from '../../store/consents.ts';
import {
  idOf,
  jsonObject,
  listOf,
  nextCursor,
  pageQuery,
  storable,
  storedObject,
  timestamp,
  userId,
} from './common.ts';

const MAX_EVIDENCE_CHARS = 16_384;

const channel = z.enum(CHANNELS.filter((name) => !CHANNEL_DESCRIPTORS[name].isForOthers));
const shortText = storable(z.string().trim().min(1).max(200));

export const newConsent = z
  .strictObject({
    purpose: z.enum(CATEGORIES).describe('The category of messages'),
    channel,
    state: z.enum(SAID_CONSENTS),
    address: storable(z.string().trim().min(1).max(320))
      .optional()
      .describe('The address that the user consented for; default: the one that messages go to'),
    source: shortText.describe(
      'Where it is from; a grant from `import` counts only while the user has said nothing else',
    ),
    method: shortText.optional().meta({ description: 'How it was given', examples: ['double_opt_in'] }),
    wording_version: shortText.optional().describe('The version of the text that the user saw'),
    locale: shortText.optional().describe('The language of that text'),
    at: z.iso
      .datetime({ offset: true, message: 'write a time such as 2025-10-31T19:00:00Z' })
      .optional()
      .describe('When it was said; default: now'),
    evidence: storedObject
      .refine(
        (value) => JSON.stringify(value).length <= MAX_EVIDENCE_CHARS,
        `has more than ${MAX_EVIDENCE_CHARS} characters`,
      )
      .optional()
      .describe('Network address, user agent, page and more; stored sealed'),
  })
  .meta({
    id: 'NewConsent',
    examples: [{ purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'checkout form' }],
  });

/**
 * One line of an import. What it says of its origin is evidence: the source of the record is `import`, which is weaker than any
 * other.
 */
export const importedConsent = z.strictObject({
  id: shortText
    .optional()
    .describe(
      'Of the line, in the place that it is from; one that was imported before is passed over. Default: its content',
    ),
  user_id: storable(z.string().min(1).max(256)),
  ...newConsent.pick({ purpose: true, channel: true, state: true, address: true, method: true }).shape,
  ...newConsent.pick({ wording_version: true, locale: true, evidence: true }).shape,
  source: shortText.optional().describe('Where the consent was given, such as "checkout form of the old shop"'),
  at: newConsent.shape.at.unwrap().describe('When it was said'),
});

/** The stream itself, which the handler reads. */
export const consentLines = z.any().meta({
  description:
    'Lines with `user_id`, `purpose`, `channel`, `state`, `at`, and as far as known `id`, `address`, `source`, `method`, `wording_version`, `locale` and `evidence`',
  examples: [
    '{"id":"crm-1","user_id":"user-1042","purpose":"MARKETING","channel":"email","state":"granted","at":"2024-05-02T10:00:00Z"}\n',
  ],
});

export const consentImportAnswer = z.string().meta({
  description:
    'Lines of JSON: an error (`line` from 0, `code`, `message`) for each line that was rejected, the first 1,000, and a last line with `lines`, `recorded`, `pending`, `known`, `rejected` and `empty`',
});

const consentFields = {
  consent_id: idOf('consent'),
  purpose: z.string().meta({ examples: ['MARKETING'] }),
  channel: z.string().meta({ examples: ['sms'] }),
  state: z
    .enum(CONSENT_STATES)
    .describe('`pending`: it was granted, and counts once the user has confirmed it (double opt-in)'),
  address: z.string().nullable().describe('Masked; null: of no address'),
  source: z.string().nullable(),
  method: z.string().nullable(),
  wording_version: z.string().nullable(),
  locale: z.string().nullable(),
  recorded_by: z.string().describe('Kind and id of who recorded it'),
  at: timestamp,
  recorded_at: timestamp,
  evidence: jsonObject.nullable().describe('Null: it has no evidence, or you may not see it (personal_data:read)'),
};

export const consent = z.object(consentFields).meta({
  id: 'Consent',
  description: 'A consent that was granted or withdrawn, or waits for its confirmation',
}) as unknown as z.ZodType<ConsentView>;

export const consentPage = z
  .object({ consents: listOf(consent), next: nextCursor })
  .meta({ id: 'ConsentPage', description: 'The one that was recorded last first' });

export const latestConsentsQuery = z.strictObject({
  ...pageQuery.shape,
  purpose: z.enum(CATEGORIES).optional(),
  channel: z.enum(CHANNELS).optional(),
  state: z.enum(CONSENT_STATES).optional(),
});

export const latestConsentPage = z
  .object({
    consents: listOf(
      z
        .object({ user_id: userId, ...consentFields })
        .meta({ id: 'ConsentOfUser', description: 'A consent, without its evidence' }),
    ),
    next: nextCursor,
  })
  .meta({
    id: 'LatestConsentPage',
    description: 'Of all users, the one that was recorded last first. A page may have few, or none, and a next one',
  }) as unknown as z.ZodType<{
  readonly consents: readonly (ConsentView & { readonly user_id: string })[];
  readonly next: string | null;
}>;

export const recordedConsent = z
  .object({
    consent_id: idOf('consent'),
    state: z.enum(CONSENT_STATES).describe('`pending`: it counts once the user has confirmed it'),
    notification_id: idOf('notification')
      .nullable()
      .describe('The message that asks for the confirmation; null: none was made, or one was sent shortly before'),
    expires_at: timestamp.nullable().describe('Until when it can be confirmed; null: there is nothing to confirm'),
  })
  .meta({ id: 'RecordedConsent', description: 'How a consent was recorded' });

/** Token of a link that confirms consent. */
export const consentLinkParams = z.object({ token: z.string().min(1).max(MAX_CONSENT_TOKEN_CHARS) });
