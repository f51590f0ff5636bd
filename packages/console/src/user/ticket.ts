/* Findings about a user as Markdown, for a ticket. */
import type { Explanation, Forecast } from '@tidings/client/types';
import type { AuditDecision } from '../api/types.ts';
import { linkToUserTab, linkToWhy } from '../route.ts';
import { formatValue } from '../shell/Fields.tsx';
import { formatUtc } from '../shell/time-format.ts';

/** Returns an explanation with its link, and the decision that was asked about with its evidence; null: the latest is meant. */
export function toTicket(userId: string, explanation: Explanation, about: AuditDecision | null): string {
  const { paragraph, notification_type: type } = explanation;
  const lines = [`**${type}** and ${userId}: ${paragraph}`];
  if (about !== null) {
    lines.push(
      '',
      `- Decided ${toUtc(about.decided_at)} on ${about.event_type} of ${toUtc(about.event_timestamp)}: ${about.reason}`,
    );
    const { condition, limits = [], plan = [] } = about.evidence;
    if (condition) {
      const values = Object.entries(condition.values).map(([name, value]) => `${name} = ${formatValue(value)}`);
      lines.push(
        `- Condition \`${condition.expression}\`: ${condition.result}${values.length > 0 ? ` (${values.join(', ')})` : ''}`,
      );
    }
    for (const { limit, used, max, window } of limits)
      lines.push(`- Limit ${limit}: ${used} of ${max} used in ${window}`);
    for (const { channel, verdict, level, value } of plan)
      lines.push(`- ${channel}: ${verdict} by ${level} (${formatValue(value)})`);
    lines.push(`- Event ID ${about.event_id}, catalog version ${about.catalog_version}`);
  }
  return `${lines.join('\n')}\n\n${location.origin}${linkToWhy(userId, type)}\n`;
}

/** Returns a forecast as a list, with its link. */
export function toForecastTicket({ user_id: userId, from, until, time_zone: zone, entries }: Forecast): string {
  const lines = entries.map(({ local, notification_type: type, outcome, why, reason, channels }) => {
    const ways = channels.filter(({ state }) => state === 'goes' || state === 'waits').map(({ channel }) => channel);
    return outcome === 'send'
      ? `- ${local.replace('T', ' ')} **${type}** by ${ways.join(', ')}. ${why}`
      : `- ${local.replace('T', ' ')} ${type}, held back: ${reason}`;
  });
  const head = `What ${userId} will get from ${toUtc(from)} to ${toUtc(until)}, if nothing else happens (times in ${zone}):`;
  return `${[head, '', ...(lines.length > 0 ? lines : ['- nothing'])].join('\n')}\n\n${location.origin}${linkToUserTab(userId, 'next')}\n`;
}

function toUtc(time: string): string {
  return formatUtc(new Date(time));
}
