import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { GuardedResponse } from '../../http-out/guarded-client.ts';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { baseUrlSetting } from '../base-url-setting.ts';
import { callProvider, readRetryAfter } from '../call-provider.ts';
import { type ProviderCode, toCodeOutcome } from '../codes.ts';
import { pauseThrottled, toResponseOutcome } from '../http-outcome.ts';
import { readPrivateKey } from '../private-key.ts';
import type { CheckResult, Outgoing, Provider, ProviderDefinition, ProviderTools } from '../provider.ts';
import { readJsonObject } from '../read-json.ts';
import { secretSetting } from '../secret-setting.ts';
import { untilAborted } from '../until-aborted.ts';
import { BadTokenShare } from './bad-token-share.ts';
import { FCM_CODES, readFcmFault } from './fcm-error.ts';
import { buildFcmMessage } from './fcm-message.ts';
import { GoogleTokens } from './google-token.ts';

const settings = z.strictObject({
  project_id: z
    .string()
    .regex(/^[a-z0-9:.-]{1,64}$/, 'must be the id of a Firebase project, such as my-app-1f2e3')
    .describe('Id of the Firebase project.'),
  client_email: z.email().max(320).describe('Address of the service account (`client_email` of its key file).'),
  private_key: secretSetting(
    z
      .string()
      .min(1)
      .max(10_000)
      .describe('PEM text of its key (`private_key` of its key file); `\\n` is a line break.'),
  ),
  private_key_id: z.string().min(1).max(128).optional().describe('Id of the key (`private_key_id` of its key file).'),
  android_channel: z.string().min(1).max(256).optional().describe('Notification channel of the Android app.'),
  token_uri: baseUrlSetting(
    'https://oauth2.googleapis.com/token',
    'URL that grants access tokens (`token_uri` of its key file).',
  ),
  base_url: baseUrlSetting('https://fcm.googleapis.com', 'URL of the API.'),
});
type FcmSettings = z.infer<typeof settings>;

/** Longest time in ms of one request. */
const MAX_SEND_MS: Millis = 15_000;
/** Pause in ms of one device, if FCM names none. */
const RECIPIENT_PAUSE_MS: Millis = 60_000;
/** Number of accepted messages that are remembered by a hash, to tell a bad token from a bad message. */
const MAX_ACCEPTED_HASHES = 1000;

/** Firebase Cloud Messaging, by its API HTTP v1. */
export const fcm: ProviderDefinition<FcmSettings> = {
  name: 'fcm',
  label: 'Firebase Cloud Messaging',
  channels: ['push'],
  about: [
    'Push messages to Android devices, and to iOS devices whose app uses the Firebase SDK.',
    'In the Firebase console, open **Project settings → Service accounts**, generate a key, and copy `project_id`, `client_email`, `private_key` and `private_key_id` from the file.',
    'A token is retired when FCM says `UNREGISTERED`, or when it rejects the token of a message that it accepted for another token. A `404` that is not of FCM means a wrong `project_id`. `SENDER_ID_MISMATCH` also comes of the service account of another project: it retires a token while others are accepted, and stops the account when more than 20% of at least 20 messages have it.',
  ].join('\n\n'),
  settings,
  environment: {
    variables: {
      project_id: 'FCM_PROJECT_ID',
      client_email: 'FCM_CLIENT_EMAIL',
      private_key: 'FCM_PRIVATE_KEY',
      private_key_id: 'FCM_PRIVATE_KEY_ID',
      android_channel: 'FCM_ANDROID_CHANNEL',
      token_uri: 'FCM_TOKEN_URI',
      base_url: 'FCM_BASE_URL',
    },
  },
  defaults: { concurrency: 100, perSecond: 1000, maxMillis: MAX_SEND_MS + 10_000 },
  keepsMessage: false,
  repeats: 'replaced',
  correlatesBy: 'nothing',
  checks:
    'It asks Google for an access token by the service account. Whether the project takes messages shows only when one is sent.',
  codes: FCM_CODES,
  open: (account, tools) => new Fcm(account, tools),
};

/** Names in the data of a message by which FCM rejects all of it. */
const RESERVED_KEY = /^(?:from$|message_type$|google|gcm)/i;

class Fcm implements Provider {
  readonly name = fcm.name;
  readonly channels = fcm.channels;
  readonly services = ['fcm'] as const;
  readonly concurrency = fcm.defaults.concurrency;
  readonly keepsMessage = fcm.keepsMessage;
  readonly #settings: FcmSettings;
  readonly #tools: ProviderTools;
  readonly #tokens: GoogleTokens;
  readonly #url: string;
  readonly #share = new BadTokenShare();
  /** By a hash of the message, a hash of the token for which it was accepted. */
  readonly #accepted = new LRUCache<string, string>({ max: MAX_ACCEPTED_HASHES });

  /** @throws ConfigError */
  constructor(account: FcmSettings, tools: ProviderTools) {
    this.#settings = account;
    this.#tools = tools;
    this.#url = `${account.base_url}/v1/projects/${encodeURIComponent(account.project_id)}/messages:send`;
    this.#tokens = new GoogleTokens(
      {
        clientEmail: account.client_email,
        key: readPrivateKey(account.private_key, 'rsa', 'private_key'),
        tokenUri: account.token_uri,
        ...(account.private_key_id === undefined ? {} : { keyId: account.private_key_id }),
      },
      tools,
    );
  }

  async send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const { target } = outgoing;
    if (target.kind !== 'device') return { kind: 'rejected', reason: 'the target is not a device' };
    const { http, clock } = this.#tools;
    const { android_channel: androidChannel } = this.#settings;
    const message = buildFcmMessage(outgoing, androidChannel === undefined ? {} : { androidChannel }, clock());
    const reserved = Object.keys(outgoing.message.data ?? {}).find((name) => RESERVED_KEY.test(name));
    if (reserved !== undefined) {
      const reason = 'its data has a name that FCM reserves: from, message_type, or one that begins with google or gcm';
      return { kind: 'rejected', code: 'INVALID_ARGUMENT', reason };
    }
    const grant = await untilAborted(this.#tokens.get(), signal, undefined);
    if (grant === undefined)
      return { kind: 'retry', reason: 'the send was aborted before the message was handed over' };
    if ('outcome' in grant) return grant.outcome;
    const call = await callProvider(http, {
      url: this.#url,
      headers: { authorization: `Bearer ${grant.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: { token: target.token, ...message } }),
      maxMillis: MAX_SEND_MS,
      signal,
      ...(mayHandOver ? { mayHandOver } : {}),
    });
    if ('outcome' in call) return call.outcome;
    // Without what differs from device to device, such as the time to live.
    const content = hash(JSON.stringify([outgoing.notificationId, outgoing.message]));
    return this.#judge(call.response, { content, token: hash(target.token), accessToken: grant.token });
  }

  #judge(
    response: GuardedResponse,
    { content, token, accessToken }: { readonly content: string; readonly token: string; readonly accessToken: string },
  ): SendOutcome {
    const name = response.status === 200 ? readJsonObject(response.body)?.name : undefined;
    if (typeof name === 'string' && /^projects\/[^\s@]{1,400}$/.test(name)) {
      this.#accepted.set(content, token);
      this.#share.accept();
      return { kind: 'sent', providerMessageId: name };
    }
    const fault = response.status < 400 ? undefined : readFcmFault(response);
    if (!fault) return toResponseOutcome({ ...response, body: '' }, { table: [], now: this.#tools.clock() });
    const { code, isOfFcm, isQuotaOfDevice } = fault;
    const reply = `HTTP ${response.status}`;
    const row = FCM_CODES.find((entry) => entry.code === code);
    if (!row) return toUnknownOutcome(response.status, code);
    if (row.kind === 'retry') {
      const scoped: ProviderCode = isQuotaOfDevice ? { ...row, of: 'recipient' } : row;
      const usual = scoped.of === 'account' ? undefined : RECIPIENT_PAUSE_MS;
      const after = readRetryAfter(response.headers, this.#tools.clock()) ?? usual;
      return pauseThrottled(toCodeOutcome(scoped, { response: reply, ...(after === undefined ? {} : { after }) }));
    }
    if (code === 'UNAUTHENTICATED' && this.#tokens.reject(accessToken)) {
      return {
        kind: 'retry',
        of: 'account',
        code,
        reason: 'the access token was rejected, and is renewed',
        response: reply,
      };
    }
    if (code === 'INVALID_ARGUMENT' && isOfFcm) {
      // The same content was accepted for another token: then it is this token that is not valid.
      const other = this.#accepted.get(content);
      if (other !== undefined && other !== token) {
        return { kind: 'address_dead', as: 'invalid', code, reason: 'the token is not one of FCM', response: reply };
      }
    }
    if (code === 'SENDER_ID_MISMATCH') return judgeSender(row, this.#share.reject(), reply);
    const after = readRetryAfter(response.headers, this.#tools.clock());
    return toCodeOutcome(row, { response: reply, ...(after === undefined ? {} : { after }) });
  }

  async check(signal: AbortSignal): Promise<CheckResult> {
    const grant = await untilAborted(this.#tokens.grantNew(), signal, undefined);
    if (grant === undefined) return { ok: false, reason: 'there was no response in time' };
    if ('token' in grant) return { ok: true };
    const { outcome } = grant;
    const code = 'code' in outcome && outcome.code !== undefined ? { code: outcome.code } : {};
    return { ok: false, ...code, reason: 'reason' in outcome ? outcome.reason : 'no access token could be had' };
  }

  async close(): Promise<void> {}
}

/**
 * Returns the outcome for a token of another project. The project of the account is at fault if too many tokens are such; as long
 * as none was accepted, it may be: then the message waits, and nothing stops.
 */
function judgeSender(row: ProviderCode, fault: 'account' | 'token' | 'unknown', response: string): SendOutcome {
  const { code } = row;
  if (fault === 'token') return toCodeOutcome(row, { response });
  if (fault === 'unknown')
    return toCodeOutcome({ ...row, kind: 'retry', of: 'recipient', fault: 'account' }, { response });
  const reason = 'too many tokens belong to another Firebase project: check the service account';
  return { kind: 'misconfigured', code, reason, response };
}

/** A code that FCM does not document yet: a server error may have come too late. */
function toUnknownOutcome(status: number, code: string): SendOutcome {
  const shown = /^\w{1,64}$/.test(code) ? { code } : {};
  const response = `HTTP ${status}`;
  if (status >= 500) return { kind: 'in_doubt', ...shown, reason: 'an error of FCM that is not documented', response };
  return { kind: 'rejected', ...shown, reason: 'an error of FCM that is not documented', response };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
