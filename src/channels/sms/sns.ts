import { z } from 'zod';
import type { GuardedResponse } from '../../http-out/guarded-client.ts';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { accessKeySetting } from '../aws/access-key-setting.ts';
import { readAwsError } from '../aws/aws-error.ts';
import { signAwsRequest } from '../aws/sign-aws-request.ts';
import { optionalBaseUrlSetting } from '../base-url-setting.ts';
import { callProvider } from '../call-provider.ts';
import { checkByCall } from '../check-by-call.ts';
import { toResponseOutcome } from '../http-outcome.ts';
import type { CheckResult, Outgoing, Provider, ProviderDefinition, ProviderTools } from '../provider.ts';
import { headerSecretSetting, secretSetting } from '../secret-setting.ts';
import { readPhoneNumber } from './phone-number.ts';
import { measureSms } from './segments.ts';
import { SNS_CODES } from './sns-codes.ts';

const MAX_SEND_MS: Millis = 20_000;
const API_VERSION = '2010-03-31';

const settings = z.strictObject({
  region: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]+){1,3}-\d$/, { error: 'must be a region such as eu-west-1' })
    .describe('Region of SNS, such as `eu-west-1`.'),
  access_key_id: accessKeySetting('Access key of a user that may do `sns:Publish`.'),
  secret_access_key: secretSetting(z.string().min(1).max(200).describe('Secret of the access key.')),
  session_token: headerSecretSetting('Session token, for temporary credentials.', 4000).optional(),
  sender_id: z
    .string()
    .regex(/^(?=.*[A-Za-z])[A-Za-z0-9]{1,11}$/, 'must have 1 to 11 letters and digits, one letter at least')
    .optional()
    .describe('Name of the sender, in countries that support it: 1 to 11 letters and digits.'),
  origination_number: z
    .string()
    .regex(/^(\+[1-9]\d{6,14}|\d{3,8})$/, 'must be a number such as +12025550123, or a short code')
    .optional()
    .describe('Number or short code of yours to send from.'),
  sms_type: z
    .enum(['Transactional', 'Promotional'])
    .default('Transactional')
    .describe('`Transactional` goes by the most reliable route, `Promotional` by the cheapest.'),
  max_price: z
    .number()
    .positive()
    .max(100)
    .optional()
    .describe('Highest price in USD of a message; a dearer one is not sent.'),
  base_url: optionalBaseUrlSetting('The API. Default: that of the region.'),
});
type SnsSettings = z.output<typeof settings>;

export const sns: ProviderDefinition<SnsSettings> = {
  name: 'sns',
  label: 'Amazon SNS',
  channels: ['sms'],
  about: `SMS by Amazon Simple Notification Service.

**To get an account**

1. Ask AWS to move the account out of the SMS sandbox, and to raise its monthly spending limit (1 USD at first): *SNS → Text
   messaging*. Before that it sends to verified numbers only.
2. Create a user with the permissions \`sns:Publish\` (and \`sns:GetSMSAttributes\` for the check), and an access key for it.
3. Save the account here and run the check. It reads the SMS attributes, and sends nothing.

**What became of a message is not known.** SNS writes it to CloudWatch and calls no URL: a message stays \`sent\`. A number whose owner
replied STOP is blocked by SNS, without an error.

**A repetition is not recognized.** SNS knows no idempotency key: a message in doubt may arrive twice if it is sent again.

**Credentials.** Access keys only. Roles of an instance or of a container are not read: an account belongs to a tenant, not to the
machine.`,
  settings,
  environment: {
    variables: {
      region: 'AWS_SNS_REGION',
      access_key_id: 'AWS_SNS_ACCESS_KEY_ID',
      secret_access_key: 'AWS_SNS_SECRET_ACCESS_KEY',
      session_token: 'AWS_SNS_SESSION_TOKEN',
      sender_id: 'AWS_SNS_SENDER_ID',
      origination_number: 'AWS_SNS_ORIGINATION_NUMBER',
      sms_type: 'AWS_SNS_SMS_TYPE',
      max_price: 'AWS_SNS_MAX_PRICE',
      base_url: 'AWS_SNS_BASE_URL',
    },
  },
  defaults: { concurrency: 20, perSecond: 20, maxMillis: MAX_SEND_MS },
  keepsMessage: true,
  repeats: 'doubled',
  correlatesBy: 'nothing',
  checks: 'It reads the SMS attributes of the AWS account.',
  codes: SNS_CODES,
  open: openSns,
};

function openSns(account: SnsSettings, { http, clock }: ProviderTools): Provider {
  const { region } = account;
  const url = `${account.base_url ?? `https://sns.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`}/`;
  const credentials = {
    accessKeyId: account.access_key_id,
    secretAccessKey: account.secret_access_key,
    sessionToken: account.session_token,
  };
  const secrets = [account.access_key_id, account.secret_access_key, account.session_token];

  async function toCall(form: URLSearchParams) {
    const body = form.toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const request = { method: 'POST', url, headers, body } as const;
    const signed = await signAwsRequest(request, { service: 'sns', region, credentials, now: clock() });
    return { method: 'POST', url, headers: signed, body, maxMillis: MAX_SEND_MS } as const;
  }

  async function send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const { target, message } = outgoing;
    if (target.kind !== 'phone') return { kind: 'rejected', reason: 'the target is not a phone number' };
    const phone = readPhoneNumber(target.number);
    if (!phone) {
      const reason = 'the number is not a possible mobile number in E.164 form';
      return { kind: 'address_dead', as: 'invalid', code: 'InvalidPhoneNumber', reason };
    }
    const call = await toCall(buildPublish(outgoing, phone.number, account));
    const answer = await callProvider(http, { ...call, signal, ...(mayHandOver ? { mayHandOver } : {}) });
    if ('outcome' in answer) return answer.outcome;
    const { response } = answer;
    const id = response.status === 200 ? readTag(response.body, 'MessageId') : undefined;
    if (id !== undefined) return { kind: 'sent', providerMessageId: id, parts: measureSms(message.text).parts };
    const hidden = [...secrets, phone.number, phone.number.slice(1), message.text];
    return toResponseOutcome(response, { table: SNS_CODES, codes: listErrorNames(response), hidden, now: clock() });
  }

  async function check(signal: AbortSignal): Promise<CheckResult> {
    const call = await toCall(new URLSearchParams({ Action: 'GetSMSAttributes', Version: API_VERSION }));
    return checkByCall(http, { ...call, signal }, (response) => {
      if (response.status === 200 && response.body.includes('<GetSMSAttributesResponse')) return { ok: true };
      const names = listErrorNames(response);
      const row = SNS_CODES.find(({ code }) => names.includes(code));
      return row && { ok: false, code: row.code, reason: `${row.meaning}; enter valid credentials of the region` };
    });
  }

  return { name: 'sns', channels: ['sms'], concurrency: 20, keepsMessage: true, send, check, close: async () => {} };
}

function buildPublish({ message }: Outgoing, to: string, account: SnsSettings): URLSearchParams {
  const form = new URLSearchParams({
    Action: 'Publish',
    Version: API_VERSION,
    PhoneNumber: to,
    Message: message.text.toWellFormed(),
  });
  const attributes: readonly (readonly [string, 'String' | 'Number', string | undefined])[] = [
    ['AWS.SNS.SMS.SMSType', 'String', account.sms_type],
    ['AWS.SNS.SMS.SenderID', 'String', account.sender_id],
    ['AWS.SNS.SMS.MaxPrice', 'Number', account.max_price?.toString()],
    ['AWS.MM.SMS.OriginationNumber', 'String', account.origination_number],
  ];
  attributes
    .filter(([, , value]) => value !== undefined)
    .forEach(([name, type, value], index) => {
      const entry = `MessageAttributes.entry.${index + 1}`;
      form.set(`${entry}.Name`, name);
      form.set(`${entry}.Value.DataType`, type);
      form.set(`${entry}.Value.StringValue`, value as string);
    });
  return form;
}

/** Returns the names of the error of a response, the most telling first; none: it is not one of AWS. */
function listErrorNames(response: GuardedResponse): string[] {
  const name = readTag(response.body, 'Code') ?? readAwsError(response).name;
  if (name === undefined) return [];
  // SNS has one name for both: only its text tells that it is the number.
  const isNumber = name.startsWith('InvalidParameter') && /PhoneNumber/.test(readTag(response.body, 'Message') ?? '');
  return isNumber ? ['InvalidPhoneNumber', name] : [name];
}

/** Returns the text of the first element of a name in an answer of the query protocol, which has no nested ones of that name. */
function readTag(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`);
  const end = start < 0 ? -1 : xml.indexOf(`</${name}>`, start);
  return end < 0 ? undefined : xml.slice(start + name.length + 2, end).slice(0, 500);
}
