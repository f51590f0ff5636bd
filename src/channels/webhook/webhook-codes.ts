import type { ProviderCode } from '../codes.ts';

/** Statuses that have a meaning of their own; any other outside of 200 to 299 is a failure that is tried again. */
export const WEBHOOK_CODES: readonly ProviderCode[] = [
  {
    code: '410',
    kind: 'address_dead',
    as: 'unregistered',
    meaning: 'the endpoint is gone (status 410), and is disabled',
  },
  { code: '429', kind: 'retry', of: 'recipient', meaning: 'the endpoint limits the rate of requests (status 429)' },
  { code: '502', kind: 'retry', of: 'recipient', meaning: 'the endpoint is overloaded or away (status 502)' },
  { code: '503', kind: 'retry', of: 'recipient', meaning: 'the endpoint is overloaded or away (status 503)' },
  { code: '504', kind: 'retry', of: 'recipient', meaning: 'the endpoint is overloaded or away (status 504)' },
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
