import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Channel, SendOutcome, Target } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import { baseUrlSetting } from '../base-url-setting.ts';
import { callProvider } from '../call-provider.ts';
import { checkByCall } from '../check-by-call.ts';
import { toResponseOutcome } from '../http-outcome.ts';
import type { Outgoing, Provider, ProviderDefinition, ProviderTools } from '../provider.ts';
import { asText, readJsonObject } from '../read-json.ts';
import { headerSecretSetting, secretSetting } from '../secret-setting.ts';
import { COURIER_CODES } from './courier-codes.ts';
import { courierReceipts } from './courier-receipts.ts';

const MAX_SEND_MS = 20_000;

/** Messages whose latest answer was a failure of Courier, which are remembered by each process. */
const MAX_FAILED = 10_000;

const CHANNELS: readonly Channel[] = ['email', 'sms'];

const settings = z.strictObject({
  auth_token: headerSecretSetting('Authorization token of the environment: it begins with `pk_prod_` or `pk_test_`.'),
  webhook_secret: secretSetting()
    .optional()
    .describe('Signing secret of the outbound webhook. Without it no receipt is accepted.'),
  templates: z
    .record(z.string().min(1).max(100), z.string().min(1).max(100))
    .optional()
    .describe(
      'Ids of templates by the names that `provider_template` has. A name that is not among them is itself the id.',
    ),
  base_url: baseUrlSetting(
    'https://api.courier.com',
    'The API. `https://api.eu.courier.com` for workspaces in the European Union.',
  ),
});

type CourierSettings = z.output<typeof settings>;

export const courier: ProviderDefinition<CourierSettings> = {
  name: 'courier',
  label: 'Courier',
  channels: CHANNELS,
  about: `Email and SMS by [Courier](https://www.courier.com), with templates that are kept there.

**To get an account**

1. Connect a provider to each channel that you use: *Integrations*. Courier sends through it.
2. Design and publish your templates: *Designer*. The id is in the settings of each template; you may give your own, such as
   \`CLIENT_WELCOME_V1\`.
3. Copy the authorization token: *Settings → API Keys*. Use the one of the environment Test first.
4. Save the account here with \`auth_token\`, and run the check. It lists one brand and sends nothing.

**To send by a template of Courier**, name it in \`notifications.yaml\`: \`provider_template: CLIENT_WELCOME_V1\`. Courier
gets the data of the notification, and renders. A template without it is rendered here, and sent as content.

**To receive what became of a message**, add an outbound webhook with the receipt URL of the account: *Settings → Outbound
Webhooks*, event \`message:updated\`. Save its signing secret as \`webhook_secret\`.

**A repetition is recognized** by the header \`Idempotency-Key\`, for 24 hours. It is the same until Courier answers with a failure of
its own: it would repeat that answer, so the next attempt has another key.

Courier accepts a message before it knows whether the address or the template is good. What is wrong comes back by the webhook.

**What Courier has itself.** The sender and the address for replies are those of its integration. Email has no \`List-Unsubscribe\` of Tidings:
send what readers may unsubscribe from by another account, unless your integration adds one. An email with attachments is rejected.`,
  settings,
  environment: {
    variables: {
      auth_token: 'COURIER_AUTH_TOKEN',
      webhook_secret: 'COURIER_WEBHOOK_SECRET',
      base_url: 'COURIER_BASE_URL',
    },
    patterns: { templates: 'COURIER_*_TEMPLATE' },
  },
  defaults: { concurrency: 50, maxMillis: MAX_SEND_MS },
  keepsMessage: true,
  repeats: 'recognized',
  correlatesBy: 'message_id',
  checks: 'It lists one brand at Courier.',
  codes: COURIER_CODES,
  open: openCourier,
  receipts: courierReceipts,
};

function openCourier(account: CourierSettings, { http, clock }: ProviderTools): Provider {
  const headers = { authorization: `Bearer ${account.auth_token}`, 'content-type': 'application/json' };
  // Courier keeps each answer for 24 hours, failures too, and gives it to every request with the same key.
  const nextKeys = new LRUCache<string, string>({ max: MAX_FAILED });

  async function send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const { target, idempotencyKey, attempt, message } = outgoing;
    if (message.attachments?.length) {
      const reason = 'an account of Courier takes no attachments';
      return { kind: 'rejected', code: 'no_attachments', reason, fault: 'account' };
    }
    const to = toRecipient(target);
    if (to === undefined)
      return { kind: 'rejected', reason: 'Courier sends to email addresses and phone numbers only' };
    const answer = await callProvider(http, {
      url: `${account.base_url}/send`,
      headers: { ...headers, 'idempotency-key': encodeURIComponent(nextKeys.get(idempotencyKey) ?? idempotencyKey) },
      body: JSON.stringify({ message: buildMessage(outgoing, to, account, clock()) }),
      maxMillis: MAX_SEND_MS,
      signal,
      ...(mayHandOver ? { mayHandOver } : {}),
    });
    if ('outcome' in answer) return answer.outcome;
    const { response } = answer;
    if (response.status >= 500) nextKeys.set(idempotencyKey, `${idempotencyKey}-${attempt + 1}`);
    const isTaken = response.status === 202 || response.status === 200;
    const id = isTaken ? asText(readJsonObject(response.body)?.requestId) : undefined;
    if (id !== undefined) return { kind: 'sent', providerMessageId: id };
    return toResponseOutcome(response, {
      table: COURIER_CODES,
      hidden: [account.auth_token, account.webhook_secret, ...Object.values(to)],
      now: clock(),
    });
  }

  return {
    name: 'courier',
    channels: CHANNELS,
    concurrency: 50,
    keepsMessage: true,
    takesHosted: true,
    send,
    check: (signal) =>
      checkByCall(http, { url: `${account.base_url}/brands`, headers, maxMillis: MAX_SEND_MS, signal }, (response) =>
        response.status === 200 && Array.isArray(readJsonObject(response.body)?.results) ? { ok: true } : undefined,
      ),
    close: async () => {},
  };
}

function toRecipient(target: Target): { readonly [field: string]: string } | undefined {
  if (target.kind === 'email') return { email: target.address };
  return target.kind === 'phone' ? { phone_number: target.number } : undefined;
}

function findTemplate(templates: { readonly [name: string]: string }, name: string): string {
  return (Object.hasOwn(templates, name) ? templates[name] : undefined) ?? name;
}

function buildMessage(
  outgoing: Outgoing,
  to: JsonObject,
  { templates = {} }: CourierSettings,
  now: number,
): JsonObject {
  const { message, channel, expiresAt, notificationType } = outgoing;
  const { hosted, subject, text, html } = message;
  return {
    to,
    ...(hosted
      ? { template: findTemplate(templates, hosted.template), data: hosted.data }
      : {
          content:
            html === undefined
              ? { title: subject ?? '', body: text }
              : {
                  version: '2022-01-01',
                  elements: [
                    { type: 'meta', title: subject ?? '' },
                    { type: 'html', content: html },
                  ],
                },
        }),
    routing: { method: 'single', channels: [channel] },
    metadata: { tags: [notificationType] },
    ...(expiresAt === undefined ? {} : { timeout: { message: Math.max(1, expiresAt - now) } }),
  };
}
