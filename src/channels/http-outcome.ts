import type { GuardedResponse } from '../http-out/guarded-client.ts';
import type { SendOutcome } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { readRetryAfter } from './call-provider.ts';
import { type ProviderCode, toCodeOutcome } from './codes.ts';
import { tidyReply } from './tidy-reply.ts';

/** First pause in ms of an account whose provider limits its rate without saying for how long. */
const THROTTLED_MS: Millis = 60_000;

/**
 * Returns the outcome of a response that is not the one of success: by the first of the codes that the table has, then by the
 * status of HTTP. A status that does not prove that the message was not accepted leaves it in doubt.
 * @param codes candidates, the most telling first: codes of the body, then the status
 * @param hidden secrets and addresses, which no outcome may hold
 */
export function toResponseOutcome(
  response: GuardedResponse,
  {
    table,
    codes = [],
    hidden = [],
    now,
  }: {
    readonly table: readonly ProviderCode[];
    readonly codes?: readonly (string | number | undefined)[];
    readonly hidden?: readonly (string | undefined)[];
    readonly now: Millis;
  },
): SendOutcome {
  const after = readRetryAfter(response.headers, now);
  const more = {
    ...(response.body === '' ? {} : { response: tidyReply(response.body, hidden) }),
    ...(after === undefined ? {} : { after }),
  };
  for (const code of [...codes, response.status]) {
    const entry = code === undefined ? undefined : table.find((each) => each.code === String(code));
    if (entry) return pauseThrottled(toCodeOutcome(entry, more));
  }
  return pauseThrottled(toCodeOutcome({ code: String(response.status), ...judgeStatus(response.status) }, more));
}

/** Pauses the account at once for a rate limit without `Retry-After`, which is no failure to be counted among others. */
export function pauseThrottled(outcome: SendOutcome): SendOutcome {
  const isThrottled = outcome.kind === 'retry' && outcome.of === 'account' && outcome.after === undefined;
  return isThrottled ? { ...outcome, after: THROTTLED_MS, isUnstated: true } : outcome;
}

/** Returns what a status means that no table has. */
function judgeStatus(status: number): Omit<ProviderCode, 'code'> {
  const said = `the provider answered with the status ${status}`;
  if (status >= 500 || status === 408) return { kind: 'in_doubt', meaning: `${said}, and may have the message` };
  if (status === 429) return { kind: 'retry', of: 'account', meaning: 'the provider limits the rate of the account' };
  if (status === 401 || status === 403 || status === 407) {
    return { kind: 'misconfigured', meaning: `the provider does not let us in (status ${status})` };
  }
  if (status === 404 || status === 405 || (status >= 300 && status < 400)) {
    return { kind: 'misconfigured', meaning: `the address of the provider is wrong (status ${status})` };
  }
  if (status >= 400) return { kind: 'rejected', meaning: `the provider rejected the message (status ${status})` };
  // A proxy's page, perhaps.
  return { kind: 'in_doubt', meaning: `the response is not one of the provider (status ${status})` };
}
