import { z } from 'zod';
import type { GuardedResponse } from '../../http-out/guarded-client.ts';
import { parseMailbox, toMailAddress } from '../../lib/text/mailbox.ts';
import type { SendOutcome } from '../../model/delivery.ts';
import { DEFAULT_TENANT, type JsonObject } from '../../model/event.ts';
import { accessKeySetting } from '../aws/access-key-setting.ts';
import { readAwsError } from '../aws/aws-error.ts';
import { type AwsRequest, signAwsRequest } from '../aws/sign-aws-request.ts';
import { optionalBaseUrlSetting } from '../base-url-setting.ts';
import { callProvider } from '../call-provider.ts';
import { checkByCall } from '../check-by-call.ts';
import { toResponseOutcome } from '../http-outcome.ts';
import type { CheckResult, Outgoing, Provider, ProviderDefinition, ProviderTools } from '../provider.ts';
import { asText, readJsonObject } from '../read-json.ts';
import { headerSecretSetting, secretSetting } from '../secret-setting.ts';
import { findAttachmentFault } from './attachments.ts';
import { buildMail, writeMailbox } from './mime.ts';
import { chooseSender, senderSetting } from './sender-setting.ts';
import { SES_CODES } from './ses-codes.ts';
import { sesReceipts } from './ses-receipts.ts';
import { toReferenceTag } from './ses-tag.ts';
import { unsubscribeHeaders } from './unsubscribe-headers.ts';

const MAX_SEND_MS = 20_000;

const settings = z.strictObject({
  region: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]+){1,3}-\d$/, { error: 'must be a region such as eu-west-1' })
    .describe('Region of SES, such as `eu-west-1`.'),
  access_key_id: accessKeySetting('Access key of a user that may do `ses:SendEmail`.'),
  secret_access_key: secretSetting().describe('Secret of the access key.'),
  session_token: headerSecretSetting('Session token, for temporary credentials.').optional(),
  from: senderSetting('The sender, as `Bank <bank@example.com>`; SES must have verified it or its domain.'),
  reply_to: senderSetting('Where replies go. Default: to the sender.').optional(),
  configuration_set: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional()
    .describe('Configuration set, which publishes what becomes of each message. Without it SES reports nothing.'),
  topic_arns: z
    .array(z.string().regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(?:\.fifo)?$/))
    .max(20)
    .default([])
    .describe(
      'SNS topics whose reports are accepted. A report of any other topic is rejected before its signature is looked at.',
    ),
  base_url: optionalBaseUrlSetting('The API. Default: that of the region.'),
});

export type SesSettings = z.output<typeof settings>;

export const ses: ProviderDefinition<SesSettings> = {
  name: 'ses',
  label: 'Amazon SES',
  channels: ['email'],
  about: `Email by version 2 of the API of Amazon Simple Email Service.

**To get an account**

1. Verify the domain of your sender: *SES → Identities*. Publish the three DKIM records that SES shows: SES signs your mail.
2. Ask AWS to move the account out of the sandbox: *SES → Account dashboard*. Before that it sends to verified addresses only.
3. Create a user with the one permission \`ses:SendEmail\` (and \`ses:GetAccount\` for the check), and an access key for it.
4. Save the account here and run the check. It asks SES whether the account may send, and sends nothing.

**To receive what became of a message**

1. Create an SNS topic, and put its ARN into \`topic_arns\`. Do this first: a report of a topic that is not listed is rejected, and
   a subscription to it is not confirmed.
2. Subscribe the receipt URL of the account to the topic, with the protocol HTTPS. Tidings confirms the subscription.
3. Create a configuration set with an event destination that publishes all event types to the topic, and save its name as
   \`configuration_set\`.

Each report is verified: the certificate comes from the SNS host of the topic's region, and the signature (version 1 or 2) covers the
report. Prefer version 2, which is SHA-256: \`aws sns set-topic-attributes --attribute-name SignatureVersion --attribute-value 2 …\`.

**What is sent**

The whole email as Tidings builds it, with attachments and inline images, or a template of SES with your data. Our reference goes
along as the tag \`tidings_key\`, which SES repeats in each report. SES writes its own \`Message-ID\`.

**A repetition is not recognized.** SES knows no idempotency key: a message in doubt may arrive twice if it is sent again.

**Credentials.** Access keys only. Roles of an instance or of a container are not read: an account belongs to a tenant, not to the
machine.`,
  settings,
  environment: {
    variables: {
      region: 'AWS_SES_REGION',
      access_key_id: 'AWS_SES_ACCESS_KEY_ID',
      secret_access_key: 'AWS_SES_SECRET_ACCESS_KEY',
      session_token: 'AWS_SES_SESSION_TOKEN',
      from: 'EMAIL_FROM_EMAIL',
      reply_to: 'EMAIL_REPLY_TO',
      configuration_set: 'AWS_SES_CONFIGURATION_SET',
      topic_arns: 'AWS_SES_TOPIC_ARNS',
      base_url: 'AWS_SES_BASE_URL',
    },
  },
  defaults: { concurrency: 50, perSecond: 14, maxMillis: MAX_SEND_MS },
  keepsMessage: true,
  repeats: 'doubled',
  correlatesBy: 'reference',
  checks: 'It asks SES whether the AWS account may send.',
  codes: SES_CODES,
  open: openSes,
  receipts: sesReceipts,
};

function openSes(account: SesSettings, { http, clock }: ProviderTools): Provider {
  const { region } = account;
  const baseUrl = account.base_url ?? `https://email.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  const credentials = {
    accessKeyId: account.access_key_id,
    secretAccessKey: account.secret_access_key,
    sessionToken: account.session_token,
  };
  const sign = (request: AwsRequest) => signAwsRequest(request, { service: 'ses', region, credentials, now: clock() });

  async function send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const { target, message } = outgoing;
    const to = target.kind === 'email' ? toMailAddress(target.address) : undefined;
    if (to === undefined) return { kind: 'rejected', reason: 'the address is not a valid email address' };
    const fault = findAttachmentFault(message.attachments);
    if (fault !== undefined) return { kind: 'rejected', reason: fault };
    const url = `${baseUrl}/v2/email/outbound-emails`;
    const body = JSON.stringify(buildSendEmail(outgoing, to, account, clock()));
    const headers = await sign({ method: 'POST', url, headers: { 'content-type': 'application/json' }, body });
    const answer = await callProvider(http, {
      url,
      headers,
      body,
      maxMillis: MAX_SEND_MS,
      signal,
      ...(mayHandOver ? { mayHandOver } : {}),
    });
    if ('outcome' in answer) return answer.outcome;
    const { response } = answer;
    const id = response.status === 200 ? asText(readJsonObject(response.body)?.MessageId) : undefined;
    if (id !== undefined) return { kind: 'sent', providerMessageId: id };
    return toResponseOutcome(response, {
      table: SES_CODES,
      codes: listErrorCodes(response),
      hidden: [account.secret_access_key, account.session_token, account.access_key_id, to],
      now: clock(),
    });
  }

  async function check(signal: AbortSignal): Promise<CheckResult> {
    const url = `${baseUrl}/v2/email/account`;
    const headers = await sign({ method: 'GET', url, headers: {} });
    return checkByCall(http, { url, headers, maxMillis: MAX_SEND_MS, signal }, (response) => {
      const isEnabled = response.status === 200 ? readJsonObject(response.body)?.SendingEnabled : undefined;
      if (isEnabled === true) return { ok: true };
      if (isEnabled === false) {
        return {
          ok: false,
          code: 'SendingPausedException',
          reason: 'sending is paused for the account; see SES in the AWS console',
        };
      }
      const entry = SES_CODES.find(({ code }) => code === readAwsError(response).name);
      return (
        entry && { ok: false, code: entry.code, reason: `${entry.meaning}; enter valid credentials of the region` }
      );
    });
  }

  return {
    name: 'ses',
    channels: ['email'],
    concurrency: 50,
    keepsMessage: true,
    takesHosted: true,
    send,
    check,
    close: async () => {},
  };
}

function buildSendEmail(outgoing: Outgoing, to: string, account: SesSettings, now: number): JsonObject {
  const { tenantId, message, sender, idempotencyKey, unsubscribeUrl } = outgoing;
  const from = chooseSender(account.from, sender);
  const replyTo = account.reply_to === undefined ? undefined : parseMailbox(account.reply_to);
  const tag = toReferenceTag(idempotencyKey);
  const headers = unsubscribeHeaders(unsubscribeUrl);
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  const content = message.hosted
    ? {
        Template: {
          TemplateName: message.hosted.template,
          TemplateData: JSON.stringify(message.hosted.data),
          ...(headers.length > 0 ? { Headers: headers.map(([Name, Value]) => ({ Name, Value })) } : {}),
        },
      }
    : {
        Raw: {
          Data: buildMail({
            from,
            to,
            replyTo,
            messageId: `${tag}@${domain}`,
            date: new Date(now),
            unsubscribeUrl,
            message,
          }).toString('base64'),
        },
      };
  return {
    // The headers of a template are written by SES; our own email has its sender within.
    FromEmailAddress: message.hosted ? writeMailbox(from) : from.address,
    Destination: { ToAddresses: [to] },
    ...(message.hosted && replyTo ? { ReplyToAddresses: [writeMailbox(replyTo)] } : {}),
    Content: content,
    EmailTags: [
      { Name: 'tidings_key', Value: tag },
      ...(tenantId === DEFAULT_TENANT ? [] : [{ Name: 'tidings_tenant', Value: toReferenceTag(tenantId) }]),
    ],
    ...(account.configuration_set === undefined ? {} : { ConfigurationSetName: account.configuration_set }),
  };
}

/** Returns the codes of our table for a response, the most telling first. */
function listErrorCodes(response: GuardedResponse): string[] {
  const { name, text } = readAwsError(response);
  if (name === undefined) return [];
  if (/not verified/i.test(text) && name === 'MessageRejected') return ['EmailNotVerified'];
  if (/illegal address|missing final '@domain'|domain (?:starts|ends|contains)|invalid domain name/i.test(text)) {
    return ['IllegalAddress', name];
  }
  return [name];
}
