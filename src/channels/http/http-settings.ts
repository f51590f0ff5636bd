import { z } from 'zod';
import type { Json } from '../../model/event.ts';
import { destination } from '../destinations.ts';
import { secretSetting } from '../secret-setting.ts';
import { freeHeaderName, path } from './field-schemas.ts';
import { findUnknownPlaceholder } from './placeholders.ts';
import { receiptMapping } from './receipt-mapping.ts';

/** Characters of a body template as JSON. */
const MAX_BODY_CHARS = 20_000;

const scalar = z.union([z.string().max(200), z.number(), z.boolean()]);

/** Returns the fault of a placeholder that does not exist. */
const noPlaceholder = (name: string) => `must not have {{${name}}}: there is no such placeholder`;

const template = (max: number) =>
  z
    .string()
    .max(max)
    .superRefine((text, context) => {
      const unknown = findUnknownPlaceholder(text);
      if (unknown !== undefined) context.addIssue({ code: 'custom', message: noPlaceholder(unknown) });
    });

const json = (known?: readonly string[]) =>
  z
    .json()
    .superRefine((value, context) => {
      const text = JSON.stringify(value) ?? '';
      const unknown = findUnknownPlaceholder(text, known);
      const fault =
        unknown === undefined ? `must have at most ${MAX_BODY_CHARS} characters as JSON` : noPlaceholder(unknown);
      if (unknown !== undefined || text.length > MAX_BODY_CHARS) context.addIssue({ code: 'custom', message: fault });
    })
    .transform((value) => value as Json);

const successRule = z
  .strictObject({
    status: z.array(z.int().min(200).max(299)).min(1).max(20).default([200, 201, 202]),
    path: path().optional(),
    equals: scalar.optional(),
    body: z.string().min(1).max(200).optional(),
    header: freeHeaderName().optional(),
  })
  .refine(({ path: at, body, header }) => at !== undefined || body !== undefined || header !== undefined, {
    error:
      'must name a path, a body or a header that only the real service gives: a proxy’s page has the status 200 as well',
  });

const errorRule = z
  .strictObject({
    status: z.int().min(100).max(599).optional(),
    path: path().optional(),
    equals: scalar.optional(),
    body: z.string().min(1).max(200).optional(),
    is: z.enum(['retry', 'rejected', 'address_dead', 'opted_out', 'misconfigured', 'in_doubt']),
    of: z.enum(['recipient', 'domain', 'message', 'account', 'provider']).optional(),
    after_seconds: z.int().min(1).max(86_400).optional(),
    meaning: z
      .string()
      .regex(/^[a-zA-Z][^@]{5,119}$/, { error: 'must be part of a sentence, of 6 to 120 characters' })
      .regex(/[^.]$/, { error: 'must not end with a full stop' }),
  })
  .refine(({ status, path: at, body }) => status !== undefined || at !== undefined || body !== undefined, {
    error: 'must name a status, a path or a body',
  });

// Secrets are also the URLs and headers: for many services, such as incoming webhooks, they are the key.
export const httpSettings = z
  .strictObject({
    url: destination(
      secretSetting(
        template(2000).regex(/^(?:https?:\/\/|\{\{\s*url\s*\}\}[^{}]*$)/, {
          error: 'must begin with https://, or with {{url}}, and then have no other placeholder',
        }),
      ),
    ).describe('Where the request goes, with placeholders; `{{url}}` at its beginning is the URL of the chat.'),
    method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('Method of the request.'),
    headers: secretSetting(z.record(freeHeaderName(), template(1000)))
      .default({})
      .describe('Headers by name, with placeholders.'),
    auth: z
      .enum(['none', 'bearer', 'basic', 'header', 'hmac'])
      .default('none')
      .describe(
        'How the request proves itself: `bearer` and `basic` as in RFC 6750 and 7617, `header` writes the secret into a header, `hmac` the SHA-256 HMAC of the body in hex.',
      ),
    auth_name: z
      .string()
      .max(200)
      .optional()
      .describe('Of `basic` the user name, of `header` and `hmac` the name of the header.'),
    auth_prefix: z
      .string()
      .max(40)
      .regex(/^[\x20-\x7e]*$/, { error: 'must be printable ASCII' })
      .optional()
      .describe('Of `header` and `hmac`: written before the value, such as `App `.'),
    auth_secret: secretSetting().optional().describe('The token, password or key.'),
    body: json().describe(
      'The body as JSON, with placeholders in its texts; a form has texts only, without fields in fields.',
    ),
    body_type: z.enum(['json', 'form']).default('json').describe('How the body is written.'),
    attachment: json(['attachment'])
      .optional()
      .describe(
        'Shape of one attachment, with `{{attachment.name}}`, `.type`, `.content` (Base64) and `.content_id`. Without it a message with attachments is rejected.',
      ),
    from: z.string().max(400).optional().describe('The sender, as `{{from}}`.'),
    chat_url: destination(
      secretSetting(
        z
          .string()
          .max(2000)
          .regex(/^https?:\/\//, { error: 'must be a URL that begins with https://' }),
      ),
    )
      .optional()
      .describe('Of the channel chat: the URL of the incoming webhook to which the messages go, as `{{url}}`.'),
    chat_channel: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Of the channel chat: the name or id of the channel to which the messages go, as `{{to}}`.'),
    idempotency_header: freeHeaderName()
      .optional()
      .describe('Header with our reference, by which the provider recognizes a repetition.'),
    success: successRule.describe(
      'Which response is success: its status, and something that only the real service gives.',
    ),
    message_id: z
      .union([z.strictObject({ path: path() }), z.strictObject({ header: freeHeaderName() })])
      .optional()
      .describe('Where the provider’s id of the message stands.'),
    errors: z
      .array(errorRule)
      .max(100)
      .default([])
      .describe(
        'What other responses mean; the first rule that matches counts. All others are judged by their status.',
      ),
    retry_after: z
      .strictObject({ path: path(), unit: z.enum(['seconds', 'milliseconds']).default('seconds') })
      .optional()
      .describe('Where the body says how long to wait. The header `Retry-After` is always read.'),
    check: secretSetting(
      z.strictObject({
        url: destination(
          z
            .string()
            .max(2000)
            .regex(/^https?:\/\//),
        ),
        path: path().optional(),
      }),
    )
      .optional()
      .describe('A request with GET that sends nothing, to find out whether the credentials are good.'),
    receipts: receiptMapping
      .optional()
      .describe('How the provider reports what became of a message. Without it no receipt is accepted.'),
    receipt_secret: secretSetting()
      .optional()
      .describe('Key or token that proves a receipt; of `basic` it is `user:password`.'),
    concurrency: z
      .int()
      .min(1)
      .max(200)
      .default(10)
      .describe('Messages that each process sends at once, from 1 to 200.'),
  })
  .superRefine(({ auth, auth_secret, auth_name, receipts, receipt_secret }, context) => {
    if (auth !== 'none' && auth_secret === undefined) {
      context.addIssue({ code: 'custom', path: ['auth_secret'], message: 'must be given, as auth needs it' });
    }
    if ((auth === 'basic' || auth === 'header' || auth === 'hmac') && auth_name === undefined) {
      context.addIssue({ code: 'custom', path: ['auth_name'], message: 'must be given, as auth needs it' });
    }
    if ((auth === 'header' || auth === 'hmac') && !freeHeaderName().safeParse(auth_name ?? 'x').success) {
      context.addIssue({ code: 'custom', path: ['auth_name'], message: 'must be the name of a header' });
    }
    if ((auth === 'header' || auth === 'bearer') && !/^[\x21-\x7e]*$/.test(auth_secret ?? '')) {
      context.addIssue({ code: 'custom', path: ['auth_secret'], message: 'must be ASCII without blanks' });
    }
    if (receipts !== undefined && receipt_secret === undefined) {
      context.addIssue({ code: 'custom', path: ['receipt_secret'], message: 'must be given, as receipts need it' });
    }
  });

export type HttpSettings = z.output<typeof httpSettings>;
