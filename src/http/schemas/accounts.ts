import { z } from 'zod';
import { MAX_PLACE } from '../../accounts/accounts.ts';
import { CHANNELS, type Target } from '../../model/delivery.ts';
import { ACCOUNT_NAME, INSTALLATION_ACCOUNT } from '../../model/route.ts';
import { jsonObject, listOf, storable, storedObject, timestamp } from './common.ts';
import { rateLimit } from './rate-limits.ts';

/* Accounts of a tenant with providers, and the providers that there are. */

const NAME_HINT = 'write lower-case letters, digits, - and _, at most 63, starting with a letter or digit';

const LIMITS_HINT = 'Rate limit of the account; null: what its provider allows an ordinary account';
const RESERVED_HINT = `write another name: in routes, ${INSTALLATION_ACCOUNT} is the account of the installation`;

const accountName = z
  .string(NAME_HINT)
  .regex(ACCOUNT_NAME, NAME_HINT)
  .regex(/^(?!installation$)/, RESERVED_HINT)
  .meta({ description: 'Name of the account', examples: ['ses_eu'] });

export const accountParams = z.object({
  account: z
    .string()
    .max(256)
    .meta({ description: 'Name of the account', examples: ['ses_eu'] }),
});

const channels = z
  .array(z.enum(CHANNELS))
  .min(1)
  .max(CHANNELS.length)
  .meta({
    description: 'Channels that it is used for; may be absent for a provider of one channel',
    examples: [['email']],
  });

const place = z
  .int()
  .min(1)
  .max(MAX_PLACE)
  .meta({ description: 'Order of choice among the accounts of a channel; absent: the last one', examples: [1] });

const settings = storedObject.meta({
  description: 'Settings of the provider, with its secrets; see GET /api/v1/providers',
  examples: [
    {
      region: 'eu-west-1',
      access_key_id: 'AKIAIOSFODNN7EXAMPLE',
      secret_access_key: 'write-the-secret-here',
      from: 'Acme <hello@acme.example>',
    },
  ],
});

export const newAccount = z
  .strictObject({
    account: accountName,
    provider: storable(z.string().min(1).max(64)).meta({
      description: 'Name of the provider; see GET /api/v1/providers',
      examples: ['ses'],
    }),
    channels: channels.optional(),
    settings,
    limits: rateLimit.nullable().optional().describe(LIMITS_HINT),
    enabled: z.boolean().optional().describe('Whether messages are sent by it; by default true'),
    place: place.optional(),
  })
  .meta({ id: 'NewProviderAccount' });

export const accountChange = z
  .strictObject({
    channels: channels.optional(),
    settings: settings
      .optional()
      .describe('Settings to change; null removes one, and what is absent stays, secrets too'),
    limits: rateLimit.nullable().optional().describe(LIMITS_HINT),
    enabled: z.boolean().optional(),
    failover_to: accountName
      .nullable()
      .optional()
      .describe('Another account that its messages go by until that is undone; null: by itself again'),
    place: place.optional(),
  })
  .meta({ id: 'ProviderAccountChange', examples: [{ enabled: false }] });

export const account = z
  .object({
    account: z.string().meta({ examples: ['ses_eu'] }),
    provider: z.string().meta({ examples: ['ses'] }),
    channels: listOf(z.enum(CHANNELS)),
    settings: jsonObject.describe('Without the secrets'),
    secrets: listOf(z.string()).describe('Names of the secrets that are set; their values are never shown'),
    limits: rateLimit.nullable().describe(LIMITS_HINT),
    enabled: z.boolean(),
    failover_to: z.string().nullable().describe('The account that its messages go by; null: they go by itself'),
    place: z.int().meta({ examples: [1] }),
    revision: z.int().describe('Grows with each change; send it as If-Match'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'ProviderAccount', description: 'An account of the tenant with a provider' });

export const accountList = z.object({ accounts: listOf(account) }).meta({ id: 'ProviderAccountList' });

export const checkResult = z
  .object({
    ok: z.boolean().nullable().describe('Whether the provider lets us in; null: it offers no way to ask'),
    code: z.string().nullable().describe('Code of the provider; null: it gave none'),
    reason: z.string().nullable().describe('What is wrong, and what would be right; null: nothing is'),
  })
  .meta({ id: 'ProviderCheck', description: 'The answer of a provider; nothing was sent' });

const text = (max: number) => storable(z.string().min(1).max(max));

const device = z.strictObject({
  platform: z.enum(['ios', 'android']),
  token: text(4096),
  environment: z.enum(['sandbox', 'production']).optional().describe('Of APNs; by default production'),
});

const browser = z.strictObject({ endpoint: text(2048), p256dh: text(200), auth: text(100) });

const to = z
  .strictObject({
    email: text(320)
      .optional()
      .meta({ examples: ['you@example.com'] }),
    phone: text(32)
      .optional()
      .meta({ description: 'In E.164 form', examples: ['+351912345678'] }),
    device: device.optional(),
    browser: browser.optional(),
    url: text(2048).optional().describe('Endpoint of a webhook, or incoming webhook of a chat'),
    chat: text(256).optional().describe('Channel of a chat, by name or id'),
  })
  .refine((value) => Object.keys(value).length <= 1, 'has several targets; write one')
  .meta({ examples: [{ email: 'you@example.com' }] });

export const testSend = z
  .strictObject({
    channel: z.enum(CHANNELS).optional().describe('May be absent for an account of one channel'),
    to,
  })
  .meta({ id: 'ProviderTest' });

/** Returns the target of a test message. */
export function toTarget({ to: given }: z.infer<typeof testSend>, now: number): Target {
  const { email, phone, device: toDevice, browser: toBrowser, url, chat } = given;
  if (email !== undefined) return { kind: 'email', address: email };
  if (phone !== undefined) return { kind: 'phone', number: phone };
  if (toBrowser) return { kind: 'browser', ...toBrowser, registeredAt: now };
  if (toDevice) {
    const { environment, ...rest } = toDevice;
    return { kind: 'device', ...rest, ...(environment ? { environment } : {}), registeredAt: now };
  }
  if (url !== undefined) return { kind: 'endpoint', url, headers: {}, secrets: [] };
  return chat === undefined ? { kind: 'none' } : { kind: 'chat', channel: chat };
}

export const testResult = z
  .object({
    outcome: z
      .enum(['sent', 'sandboxed', 'retry', 'rejected', 'address_dead', 'misconfigured', 'in_doubt'])
      .describe('sent: the provider accepted it; sandboxed: a test tenant, nothing left this machine'),
    channel: z.enum(CHANNELS),
    provider: z.string().meta({ examples: ['ses'] }),
    code: z.string().nullable().describe('Code of the provider; null: it gave none'),
    reason: z.string().nullable().describe('Why it was not sent; null: it was'),
    provider_message_id: z.string().nullable(),
    duration_ms: z.int().meta({ examples: [180] }),
  })
  .meta({ id: 'ProviderTestResult' });

export const providerList = z
  .object({
    providers: listOf(
      z
        .object({
          provider: z.string().meta({ examples: ['ses'] }),
          label: z.string().meta({ examples: ['Amazon SES'] }),
          channels: listOf(z.enum(CHANNELS)),
          secrets: listOf(z.string()).describe('Names of the settings that are secrets'),
          settings: jsonObject.describe('JSON schema of the settings of an account'),
        })
        .meta({ id: 'ProviderDescription' }),
    ),
  })
  .meta({ id: 'ProviderList', description: 'The providers that an account may have' });
