import { z } from 'zod';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Json, JsonObject, Millis } from '../../model/event.ts';
import { isSender } from '../../model/suppression.ts';
import { baseUrlSetting } from '../base-url-setting.ts';
import { callProvider } from '../call-provider.ts';
import { checkByCall } from '../check-by-call.ts';
import { toResponseOutcome } from '../http-outcome.ts';
import type {
  BilledMessage,
  CheckResult,
  Outgoing,
  Provider,
  ProviderDefinition,
  ProviderTools,
  Receipt,
} from '../provider.ts';
import { asText, readJsonObject } from '../read-json.ts';
import { secretSetting } from '../secret-setting.ts';
import { readPhoneNumber } from './phone-number.ts';
import { measureSms } from './segments.ts';
import { writeCallbackQuery } from './twilio-callback.ts';
import { TWILIO_CODES } from './twilio-codes.ts';
import { toTwilioReceipts, twilioReceipts } from './twilio-receipts.ts';

const MAX_SEND_MS: Millis = 20_000;
/** Bounds in seconds of the time that Twilio keeps a message in its queue. */
const MAX_VALIDITY_SECONDS = 36_000;
/** Twilio repeats a status callback up to 5 times, after every kind of failure, and waits 3 s for a connection. */
const CALLBACK_RETRIES = '#rc=5&rp=all&ct=3000';
/** Parts that a message can have, at most. */
const MAX_PARTS = 100;
const SID = '[0-9a-fA-F]{32}';

const settings = z
  .strictObject({
    account_sid: z
      .string()
      .regex(new RegExp(`^AC${SID}$`), 'must begin with AC and have 34 characters')
      .describe('SID of the account. It begins with `AC`.'),
    auth_token: secretSetting(
      z.string().min(1).max(200).describe('Token of the account. Twilio signs its callbacks with it.'),
    ),
    api_key_sid: z
      .string()
      .regex(new RegExp(`^SK${SID}$`), 'must begin with SK and have 34 characters')
      .optional()
      .describe('SID of an API key to send with, instead of the token. It begins with `SK`.'),
    api_key_secret: secretSetting(z.string().min(1).max(200).describe('Secret of the API key.')).optional(),
    from: z
      .string()
      .regex(
        /^(\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})$/,
        'must be a number that begins with +, a short code, or a name of at most 11 characters with a letter',
      )
      .optional()
      .describe('The sender: a number such as `+351912345678`, a short code, or a name of at most 11 characters.'),
    messaging_service_sid: z
      .string()
      .regex(new RegExp(`^MG${SID}$`), 'must begin with MG and have 34 characters')
      .optional()
      .describe('SID of a messaging service, which chooses the sender. It begins with `MG`.'),
    help_text: z
      .string()
      .min(1)
      .max(1600)
      .optional()
      .describe('Reply to HELP and INFO. Default: Twilio replies, or nothing does.'),
    fetch_prices: z
      .enum(['yes', 'no'])
      .default('yes')
      .describe('Whether Twilio is asked once for the price of each message, an hour after its receipt.'),
    base_url: baseUrlSetting(
      'https://api.twilio.com',
      'The API. A region has its own, such as `https://api.dublin.ie1.twilio.com`.',
    ),
  })
  .refine(({ from, messaging_service_sid: service }) => (from === undefined) !== (service === undefined), {
    path: ['from'],
    error: 'must be given, or messaging_service_sid instead of it',
  })
  .refine(({ api_key_sid: sid, api_key_secret: secret }) => (sid === undefined) === (secret === undefined), {
    path: ['api_key_secret'],
    error: 'must be given together with api_key_sid',
  });
export type TwilioSettings = z.output<typeof settings>;

export const twilio: ProviderDefinition<TwilioSettings> = {
  name: 'twilio',
  label: 'Twilio',
  channels: ['sms'],
  about: `SMS by the API of [Twilio Programmable Messaging](https://www.twilio.com/docs/messaging).

**To get an account**

1. Copy the account SID and token from the Twilio console. To send with an API key, create one of the type *Standard* as well.
2. Buy a number, or create a messaging service with senders for each country, and save it as \`from\` or \`messaging_service_sid\`.
3. Run the check. It reads the account, and sends nothing.

**To receive what became of a message**

Nothing to set up: each message carries the URL of its status callback, which Twilio signs. Twilio repeats a callback up to five
times. The public base URL of this installation must be the one that Twilio calls: the signature covers it.

**To stop when a user replies STOP**

Set the receipt URL of the account as the URL for incoming messages of the number or messaging service. STOP and its kin stop the messages
of that number or service to the one who wrote, START lifts that. Twilio itself also blocks a number that replied STOP (code 21610).

**A repetition is not recognized.** Twilio knows no idempotency key: a message in doubt may arrive twice if it is sent again.`,
  settings,
  environment: {
    variables: {
      account_sid: 'TWILIO_ACCOUNT_SID',
      auth_token: 'TWILIO_AUTH_TOKEN',
      from: 'TWILIO_FROM_NUMBER',
      messaging_service_sid: 'TWILIO_MESSAGING_SERVICE_SID',
      api_key_sid: 'TWILIO_API_KEY_SID',
      api_key_secret: 'TWILIO_API_KEY_SECRET',
      help_text: 'TWILIO_HELP_TEXT',
      fetch_prices: 'TWILIO_FETCH_PRICES',
      base_url: 'TWILIO_BASE_URL',
    },
  },
  defaults: { concurrency: 50, perSecond: 100, maxMillis: MAX_SEND_MS },
  keepsMessage: true,
  repeats: 'doubled',
  correlatesBy: 'message_id',
  checks: 'It reads the account at Twilio, and whether that is active.',
  pricesLater: true,
  codes: TWILIO_CODES,
  open: openTwilio,
  receipts: twilioReceipts,
};

function openTwilio(account: TwilioSettings, { http, clock }: ProviderTools): Provider {
  const root = `${account.base_url}/2010-04-01/Accounts/${account.account_sid}`;
  const [user, password] =
    account.api_key_sid === undefined
      ? [account.account_sid, account.auth_token]
      : [account.api_key_sid, account.api_key_secret ?? ''];
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  const headers = { authorization: `Basic ${basic}`, accept: 'application/json' };
  const secrets = [account.auth_token, account.api_key_secret, basic];

  async function send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const { target, message } = outgoing;
    if (target.kind !== 'phone') return { kind: 'rejected', reason: 'the target is not a phone number' };
    const phone = readPhoneNumber(target.number);
    if (!phone) {
      const reason = 'the number is not a possible mobile number in E.164 form';
      return { kind: 'address_dead', as: 'invalid', code: '21211', reason };
    }
    const answer = await callProvider(http, {
      url: `${root}/Messages.json`,
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: buildForm(outgoing, phone.number, account, clock()).toString(),
      maxMillis: MAX_SEND_MS,
      signal,
      ...(mayHandOver ? { mayHandOver } : {}),
    });
    if ('outcome' in answer) return answer.outcome;
    const { response } = answer;
    const json = readJsonObject(response.body);
    const id = readMessageSid(json);
    const hidden = [...secrets, phone.number, phone.number.slice(1), message.text];
    if (response.status !== 201 || id === undefined) {
      return toResponseOutcome(response, {
        table: TWILIO_CODES,
        codes: [readCode(json?.code)],
        hidden,
        now: clock(),
      });
    }
    const parts = Number(json?.num_segments) || measureSms(message.text).parts;
    const cost = readCost(json);
    return { kind: 'sent', providerMessageId: id, parts, ...(cost ? { cost } : {}) };
  }

  async function check(signal: AbortSignal): Promise<CheckResult> {
    return checkByCall(http, { url: `${root}.json`, headers, maxMillis: MAX_SEND_MS, signal }, (response) => {
      const json = readJsonObject(response.body);
      const status = response.status === 200 ? asText(json?.status) : undefined;
      if (status === 'active') return { ok: true };
      if (status !== undefined)
        return { ok: false, code: '20005', reason: 'the account is not active; see the Twilio console' };
      const row = TWILIO_CODES.find(({ code }) => code === readCode(json?.code));
      return row && { ok: false, code: row.code, reason: row.meaning };
    });
  }

  /** Returns a message as Twilio stores it; undefined: Twilio does not know it, or does not respond. */
  async function fetchMessage(providerMessageId: string, signal: AbortSignal): Promise<JsonObject | undefined> {
    if (!MESSAGE_SID.test(providerMessageId)) return undefined;
    const url = `${root}/Messages/${providerMessageId}.json`;
    const answer = await callProvider(http, { method: 'GET', url, headers, maxMillis: MAX_SEND_MS, signal });
    const json =
      'response' in answer && answer.response.status === 200 ? readJsonObject(answer.response.body) : undefined;
    return readMessageSid(json) === providerMessageId ? json : undefined;
  }

  async function fetchCost(providerMessageId: string, signal: AbortSignal): Promise<BilledMessage | null> {
    return readBilled(await fetchMessage(providerMessageId, signal)) ?? null;
  }

  async function poll(providerMessageId: string, signal: AbortSignal): Promise<Receipt | null> {
    const json = await fetchMessage(providerMessageId, signal);
    if (!json) return null;
    const status = asText(json?.status) ?? '';
    const code = readCode(json?.error_code);
    const senders = [asText(json?.from), asText(json?.messaging_service_sid)].filter(
      (one): one is string => one !== undefined && isSender(one),
    );
    const [receipt] = toTwilioReceipts({ id: providerMessageId, status, code, at: clock(), senders });
    if (!receipt || receipt.kind === 'accepted') return null;
    return { ...receipt, ...readBilled(json) };
  }

  const sender = account.messaging_service_sid ?? account.from ?? '';
  return {
    name: 'twilio',
    channels: ['sms'],
    ...(isSender(sender) ? { sender } : {}),
    concurrency: 50,
    keepsMessage: true,
    send,
    check,
    poll,
    ...(account.fetch_prices === 'yes' ? { fetchCost } : {}),
    close: async () => {},
  };
}

function buildForm(
  { tenantId, idempotencyKey, message, expiresAt, receiptUrl }: Outgoing,
  to: string,
  account: TwilioSettings,
  now: Millis,
): URLSearchParams {
  const form = new URLSearchParams({ To: to, Body: message.text.toWellFormed() });
  if (account.messaging_service_sid === undefined) form.set('From', account.from ?? '');
  else form.set('MessagingServiceSid', account.messaging_service_sid);
  if (receiptUrl !== undefined) {
    const reference = writeCallbackQuery({ reference: idempotencyKey, tenantId });
    form.set('StatusCallback', `${receiptUrl}?${reference}${CALLBACK_RETRIES}`);
  }
  const seconds = expiresAt === undefined ? MAX_VALIDITY_SECONDS : Math.floor((expiresAt - now) / 1000);
  if (seconds < MAX_VALIDITY_SECONDS) form.set('ValidityPeriod', String(Math.max(1, seconds)));
  return form;
}

const MESSAGE_SID = new RegExp(`^(SM|MM)${SID}$`);

function readMessageSid(json: JsonObject | undefined): string | undefined {
  const sid = asText(json?.sid);
  return sid !== undefined && MESSAGE_SID.test(sid) ? sid : undefined;
}

function readCode(value: Json | undefined): string | undefined {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : undefined;
}

/** Returns what the message costs, and its billed parts; undefined: Twilio does not know that yet. */
function readBilled(json: JsonObject | undefined): BilledMessage | undefined {
  const cost = readCost(json);
  const parts = Number(json?.num_segments);
  if (!cost) return undefined;
  return { cost, ...(Number.isSafeInteger(parts) && parts >= 1 && parts <= MAX_PARTS ? { parts } : {}) };
}

/** Returns what the message costs, if Twilio knows it yet. It writes it as a negative number. */
function readCost(json: JsonObject | undefined): { amount: number; currency: string } | undefined {
  const price = asText(json?.price);
  const currency = asText(json?.price_unit);
  const amount = Math.abs(Number(price));
  if (price === undefined || !Number.isFinite(amount) || !/^[A-Za-z]{3}$/.test(currency ?? '')) return undefined;
  return { amount, currency: (currency as string).toUpperCase() };
}
