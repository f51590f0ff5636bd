import { z } from 'zod';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { callProvider, readRetryAfter } from '../call-provider.ts';
import { toCodeOutcome } from '../codes.ts';
import type { Outgoing, Provider, ProviderDefinition, ProviderTools } from '../provider.ts';
import { tidyReply } from '../tidy-reply.ts';
import { listUrlSecrets } from '../url-secrets.ts';
import { signRequest } from './sign.ts';
import { CONTENT_TYPES, toWebhookId, writeWebhookBody } from './webhook-body.ts';
import { ENDPOINT_ADVICE, judgeWebhookStatus, WEBHOOK_CODES } from './webhook-codes.ts';
import { MAX_CONCURRENT_SENDS } from './webhook-limits.ts';

const MAX_SEND_MS: Millis = 15_000;
/** Pause in ms, at least, after an endpoint was too slow, or said that it is overloaded. */
const MIN_OVERLOAD_PAUSE_MS: Millis = 60_000;
const OVERLOADED: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const settings = z.strictObject({});
type WebhookSettings = z.output<typeof settings>;

export const webhook: ProviderDefinition<WebhookSettings> = {
  name: 'webhook',
  label: 'Webhooks',
  channels: ['webhook'],
  about: `Requests to the endpoints of a tenant, signed as [Standard Webhooks](https://www.standardwebhooks.com) says.

It needs no account and has no settings: create endpoints by \`POST /api/v1/webhooks\`, see [docs/webhooks.md](webhooks.md).

**Success** is a status from 200 to 299, within 15 seconds; what the response says is of no importance. Redirects are failures.
**Failures** are tried again for about 28 hours. After a status of 410 the endpoint is disabled.

**A repetition is recognized** by \`webhook-id\`, which is the same in each attempt.`,
  settings,
  defaults: { concurrency: MAX_CONCURRENT_SENDS, maxMillis: MAX_SEND_MS },
  keepsMessage: true,
  repeats: 'recognized',
  correlatesBy: 'nothing',
  checks: null,
  codes: WEBHOOK_CODES,
  recipientAdvice: ENDPOINT_ADVICE,
  open: (_, tools) => openWebhooks(tools),
};

/** Returns the provider of all endpoints. */
export function openWebhooks({ http, clock }: ProviderTools): Provider {
  async function send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const { target } = outgoing;
    if (target.kind !== 'endpoint') return { kind: 'rejected', reason: 'the target is not a webhook endpoint' };
    const { url, secrets, headers, format = 'json' } = target;
    const now = clock();
    const body = writeWebhookBody(outgoing, format, now);
    const id = toWebhookId(outgoing);
    const answer = await callProvider(http, {
      url,
      headers: {
        ...headers,
        'content-type': CONTENT_TYPES[format],
        'user-agent': 'Tidings',
        'webhook-attempt': String(outgoing.attempt),
        ...(outgoing.traceparent === undefined ? {} : { traceparent: outgoing.traceparent }),
        ...signRequest({ id, timestamp: Math.floor(now / 1000), body }, secrets),
      },
      body,
      maxMillis: MAX_SEND_MS,
      cutsResponse: true,
      signal,
      ...(mayHandOver ? { mayHandOver } : {}),
    });
    if ('outcome' in answer) return toUnanswered(answer.outcome);
    const { status, headers: received, body: text } = answer.response;
    const said = `${status} ${tidyReply(text, [...secrets, ...Object.values(headers), ...listUrlSecrets(url)])}`.trim();
    if (status >= 200 && status < 300) return { kind: 'sent', response: said };
    const asked = readRetryAfter(received, now);
    const after = OVERLOADED.has(status) ? Math.max(MIN_OVERLOAD_PAUSE_MS, asked ?? 0) : asked;
    return toCodeOutcome(judgeWebhookStatus(status), { response: said, ...(after === undefined ? {} : { after }) });
  }

  return {
    name: webhook.name,
    channels: webhook.channels,
    concurrency: MAX_CONCURRENT_SENDS,
    keepsMessage: true,
    send,
    close: async () => {},
  };
}

/**
 * Returns the outcome of a request without a response. It concerns this endpoint alone, and is tried again: a receiver recognizes
 * a repetition by its id.
 */
function toUnanswered(outcome: SendOutcome): SendOutcome {
  if (outcome.kind !== 'retry' && outcome.kind !== 'in_doubt') return outcome;
  const { reason, timedOut = false } = outcome;
  const pause = timedOut ? { timedOut, after: MIN_OVERLOAD_PAUSE_MS } : {};
  return { kind: 'retry', of: 'recipient', reason, ...pause };
}
