import { z } from 'zod';
import { toMailAddress } from '../../lib/text/mailbox.ts';
import type { SendOutcome } from '../../model/delivery.ts';
import { DEFAULT_TENANT, type Json, type JsonObject } from '../../model/event.ts';
import { baseUrlSetting } from '../base-url-setting.ts';
import { callProvider } from '../call-provider.ts';
import { checkByCall } from '../check-by-call.ts';
import { toResponseOutcome } from '../http-outcome.ts';
import type { Outgoing, Provider, ProviderDefinition, ProviderTools } from '../provider.ts';
import { asObject, asText, readJsonObject } from '../read-json.ts';
import { headerSecretSetting } from '../secret-setting.ts';
import { findAttachmentFault } from './attachments.ts';
import { chooseSender, senderSetting } from './sender-setting.ts';
import { SENDGRID_CODES } from './sendgrid-codes.ts';
import { readVerificationKey, sendgridReceipts } from './sendgrid-receipts.ts';
import { unsubscribeHeaders } from './unsubscribe-headers.ts';

const MAX_SEND_MS = 20_000;

const settings = z.strictObject({
  api_key: headerSecretSetting('API key with the permission Mail Send.'),
  from: senderSetting('The sender, as `Bank <bank@example.com>`; SendGrid must have verified it or its domain.'),
  reply_to: senderSetting('Where replies go. Default: to the sender.').optional(),
  base_url: baseUrlSetting(
    'https://api.sendgrid.com',
    'The API. `https://api.eu.sendgrid.com` for subusers in the European Union.',
  ),
  ip_pool: z.string().min(2).max(64).optional().describe('Name of the pool of IP addresses to send from.'),
  verification_key: z
    .string()
    .max(400)
    .refine((key) => readVerificationKey(key) !== undefined, {
      error: 'must be the public key as SendGrid shows it: it begins with MFkw',
    })
    .optional()
    .describe('Public key of the signed event webhook, as SendGrid shows it. Without it no receipt is accepted.'),
});

type SendGridSettings = z.output<typeof settings>;

export const sendgrid: ProviderDefinition<SendGridSettings> = {
  name: 'sendgrid',
  label: 'SendGrid',
  channels: ['email'],
  about: `Email by the [v3 Mail Send API](https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send) of Twilio SendGrid.

**To get an account**

1. Authenticate the domain of your sender: *Settings → Sender Authentication*. SendGrid then signs your mail with DKIM.
2. Create an API key with *Restricted Access* and the one permission *Mail Send*: *Settings → API Keys*. It begins with \`SG.\`.
3. Save the account here with \`api_key\` and \`from\`, and run the check. It asks SendGrid for the permissions of the key and sends
   nothing.

**To receive what became of a message**

Add an event webhook with the receipt URL of the account: *Settings → Mail Settings → Event Webhooks*. Choose all events, turn on
*Signed Event Webhook*, and save its public key as \`verification_key\`. Events that are not signed with it are rejected.

**What is sent**

The rendered subject, text and HTML, or a dynamic template of SendGrid with your data (\`provider_template: d-…\`). Click and open
tracking of SendGrid are off for each message, because they rewrite links. Our reference goes along as the custom argument
\`tidings_key\`; SendGrid repeats it in each event.

**A repetition is not recognized.** SendGrid knows no idempotency key: a message in doubt may arrive twice if it is sent again.`,
  settings,
  environment: {
    variables: {
      api_key: 'SENDGRID_API_KEY',
      from: 'EMAIL_FROM_EMAIL',
      reply_to: 'EMAIL_REPLY_TO',
      ip_pool: 'SENDGRID_IP_POOL',
      verification_key: 'SENDGRID_VERIFICATION_KEY',
      base_url: 'SENDGRID_BASE_URL',
    },
  },
  defaults: { concurrency: 50, maxMillis: MAX_SEND_MS },
  keepsMessage: true,
  repeats: 'doubled',
  correlatesBy: 'reference',
  checks: 'It asks SendGrid for the permissions of the key; Mail Send has to be among them.',
  codes: SENDGRID_CODES,
  // The names that its domain authentication gives, unless one chooses others.
  signingKeys: () => [{ selector: 's1' }, { selector: 's2' }],
  open: openSendGrid,
  receipts: sendgridReceipts,
};

function openSendGrid(account: SendGridSettings, { http, clock }: ProviderTools): Provider {
  const headers = { authorization: `Bearer ${account.api_key}`, 'content-type': 'application/json' };

  async function send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const to = outgoing.target.kind === 'email' ? toMailAddress(outgoing.target.address) : undefined;
    if (to === undefined) return { kind: 'rejected', reason: 'the address is not a valid email address' };
    const fault = findAttachmentFault(outgoing.message.attachments);
    if (fault !== undefined) return { kind: 'rejected', reason: fault };
    const answer = await callProvider(http, {
      url: `${account.base_url}/v3/mail/send`,
      headers,
      body: JSON.stringify(buildMailBody(outgoing, to, account)),
      maxMillis: MAX_SEND_MS,
      signal,
      ...(mayHandOver ? { mayHandOver } : {}),
    });
    if ('outcome' in answer) return answer.outcome;
    const { response } = answer;
    const id = response.headers['x-message-id'];
    // Only SendGrid gives an id: a proxy's page of the same status is no success.
    if (response.status === 202 && typeof id === 'string' && id !== '') return { kind: 'sent', providerMessageId: id };
    return toResponseOutcome(response, {
      table: SENDGRID_CODES,
      codes: listErrorCodes(response.body),
      hidden: [account.api_key, to],
      now: clock(),
    });
  }

  return {
    name: 'sendgrid',
    channels: ['email'],
    concurrency: 50,
    keepsMessage: true,
    takesHosted: true,
    send,
    check: (signal) =>
      checkByCall(
        http,
        { url: `${account.base_url}/v3/scopes`, headers, maxMillis: MAX_SEND_MS, signal },
        (response) => {
          const scopes = response.status === 200 ? readJsonObject(response.body)?.scopes : undefined;
          if (!Array.isArray(scopes)) return undefined;
          if (scopes.includes('mail.send')) return { ok: true };
          return {
            ok: false,
            code: 'mail.send',
            reason: 'the API key has no permission Mail Send; add it at SendGrid',
          };
        },
      ),
    close: async () => {},
  };
}

function buildMailBody(outgoing: Outgoing, to: string, account: SendGridSettings): JsonObject {
  const { tenantId, message, sender, idempotencyKey, unsubscribeUrl } = outgoing;
  const isDefault = tenantId === DEFAULT_TENANT;
  const { hosted, subject, text, html, attachments = [] } = message;
  const headers = unsubscribeHeaders(unsubscribeUrl);
  return {
    personalizations: [
      {
        to: [{ email: to }],
        custom_args: { tidings_key: idempotencyKey, ...(isDefault ? {} : { tidings_tenant: tenantId }) },
        ...(hosted ? { dynamic_template_data: hosted.data } : {}),
      },
    ],
    from: toParty(chooseSender(account.from, sender)),
    ...(account.reply_to === undefined ? {} : { reply_to: toParty(chooseSender(account.reply_to, undefined)) }),
    // SendGrid rejects an empty subject and empty content.
    ...(hosted
      ? { template_id: hosted.template }
      : {
          subject: subject || ' ',
          content: [
            ...(text !== '' || !html ? [{ type: 'text/plain', value: text || ' ' }] : []),
            ...(html ? [{ type: 'text/html', value: html }] : []),
          ],
        }),
    ...(headers.length > 0 ? { headers: Object.fromEntries(headers) } : {}),
    ...(attachments.length > 0
      ? {
          attachments: attachments.map(({ name, type, content, contentId }) => ({
            filename: name,
            type,
            content: content.toString('base64'),
            disposition: contentId === undefined ? 'attachment' : 'inline',
            ...(contentId === undefined ? {} : { content_id: contentId }),
          })),
        }
      : {}),
    ...(account.ip_pool === undefined ? {} : { ip_pool_name: account.ip_pool }),
    tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false } },
  };
}

function toParty({ name, address }: { readonly name: string; readonly address: string }): JsonObject {
  return name === '' ? { email: address } : { email: address, name };
}

/** Returns the codes of our table for the errors in a body: SendGrid names the field, and some by their message alone. */
function listErrorCodes(body: string): string[] {
  const errors = readJsonObject(body)?.errors;
  return Array.isArray(errors) ? errors.slice(0, 10).flatMap(toErrorCode) : [];
}

function toErrorCode(error: Json): string[] {
  const { field, message } = asObject(error) ?? {};
  if (/maximum credits exceeded/i.test(asText(message) ?? '')) return ['credits_exceeded'];
  const name = asText(field) ?? '';
  if (/^personalizations\.\d+\.to\b/.test(name)) return ['to'];
  if (/^from\b/.test(name)) return ['from'];
  return /^template_id$/.test(name) ? ['template_id'] : [];
}
