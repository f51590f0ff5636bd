/* Findings about a user as Markdown, for a ticket. */

import type { Evidence, Explanation, Forecast } from '@tidings/client/types';
import type { AuditDecision } from '../api/types.ts';
import { linkToUserTab, linkToWhy } from '../route.ts';
import { formatValue } from '../shell/Fields.tsx';
import { formatLevel } from '../shell/level-words.ts';
import { toReasonWords } from '../shell/reason-words.ts';
import { formatUtc } from '../shell/time-format.ts';
import { toShared } from '../tenant-links.ts';
import { t } from '../text/text.ts';

/** Returns an explanation with its link, and the decision that was asked about with its evidence; null: the latest is meant. */
export function toTicket(userId: string, explanation: Explanation, about: AuditDecision | null): string {
  const { paragraph, notification_type: type } = explanation;
  const lines = [t('**{type}** and {user}: {paragraph}', { type, user: userId, paragraph })];
  if (about !== null) {
    lines.push('', ...listFindings(about).map((finding) => `- ${finding}`));
  }
  return `${lines.join('\n')}\n\n${toShared(linkToWhy(userId, type))}\n`;
}

function listFindings(about: AuditDecision): string[] {
  const { condition, limits = [], plan = [] } = about.evidence;
  const values = Object.entries(condition?.values ?? {}).map(([name, value]) => `${name} = ${formatValue(value)}`);
  return [
    t('Decided {time} on {event} of {happened}: {reason}', {
      time: toUtc(about.decided_at),
      event: about.event_type,
      happened: toUtc(about.event_timestamp),
      reason: toReason(about),
    }),
    ...(condition ? [formatCondition(condition, values)] : []),
    ...limits.map(({ limit, used, max, window }) =>
      t('Limit {limit}: {used} of {max} used in {window}', { limit, used, max, window }),
    ),
    ...plan.map(({ channel, verdict, level, value }) =>
      t('{channel}: {verdict} ({level}: {value})', {
        channel,
        verdict,
        level: formatLevel(level),
        value: formatValue(value),
      }),
    ),
    t('Event ID {id}, catalog version {version}', { id: about.event_id, version: about.catalog_version }),
  ];
}

function formatCondition(
  { expression, result }: NonNullable<Evidence['condition']>,
  values: readonly string[],
): string {
  const found = t('Condition `{expression}`: {result}', { expression, result: String(result) });
  return values.length === 0 ? found : `${found} (${values.join(', ')})`;
}

/** Returns a forecast as a list, with its link. */
export function toForecastTicket({ user_id: userId, from, until, time_zone: zone, entries }: Forecast): string {
  const lines = entries.map(({ local, notification_type: type, outcome, why, reason_code: code, reason, channels }) => {
    const ways = channels.filter(({ state }) => state === 'goes' || state === 'waits').map(({ channel }) => channel);
    const time = local.replace('T', ' ');
    return outcome === 'send'
      ? t('{time} **{type}** by {channels}. {why}', { time, type, channels: ways.join(', '), why })
      : t('{time} {type}, held back: {reason}', { time, type, reason: toReason({ reason_code: code, reason }) });
  });
  const head = t('What {user} will get from {from} to {until}, if nothing else happens (times in {zone}):', {
    user: userId,
    from: toUtc(from),
    until: toUtc(until),
    zone,
  });
  const list = (lines.length > 0 ? lines : [t('nothing')]).map((line) => `- ${line}`);
  return `${[head, '', ...list].join('\n')}\n\n${toShared(linkToUserTab(userId, 'next'))}\n`;
}

/** Returns a reason in the language of the page, and as the server says it. */
function toReason({ reason_code: code, reason }: { reason_code: string; reason: string }): string {
  return `${toReasonWords(code)}. ${reason}`;
}

function toUtc(time: string): string {
  return formatUtc(new Date(time));
}
