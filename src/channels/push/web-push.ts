import { LRUCache } from 'lru-cache';
import library from 'web-push';
import { z } from 'zod';
import type { SendOutcome, Target } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { callProvider } from '../call-provider.ts';
import { type ProviderCode, toCodeOutcome } from '../codes.ts';
import { toResponseOutcome } from '../http-outcome.ts';
import { toUuid } from '../key-uuid.ts';
import type { Outgoing, Provider, ProviderDefinition, ProviderTools } from '../provider.ts';
import { asText, readJsonObject } from '../read-json.ts';
import { secretSetting } from '../secret-setting.ts';
import { BadTokenShare } from './bad-token-share.ts';
import { getTitle, getTtlSeconds, MAX_TTL_SECONDS } from './push-content.ts';
import { Vapid } from './vapid.ts';

const settings = z.strictObject({
  public_key: z
    .string()
    .regex(/^[\w-]{87}$/, 'must be a VAPID public key: 65 bytes as base64url without padding')
    .describe('VAPID public key, the one that the web page subscribes with.'),
  private_key: secretSetting(
    z
      .string()
      .regex(/^[\w-]{43}$/, 'must be a VAPID private key: 32 bytes as base64url')
      .describe('VAPID private key.'),
  ),
  subject: z
    .string()
    .max(320)
    .regex(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, 'must be a mailto: or https: URL')
    .describe('`mailto:` or `https:` URL by which a push service reaches you.'),
});
type WebPushSettings = z.infer<typeof settings>;

/** Longest time in ms of one request. */
const MAX_SEND_MS: Millis = 15_000;
/** Bytes of a body that every push service accepts (RFC 8030, 7.2), and those that the encryption adds (RFC 8188). */
const MAX_BODY_BYTES = 4096;
const OVERHEAD_BYTES = 86 + 17;

/** Push services whose answers are known: endpoints are URLs of users, and may be of any host. */
const MAX_ORIGINS = 1000;

const KEYS_ADVICE =
  'If it is one browser, nothing: its page subscribes anew. If it is all of them, set the VAPID keys again that your page subscribes with, then retry.';

const CODES: readonly ProviderCode[] = [
  { code: '400', kind: 'rejected', meaning: 'the push service rejected the request as not valid' },
  {
    code: '401',
    kind: 'address_dead',
    as: 'invalid',
    meaning: 'the subscription was made with other VAPID keys, or the push service rejects these',
    advice: KEYS_ADVICE,
  },
  {
    code: '403',
    kind: 'address_dead',
    as: 'invalid',
    meaning: 'the subscription was made with other VAPID keys, or the push service rejects these',
    advice: KEYS_ADVICE,
  },
  {
    code: 'VapidPkHashMismatch',
    kind: 'address_dead',
    as: 'invalid',
    meaning: 'the subscription was made with other VAPID keys',
    advice: KEYS_ADVICE,
  },
  { code: '404', kind: 'address_dead', as: 'unregistered', meaning: 'the subscription of the browser does not exist' },
  { code: '410', kind: 'address_dead', as: 'unregistered', meaning: 'the subscription of the browser has ended' },
  { code: '413', kind: 'rejected', meaning: 'the message is too large: at most 3993 bytes as JSON' },
  { code: '429', kind: 'retry', of: 'domain', meaning: 'too many messages to this push service' },
  { code: '503', kind: 'retry', of: 'domain', meaning: 'the push service is not available' },
  {
    code: 'invalid_subscription',
    kind: 'address_dead',
    as: 'invalid',
    meaning: 'the endpoint or the keys of the subscription are not valid',
  },
];
const [TOO_LARGE, INVALID_SUBSCRIPTION] = ['413', 'invalid_subscription'].map(
  (code) => CODES.find((row) => row.code === code) as ProviderCode,
) as [ProviderCode, ProviderCode];

/** Web Push (RFC 8030, 8291, 8292): messages to browsers, through the push service of each. */
export const webPush: ProviderDefinition<WebPushSettings> = {
  name: 'web_push',
  label: 'Web Push',
  channels: ['push'],
  about: [
    'Push messages to browsers: Chrome, Edge, Firefox and Safari, on computers and phones. It needs no account, only a pair of VAPID keys, which `npx web-push generate-vapid-keys` makes.',
    'The service worker of your page receives JSON with `title`, `body`, `image`, `badge`, `actions`, `data`, `notification_id` and `tag`; pass the `tag` to `showNotification`, so that a repetition replaces what is shown.',
    'Keep the keys: with others, every subscription is lost.',
    'No answer to one subscription stops the account, for its endpoint is a URL of a user. A push service that rejects the keys of a subscription while it accepts others ends that subscription; one that accepts none, or rejects more than 20% of at least 20 messages, makes its messages wait.',
  ].join('\n\n'),
  settings,
  environment: {
    variables: {
      public_key: 'VAPID_PUBLIC_KEY',
      private_key: 'VAPID_PRIVATE_KEY',
      subject: 'VAPID_SUBJECT',
    },
  },
  defaults: { concurrency: 100, maxMillis: MAX_SEND_MS + 5000 },
  keepsMessage: false,
  repeats: 'replaced',
  correlatesBy: 'nothing',
  checks: null,
  codes: CODES,
  open: (account, tools) => new WebPush(account, tools),
};

class WebPush implements Provider {
  readonly name = webPush.name;
  readonly channels = webPush.channels;
  readonly services = ['web_push'] as const;
  readonly concurrency = webPush.defaults.concurrency;
  readonly keepsMessage = webPush.keepsMessage;
  readonly #tools: ProviderTools;
  readonly #vapid: Vapid;
  readonly #privateKey: string;
  /** By the origin of the push service: how it has judged our keys. */
  readonly #shares = new LRUCache<string, BadTokenShare>({ max: MAX_ORIGINS });

  /** @throws ConfigError */
  constructor(account: WebPushSettings, tools: ProviderTools) {
    const { public_key: publicKey, private_key: privateKey, subject } = account;
    this.#tools = tools;
    this.#privateKey = privateKey;
    this.#vapid = new Vapid({ publicKey, privateKey, subject }, tools.clock);
  }

  async send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const { target, idempotencyKey, isUrgent = false, expiresAt } = outgoing;
    if (target.kind !== 'browser') return { kind: 'rejected', reason: 'the target is not a browser' };
    const { http, clock } = this.#tools;
    // The endpoint is a URL of a user: one that leads elsewhere than to a push service is never called.
    if (http.findFault(target.endpoint) !== undefined) return toCodeOutcome(INVALID_SUBSCRIPTION);
    const payload = Buffer.from(buildPayload(outgoing));
    if (payload.length > MAX_BODY_BYTES - OVERHEAD_BYTES) return toCodeOutcome(TOO_LARGE);
    const body = encrypt(target, payload);
    if (!body) return toCodeOutcome(INVALID_SUBSCRIPTION);
    const call = await callProvider(http, {
      url: target.endpoint,
      headers: {
        authorization: this.#vapid.getHeader(new URL(target.endpoint).origin),
        'content-type': 'application/octet-stream',
        'content-encoding': 'aes128gcm',
        ttl: String(getTtlSeconds(expiresAt, clock()) ?? MAX_TTL_SECONDS),
        urgency: isUrgent ? 'high' : 'normal',
        // A message that waits at the push service is replaced by a repetition of it. At most 32 characters.
        topic: toTopic(idempotencyKey),
      },
      body,
      maxMillis: MAX_SEND_MS,
      signal,
      ...(mayHandOver ? { mayHandOver } : {}),
    });
    if ('outcome' in call) return toOutcomeOfHost(call.outcome);
    const { response } = call;
    const share = this.#shareOf(target.endpoint);
    if (response.status === 201 || (response.status === 202 && response.headers.location !== undefined)) {
      share.accept();
      const id = readMessageId(response.headers.location);
      return { kind: 'sent', ...(id === undefined ? {} : { providerMessageId: id }) };
    }
    // Push services explain themselves in JSON or plain text: a page may be the one of another server behind this URL.
    const isPage = /html/i.test(String(response.headers['content-type']));
    if (isPage && response.status === 404)
      return { kind: 'rejected', code: '404', reason: 'the push service cannot be found at the endpoint' };
    const outcome = toResponseOutcome(response, {
      table: CODES,
      // Apple says it by a reason, with the status 400.
      codes: [asText(readJsonObject(response.body)?.reason)],
      hidden: [target.endpoint, target.auth, target.p256dh, this.#privateKey],
      now: clock(),
    });
    return outcome.kind === 'address_dead' && outcome.as === 'invalid'
      ? judgeKeys(outcome, isPage ? 'unknown' : share.reject())
      : toOutcomeOfHost(outcome);
  }

  #shareOf(endpoint: string): BadTokenShare {
    const { origin } = new URL(endpoint);
    const share = this.#shares.get(origin) ?? new BadTokenShare();
    this.#shares.set(origin, share);
    return share;
  }

  async close(): Promise<void> {}
}

/**
 * Returns the outcome of an endpoint as one that concerns its host alone: the account is for all push services, and the host may
 * be any that a user has registered.
 */
function toOutcomeOfHost(outcome: SendOutcome): SendOutcome {
  switch (outcome.kind) {
    case 'retry':
    case 'in_doubt':
      return { ...outcome, of: 'domain' };
    case 'misconfigured': {
      const { after: _, ...failure } = outcome;
      return { ...failure, kind: 'rejected', fault: 'recipient' };
    }
    default:
      return outcome;
  }
}

/** Returns whether a rejection of the keys is one of the subscription, or of the keys of the account: then the message waits. */
function judgeKeys(
  dead: Extract<SendOutcome, { kind: 'address_dead' }>,
  fault: 'account' | 'token' | 'unknown',
): SendOutcome {
  if (fault === 'token') return dead;
  const { as: _, since: __, ...failure } = dead;
  return { ...failure, kind: 'retry', of: 'domain', fault: 'account' };
}

/** Returns what the service worker receives. */
function buildPayload({ message, notificationId, idempotencyKey }: Outgoing): string {
  const { text, image, badge, actions, data } = message;
  const title = getTitle(message);
  return JSON.stringify({
    ...(title === undefined ? {} : { title }),
    body: text,
    ...(image === undefined ? {} : { image }),
    ...(badge === undefined ? {} : { badge }),
    ...(actions ? { actions } : {}),
    ...(data ? { data } : {}),
    notification_id: notificationId,
    tag: toUuid(idempotencyKey),
  });
}

/** Encrypts a payload for a browser (RFC 8291). Undefined: its keys are not valid. */
function encrypt({ p256dh, auth }: Extract<Target, { kind: 'browser' }>, payload: Buffer): Buffer | undefined {
  try {
    return library.encrypt(p256dh, auth, payload, 'aes128gcm').cipherText;
  } catch {
    return undefined;
  }
}

function toTopic(idempotencyKey: string): string {
  return Buffer.from(toUuid(idempotencyKey).replaceAll('-', ''), 'hex').toString('base64url');
}

/** Returns the last part of the URL of a message, which is its id; undefined: it names no message. */
function readMessageId(location: string | string[] | undefined): string | undefined {
  const id = typeof location === 'string' ? location.split('?')[0]?.split('/').at(-1) : undefined;
  return id && /^[\w:%.=-]{1,200}$/.test(id) ? id : undefined;
}
