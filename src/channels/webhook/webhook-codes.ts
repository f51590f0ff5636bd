import type { ProviderCode } from '../codes.ts';

/** Advice on an endpoint that fails, whatever its status. */
export const ENDPOINT_ADVICE =
  'Look at the endpoint: `tidings webhooks attempts` shows what it answered. Send the messages once more with `tidings webhooks replay` when it works again.';

/** Statuses that have a meaning of their own; any other outside of 200 to 299 is a failure that is tried again. */
export const WEBHOOK_CODES: readonly ProviderCode[] = [
  {
    code: '410',
    kind: 'address_dead',
    as: 'unregistered',
    meaning: 'the endpoint is gone (status 410), and is disabled',
    advice:
      'If the endpoint is to have its messages after all, enable it with `tidings webhooks enable`, and send them with `tidings webhooks replay`.',
  },
  {
    code: '429',
    kind: 'retry',
    of: 'recipient',
    meaning: 'the endpoint limits the rate of requests (status 429)',
    advice: ENDPOINT_ADVICE,
  },
  {
    code: '502',
    kind: 'retry',
    of: 'recipient',
    meaning: 'the endpoint is overloaded or away (status 502)',
    advice: ENDPOINT_ADVICE,
  },
  {
    code: '503',
    kind: 'retry',
    of: 'recipient',
    meaning: 'the endpoint is overloaded or away (status 503)',
    advice: ENDPOINT_ADVICE,
  },
  {
    code: '504',
    kind: 'retry',
    of: 'recipient',
    meaning: 'the endpoint is overloaded or away (status 504)',
    advice: ENDPOINT_ADVICE,
  },
];

/** Returns what a status means that is no success. */
export function judgeWebhookStatus(status: number): ProviderCode {
  const code = String(status);
  const known = WEBHOOK_CODES.find((each) => each.code === code);
  if (known) return known;
  const redirects = status >= 300 && status < 400;
  const meaning = redirects
    ? `the endpoint redirects (status ${status}), and redirects are not followed`
    : `the endpoint answered with the status ${status}`;
  return { code, kind: 'retry', of: 'recipient', meaning };
}
