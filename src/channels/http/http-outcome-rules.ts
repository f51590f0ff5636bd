import type { GuardedResponse } from '../../http-out/guarded-client.ts';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Json } from '../../model/event.ts';
import { readRetryAfter } from '../call-provider.ts';
import { type ProviderCode, toCodeOutcome } from '../codes.ts';
import { pauseThrottled, toResponseOutcome } from '../http-outcome.ts';
import { readJsonObject } from '../read-json.ts';
import { tidyReply } from '../tidy-reply.ts';
import { HTTP_CODES } from './http-codes.ts';
import type { HttpSettings } from './http-settings.ts';
import { readPath, readPathText } from './read-path.ts';

/** Longest pause that a body may ask for, in ms. */
const MAX_AFTER_MS = 24 * 3_600_000;

/** Returns the outcome of a response by the rules of an account, else by its status. */
export function toHttpOutcome(
  response: GuardedResponse,
  account: HttpSettings,
  hidden: readonly string[],
  now: number,
): SendOutcome {
  const json = readJsonObject(response.body);
  if (isSuccess(response, json, account.success)) {
    const id = readMessageId(response, json, account.message_id);
    return { kind: 'sent', ...(id === undefined ? {} : { providerMessageId: id }) };
  }
  const rule = account.errors.find((each) => matches(each, response, json));
  if (!rule) return toResponseOutcome(response, { table: HTTP_CODES, hidden, now });
  const after = readPause(response, json, account, now) ?? (rule.after_seconds && rule.after_seconds * 1000);
  const code = tidyReply(readPathText(json, rule.path) ?? String(response.status), hidden).slice(0, 80);
  const kind = rule.is === 'opted_out' ? 'address_dead' : rule.is;
  const entry: ProviderCode = {
    code,
    kind,
    meaning: rule.meaning,
    ...(rule.of ? { of: rule.of } : {}),
    ...(rule.is === 'opted_out' ? { as: 'opted_out' } : {}),
  };
  const reply = tidyReply(response.body, hidden);
  return pauseThrottled(toCodeOutcome(entry, { response: reply, ...(after === undefined ? {} : { after }) }));
}

function isSuccess(response: GuardedResponse, json: Json | undefined, rule: HttpSettings['success']): boolean {
  if (!rule.status.includes(response.status)) return false;
  if (rule.header !== undefined && !response.headers[rule.header.toLowerCase()]) return false;
  if (rule.body !== undefined && response.body.trim() !== rule.body) return false;
  if (rule.path === undefined) return true;
  const found = readPath(json, rule.path);
  return rule.equals === undefined ? found !== undefined && found !== null && found !== '' : found === rule.equals;
}

function matches(
  rule: HttpSettings['errors'][number],
  { status, body }: GuardedResponse,
  json: Json | undefined,
): boolean {
  if (rule.status !== undefined && rule.status !== status) return false;
  if (rule.body !== undefined && body.trim() !== rule.body) return false;
  if (rule.path === undefined) return true;
  const found = readPath(json, rule.path);
  return rule.equals === undefined ? found !== undefined : found === rule.equals;
}

function readMessageId(
  { headers }: GuardedResponse,
  json: Json | undefined,
  place: HttpSettings['message_id'],
): string | undefined {
  if (place === undefined) return undefined;
  if ('path' in place) return readPathText(json, place.path);
  const value = headers[place.header.toLowerCase()];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function readPause(
  { headers }: GuardedResponse,
  json: Json | undefined,
  { retry_after: place }: HttpSettings,
  now: number,
): number | undefined {
  const named = readRetryAfter(headers, now);
  if (named !== undefined || place === undefined) return named;
  const amount = Number(readPathText(json, place.path) ?? Number.NaN);
  if (!Number.isFinite(amount) || amount <= 0) return undefined;
  return Math.min(MAX_AFTER_MS, Math.round(amount * (place.unit === 'seconds' ? 1000 : 1)));
}
