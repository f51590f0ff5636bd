import { createHmac } from 'node:crypto';
import type { GuardedResponse } from '../../http-out/guarded-client.ts';
import type { Channel, SendOutcome, Target } from '../../model/delivery.ts';
import { callProvider } from '../call-provider.ts';
import { checkByCall } from '../check-by-call.ts';
import { findAttachmentFault } from '../email/attachments.ts';
import type { Outgoing, Provider, ProviderDefinition, ProviderTools } from '../provider.ts';
import { readJsonObject } from '../read-json.ts';
import { listUrlSecrets } from '../url-secrets.ts';
import { HTTP_CODES } from './http-codes.ts';
import { toHttpOutcome } from './http-outcome-rules.ts';
import { httpReceipts } from './http-receipts.ts';
import { type HttpSettings, httpSettings } from './http-settings.ts';
import { fillJson, fillText, PLACEHOLDERS, toValues } from './placeholders.ts';
import { readPath } from './read-path.ts';

const MAX_SEND_MS = 20_000;

const CHANNELS: readonly Channel[] = ['email', 'sms', 'push', 'chat'];

export const http: ProviderDefinition<HttpSettings> = {
  name: 'http',
  label: 'Generic HTTP provider',
  channels: CHANNELS,
  about: `Any carrier with an HTTP API, described by settings and without code: the request, which response is success, what each
error means, and how its reports are read. [docs/carriers.md](carriers.md) builds the account of a real carrier step by step, and
has the settings for Slack, Discord and Teams.

**The request.** \`body\` is JSON. A text that is one placeholder and nothing else becomes its value, of any type; a field whose value
is absent is left out, and so is an object with \`$if\` whose value is absent: \`{ "$if": "{{html}}", … }\`. Nothing has to be escaped.

**Success** must name something that only the real service gives: a field of the response, its exact text, or a header. A proxy that
answers \`200 <html>\` is no success.

**Errors** are rules; the first that matches counts. What no rule names is judged by its status, as in the table below.

**A repetition** is recognized only if the carrier knows \`idempotency_header\`. Routes treat it as not recognized.

Placeholders:

${Object.entries(PLACEHOLDERS)
  .map(([name, meaning]) => `- \`{{${name}}}\`: ${meaning}`)
  .join('\n')}`,
  settings: httpSettings,
  defaults: { concurrency: 10, maxMillis: MAX_SEND_MS },
  keepsMessage: true,
  repeats: 'doubled',
  correlatesBy: 'reference',
  checks:
    'It makes the request of the setting `check`. An account without that setting cannot be checked: send a test message.',
  codes: HTTP_CODES,
  open: openHttp,
  receipts: httpReceipts,
};

function openHttp(account: HttpSettings, { http: client, clock }: ProviderTools): Provider {
  const { check } = account;
  const isForUrl = /\{\{\s*url\s*\}\}/.test(account.url);
  const secrets = listSecretTexts(account);
  const namesTo = /\{\{\s*to(?:_digits)?\s*\}\}/.test(JSON.stringify([account.url, account.headers, account.body]));
  /** A chat may be known by the URL of the account alone. */
  const needsTo = ({ channel }: Outgoing) => channel !== 'chat' || namesTo;

  async function send(outgoing: Outgoing, signal: AbortSignal, mayHandOver?: () => boolean): Promise<SendOutcome> {
    const { attachments } = outgoing.message;
    const fault = findAttachmentFault(attachments);
    if (fault !== undefined) return { kind: 'rejected', reason: fault };
    if (attachments?.length && account.attachment === undefined) {
      const reason = 'the account has no setting for attachments';
      return { kind: 'rejected', code: 'no_attachments', reason, fault: 'account' };
    }
    const target = toTarget(outgoing, account);
    const values = toValues({ ...outgoing, target }, account, clock());
    const { to, url: chatUrl } = values;
    if (isForUrl ? typeof chatUrl !== 'string' : needsTo(outgoing) && typeof to !== 'string') {
      return toMissingTarget(outgoing, isForUrl);
    }
    // The URL of a chat is one; in all others a value is a part.
    const url = fillText(account.url, values, isForUrl ? String : encodeURIComponent);
    const body = writeBody(account, values);
    const answer = await callProvider(client, {
      url,
      method: account.method,
      headers: { ...writeHeaders(account, values), ...authorize(account, body) },
      body,
      maxMillis: MAX_SEND_MS,
      signal,
      ...(mayHandOver ? { mayHandOver } : {}),
    });
    if ('outcome' in answer) return answer.outcome;
    const shown = [to, values.to_digits, url, ...listUrlSecrets(chatUrl)];
    const hidden = [...secrets, ...shown];
    const outcome = toHttpOutcome(
      answer.response,
      account,
      hidden.filter((text) => typeof text === 'string'),
      clock(),
    );
    return target === outgoing.target ? outcome : toOwnOutcome(outcome);
  }

  return {
    name: 'http',
    channels: CHANNELS,
    concurrency: account.concurrency,
    keepsMessage: true,
    takesHosted: /\{\{\s*template\s*\}\}/.test(JSON.stringify([account.url, account.body])),
    send,
    ...(check
      ? {
          check: (signal: AbortSignal) => {
            const call = { url: check.url, headers: authorize(account, ''), maxMillis: MAX_SEND_MS, signal };
            return checkByCall(client, call, (response) => (isLetIn(response, check.path) ? { ok: true } : undefined));
          },
        }
      : {}),
    close: async () => {},
  };
}

/** Returns the target of a message: users have no address in a chat, so it goes to the place that the account names. */
function toTarget({ channel, target }: Outgoing, account: HttpSettings): Target {
  if (channel !== 'chat' || target.kind === 'chat') return target;
  const { chat_channel: name, chat_url: url } = account;
  return { kind: 'chat', ...(name === undefined ? {} : { channel: name }), ...(url === undefined ? {} : { url }) };
}

/** Returns the outcome of a message to the place that the account names: if that is gone, no message arrives until it is corrected. */
function toOwnOutcome(outcome: SendOutcome): SendOutcome {
  if (outcome.kind !== 'address_dead') return outcome;
  const { as: _, since: __, ...failure } = outcome;
  return { ...failure, kind: 'misconfigured' };
}

/** Returns the outcome of a message that has no target: for a chat it is the account that has to name one. */
function toMissingTarget({ channel }: Outgoing, isForUrl: boolean): SendOutcome {
  if (channel !== 'chat') {
    return { kind: 'rejected', reason: 'the recipient has no address that the account can send to' };
  }
  const setting = isForUrl ? 'chat_url' : 'chat_channel';
  return { kind: 'misconfigured', code: setting, reason: `the account does not say where in the chat; set ${setting}` };
}

/** Returns what of an account must not be in an outcome: of its URLs, parts that look like words of a path may. */
function listSecretTexts({ auth_secret, receipt_secret, url, headers, check }: HttpSettings): (string | undefined)[] {
  const urls = [url, check?.url].flatMap((one) => [one, ...listUrlSecrets(one).filter((part) => /[\dA-Z]/.test(part))]);
  return [auth_secret, receipt_secret, ...urls, ...Object.values(headers)];
}

/** Any JSON that is an object will do, if no field is named. */
function isLetIn({ status, body }: GuardedResponse, path: string | undefined): boolean {
  const json = status === 200 ? readJsonObject(body) : undefined;
  return json !== undefined && (path === undefined || readPath(json, path) !== undefined);
}

function writeBody({ body, body_type: type }: HttpSettings, values: ReturnType<typeof toValues>): string {
  const filled = fillJson(body, values) ?? null;
  if (type === 'json') return JSON.stringify(filled);
  const fields = typeof filled === 'object' && filled !== null ? Object.entries(filled) : [];
  const written = fields.map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return new URLSearchParams(written).toString();
}

function writeHeaders(account: HttpSettings, values: ReturnType<typeof toValues>): { [name: string]: string } {
  const type = account.body_type === 'json' ? 'application/json' : 'application/x-www-form-urlencoded';
  const own = Object.entries(account.headers).map(
    ([name, text]) => [name, toHeaderValue(fillText(text, values))] as const,
  );
  const { idempotency_header: header } = account;
  return {
    'content-type': type,
    ...Object.fromEntries(own),
    ...(header === undefined ? {} : { [header]: toHeaderValue(String(values.key)) }),
  };
}

/** Encodes what a header cannot have: line breaks, controls, and what is not ASCII. */
function toHeaderValue(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x7e]/gu, encodeURIComponent);
}

function authorize(account: HttpSettings, body: string): { [name: string]: string } {
  const { auth, auth_name: name = '', auth_prefix: prefix = '', auth_secret: secret = '' } = account;
  switch (auth) {
    case 'none':
      return {};
    case 'bearer':
      return { authorization: `Bearer ${secret}` };
    case 'basic':
      return { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` };
    case 'header':
      return { [name]: `${prefix}${secret}` };
    case 'hmac':
      return { [name]: `${prefix}${createHmac('sha256', secret).update(body).digest('hex')}` };
  }
}
