import { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { baseUrlSetting } from '../base-url-setting.ts';
import { readRetryAfter } from '../call-provider.ts';
import { toCodeOutcome } from '../codes.ts';
import { toResponseOutcome } from '../http-outcome.ts';
import { readPrivateKey } from '../private-key.ts';
import type { CheckResult, Outgoing, Provider, ProviderDefinition, ProviderTools } from '../provider.ts';
import { readJsonObject } from '../read-json.ts';
import { secretSetting } from '../secret-setting.ts';
import { APNS_CODES } from './apns-codes.ts';
import { buildApnsHeaders, buildApnsPayload } from './apns-message.ts';
import { ApnsToken } from './apns-token.ts';
import { BadTokenShare } from './bad-token-share.ts';
import { Http2Origin, type Http2Response } from './http2-origin.ts';

const ID = /^[A-Z0-9]{10}$/;
const settings = z.strictObject({
  key_id: z.string().regex(ID, 'must have 10 capital letters and digits').describe('Id of the key, 10 characters.'),
  team_id: z.string().regex(ID, 'must have 10 capital letters and digits').describe('Id of the team, 10 characters.'),
  private_key: secretSetting(
    z.string().min(1).max(10_000).describe('PEM text of the key, as in its `.p8` file; `\\n` is a line break.'),
  ),
  topic: z
    .string()
    .regex(/^[A-Za-z0-9.-]{1,255}$/, 'must be a bundle id, such as com.example.app')
    .describe('Bundle id of the app.'),
  base_url: baseUrlSetting('https://api.push.apple.com', 'URL of the API for tokens of production.'),
  sandbox_url: baseUrlSetting(
    'https://api.sandbox.push.apple.com',
    'URL of the API for tokens of development builds, which are registered with the environment `sandbox`.',
  ),
});
type ApnsSettings = z.infer<typeof settings>;

/** Longest time in ms of one request. */
const MAX_SEND_MS: Millis = 15_000;
/** A token of no device. */
const NO_DEVICE = '0'.repeat(64);
/** Pause in ms of a device or of the account that APNs throttles without saying for how long. */
const THROTTLED_MS: Millis = 60_000;
const TOKEN_UPDATES_PAUSE_MS: Millis = 20 * 60_000;

/** Apple Push Notification service, by HTTP/2 with token authentication. */
export const apns: ProviderDefinition<ApnsSettings> = {
  name: 'apns',
  label: 'Apple Push Notification service',
  channels: ['push'],
  about: [
    'Push messages to iPhones, iPads, Macs and watches.',
    'In your Apple developer account, open **Certificates, Identifiers & Profiles → Keys**, create a key with the Apple Push Notifications service, and download its `.p8` file. The key id stands beside it, the team id in the membership details.',
    'A token is retired when APNs says `Unregistered` or `ExpiredToken`, unless it was registered after the time that APNs names. `BadDeviceToken` and `DeviceTokenNotForTopic` also come of a wrong environment or topic: they retire a token while others are accepted, and stop the account when more than 20% of at least 20 messages have them.',
  ].join('\n\n'),
  settings,
  environment: {
    variables: {
      key_id: 'APNS_KEY_ID',
      team_id: 'APNS_TEAM_ID',
      private_key: 'APNS_PRIVATE_KEY',
      topic: 'APNS_TOPIC',
      base_url: 'APNS_BASE_URL',
      sandbox_url: 'APNS_SANDBOX_URL',
    },
  },
  defaults: { concurrency: 100, maxMillis: MAX_SEND_MS + 10_000 },
  keepsMessage: false,
  repeats: 'replaced',
  correlatesBy: 'nothing',
  checks: 'It sends to a token that no device has: APNs judges key, team and topic before it judges the token.',
  codes: APNS_CODES,
  open: (account, tools) => new Apns(account, tools),
};

class Apns implements Provider {
  readonly name = apns.name;
  readonly channels = apns.channels;
  readonly services = ['apns'] as const;
  readonly concurrency = apns.defaults.concurrency;
  readonly keepsMessage = apns.keepsMessage;
  readonly #topic: string;
  readonly #clock: () => Millis;
  readonly #token: ApnsToken;
  readonly #environments: { readonly [environment in 'production' | 'sandbox']: Environment };

  /** @throws ConfigError */
  constructor(account: ApnsSettings, { http, clock }: ProviderTools) {
    const key = readPrivateKey(account.private_key, 'ec', 'private_key');
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      throw new ConfigError('private_key is not a key of the curve P-256: expected the .p8 file of APNs.');
    }
    this.#topic = account.topic;
    this.#clock = clock;
    this.#token = new ApnsToken(key, { keyId: account.key_id, teamId: account.team_id }, clock);
    this.#environments = {
      production: toEnvironment(account.base_url, http),
      sandbox: toEnvironment(account.sandbox_url, http),
    };
  }

  async send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const { target } = outgoing;
    if (target.kind !== 'device' || target.platform !== 'ios') {
      return { kind: 'rejected', reason: 'the target is not a device of Apple' };
    }
    const environment = this.#environments[target.environment ?? 'production'];
    const token = await this.#token.get();
    const result = await environment.origin.request({
      path: `/3/device/${encodeURIComponent(target.token.toWellFormed())}`,
      headers: { ...buildApnsHeaders(outgoing, this.#topic), authorization: `bearer ${token}` },
      body: buildApnsPayload(outgoing),
      signal: AbortSignal.any([signal, AbortSignal.timeout(MAX_SEND_MS)]),
      ...(mayHandOver ? { mayHandOver } : {}),
    });
    if ('response' in result) return this.#judge(result.response, token, environment.share);
    const { reason, handedOver, timedOut, isOfConnection, goaway } = result.failure;
    const code = readReason(goaway ?? '');
    const failure = { reason, ...(code === undefined ? {} : { code }), ...(timedOut ? { timedOut } : {}) };
    if (handedOver) return { kind: 'in_doubt', ...failure };
    // The server asked for another connection: that is no fault of it, and the message can go at once.
    return { kind: 'retry', ...failure, ...(isOfConnection ? { of: 'message', after: 0 } : {}) };
  }

  async #judge(response: Http2Response, token: string, share: BadTokenShare): Promise<SendOutcome> {
    const id = response.headers['apns-id'];
    if (response.status === 200 && typeof id === 'string') {
      share.accept();
      return { kind: 'sent', providerMessageId: id.slice(0, 64) };
    }
    const code = readReason(response.body);
    if (response.status < 400 || code === undefined) {
      return toResponseOutcome({ ...response, body: '' }, { table: [], now: this.#clock() });
    }
    const reply = `HTTP ${response.status} ${code}`;
    const row = APNS_CODES.find((entry) => entry.code === code);
    if (!row) {
      const reason = 'an error of APNs that is not documented';
      return { kind: response.status >= 500 ? 'retry' : 'rejected', code, reason, response: reply };
    }
    switch (code) {
      case 'ExpiredProviderToken':
        if (!(await this.#token.replace(token))) break;
        return {
          kind: 'retry',
          of: 'message',
          after: 0,
          code,
          reason: 'the authentication token had expired, and is renewed',
          response: reply,
        };
      case 'BadDeviceToken':
      case 'DeviceTokenNotForTopic':
        return judgeBadToken(code, share.reject(), reply);
      default:
    }
    if (row.kind === 'retry' && row.of !== 'message') {
      const pause = code === 'TooManyProviderTokenUpdates' ? TOKEN_UPDATES_PAUSE_MS : THROTTLED_MS;
      const after = readRetryAfter(response.headers, this.#clock()) ?? (row.of === undefined ? undefined : pause);
      return toCodeOutcome(row, { response: reply, ...(after === undefined ? {} : { after }) });
    }
    const since = response.status === 410 ? readTimestamp(response.body) : undefined;
    return toCodeOutcome(row, { response: reply, ...(since === undefined ? {} : { since }) });
  }

  /** Sends to a token that no device has: APNs judges our authentication before it judges the token. */
  async check(signal: AbortSignal): Promise<CheckResult> {
    const result = await this.#environments.production.origin.request({
      path: `/3/device/${NO_DEVICE}`,
      headers: {
        'apns-topic': this.#topic,
        'apns-push-type': 'background',
        'apns-priority': '5',
        authorization: `bearer ${await this.#token.get()}`,
      },
      body: '{"aps":{}}',
      signal: AbortSignal.any([signal, AbortSignal.timeout(MAX_SEND_MS)]),
    });
    if ('failure' in result) return { ok: false, reason: `APNs cannot be asked: ${result.failure.reason}` };
    const code = readReason(result.response.body);
    if (code === 'BadDeviceToken' || code === 'DeviceTokenNotForTopic') return { ok: true };
    const row = APNS_CODES.find((entry) => entry.code === code);
    if (row) return { ok: false, code: row.code, reason: row.meaning };
    const { status } = result.response;
    return { ok: false, code: String(status), reason: `APNs gave no response that can be read (status ${status})` };
  }

  async close(): Promise<void> {
    const { production, sandbox } = this.#environments;
    await Promise.all([production.origin.close(), sandbox.origin.close()]);
  }
}

interface Environment {
  readonly origin: Http2Origin;
  readonly share: BadTokenShare;
}

function toEnvironment(url: string, http: ProviderTools['http']): Environment {
  return { origin: new Http2Origin(new URL(url).origin, http.getLookup(url)), share: new BadTokenShare() };
}

function judgeBadToken(code: string, fault: 'account' | 'token' | 'unknown', response: string): SendOutcome {
  const row = APNS_CODES.find((entry) => entry.code === code)!;
  if (fault === 'token') return toCodeOutcome(row, { response });
  const reason =
    fault === 'account'
      ? 'too many device tokens are rejected: check the environment and the topic'
      : `${row.meaning}, or the environment or topic of the account is wrong`;
  return { kind: fault === 'account' ? 'misconfigured' : 'rejected', code, reason, response };
}

/** Returns the reason in a response or in the data of a GOAWAY frame; undefined: there is no reason in it. */
function readReason(text: string): string | undefined {
  const reason = readJsonObject(text)?.reason;
  return typeof reason === 'string' && /^\w{1,64}$/.test(reason) ? reason : undefined;
}

/** Returns since when the token is not valid, in ms; undefined: APNs does not say. */
function readTimestamp(body: string): Millis | undefined {
  const timestamp = readJsonObject(body)?.timestamp;
  return typeof timestamp === 'number' && Number.isFinite(timestamp) && timestamp > 0 ? timestamp : undefined;
}
