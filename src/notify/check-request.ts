import type { Catalog } from '../catalog/compile/compile-catalog.ts';
import { TidingsError } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { joinWords } from '../lib/text/join-words.ts';
import type { NotificationType, Variables } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import type { Scope } from '../model/principal.ts';
import { buildOwnMessage } from '../templates/own-message.ts';
import { checkVariables } from '../templates/variables.ts';
import { resolveLocalTime } from '../time/calendar.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import { findZone } from '../time/zone.ts';
import type { ScheduledAt, SendRequest } from './request.ts';

/**
 * Checks what a request says against its notification type, which it returns.
 * @param scopes those of the caller
 * @param isPartial whether recipients bring variables of their own, so that one that is missing here is no mistake
 * @throws TidingsError that names the part of the request
 */
export function checkRequest(
  request: SendRequest,
  { rules }: Pick<Catalog, 'rules'>,
  scopes: ReadonlySet<Scope>,
  now: Millis,
  isPartial = false,
): NotificationType {
  const type = rules.notifications.get(request.type);
  if (!type) throw unknownType(request.type, [...rules.notifications.keys()]);
  if (request.priority === 'URGENT' && !scopes.has('notifications:urgent')) {
    throw new TidingsError('forbidden', 'The priority URGENT needs the scope notifications:urgent.', {
      pointer: '/priority',
    });
  }
  if (request.category !== undefined && request.category !== type.category) {
    const message = `category is ${request.category}, but ${type.name} is ${type.category}; leave it out, or change the type.`;
    throw new TidingsError('category_mismatch', message, { pointer: '/category' });
  }
  checkChannels(request, type);
  checkContent(request, type);
  checkGivenVariables(request, rules.planned.get(type.name), isPartial);
  checkTimes(request, now);
  return type;
}

function checkGivenVariables({ variables = {} }: SendRequest, planned: Variables = {}, isPartial: boolean): void {
  const checked = checkVariables({ variables: planned }, variables);
  if (!('problems' in checked)) return;
  const problems = checked.problems.filter(({ code }) => !isPartial || code !== 'variable_missing');
  if (problems.length === 0) return;
  const errors = problems.map(({ name, message }) => ({ pointer: `/variables/${name}`, message }));
  const message = `${problems.map((one) => one.message).join('; ')}.`;
  throw new TidingsError('invalid_notification', message, { errors });
}

function unknownType(name: string, known: readonly string[]): TidingsError {
  const near = findNearest(name, known);
  const right = near === undefined ? `it has ${known.slice(0, 20).join(', ') || 'none'}` : `did you mean ${near}?`;
  const message = `The catalog has no notification type ${JSON.stringify(name.slice(0, 60))}; ${right}`;
  return new TidingsError('unknown_type', near === undefined ? `${message}.` : message, { pointer: '/type' });
}

function checkChannels({ channels }: SendRequest, { name, channels: own }: NotificationType): void {
  if (channels === undefined) return;
  const index = channels.findIndex((channel) => !own.includes(channel));
  if (index < 0) return;
  const message = `channels[${index}] is ${channels[index]}, which ${name} does not use; it uses ${joinWords(own)}.`;
  throw invalid(message, `/channels/${index}`);
}

function checkContent({ content, channels, variables }: SendRequest, type: NotificationType): void {
  if (!content) return;
  for (const channel of channels ?? type.channels) {
    const built = buildOwnMessage(channel, content, variables ?? {});
    if ('error' in built) throw invalid(`The content ${built.error}.`.replace(/\.\.$/, '.'), '/content');
  }
}

function checkTimes({ scheduled_at: at, expires_at: expiry }: SendRequest, now: Millis): void {
  const time = at === undefined ? undefined : checkSchedule(at);
  if (expiry === undefined) return;
  const parsed = parseTimestamp(expiry);
  if ('problem' in parsed) throw invalid(`expires_at ${parsed.problem}.`, '/expires_at');
  if (parsed.time <= now) throw invalid('expires_at is past.', '/expires_at');
  if (time !== undefined && parsed.time <= time) throw invalid('expires_at is not after scheduled_at.', '/expires_at');
}

/**
 * Checks a time to send at. Returns its instant; undefined: that depends on the recipient.
 * @throws TidingsError
 */
export function checkSchedule(at: ScheduledAt): Millis | undefined {
  if (typeof at === 'string') {
    const parsed = parseTimestamp(at);
    if ('problem' in parsed) throw invalid(`scheduled_at ${parsed.problem}.`, '/scheduled_at');
    return parsed.time;
  }
  const { local, zone } = at;
  const isOwn = zone === 'recipient';
  if (!isOwn && !findZone(zone)) {
    throw invalid(
      `scheduled_at.zone is ${JSON.stringify(zone.slice(0, 60))}; write "recipient", or an IANA zone such as Europe/Berlin.`,
      '/scheduled_at/zone',
    );
  }
  const time = resolveLocalTime(local, isOwn ? 'UTC' : zone);
  if (time === undefined) {
    throw invalid('scheduled_at.local is no local time; write it like 2026-12-01T09:00.', '/scheduled_at/local');
  }
  return isOwn ? undefined : time;
}

function invalid(message: string, pointer: string): TidingsError {
  return new TidingsError('invalid_notification', message, { pointer });
}
