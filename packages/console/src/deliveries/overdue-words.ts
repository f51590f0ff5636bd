import { CHANNELS } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

interface OverdueWork {
  readonly queue: string;
  readonly channel: string | null;
  readonly count: number;
  readonly has_more: boolean;
}

/** Says work that is overdue: `at least 3 deliveries by Email`. */
export function formatOverdue({ queue, channel, count, has_more: hasMore }: OverdueWork): string {
  const work = t(
    '{queue, select, deliveries {{count, plural, one {# delivery} other {# deliveries}}} abandoned {{count, plural, one {# delivery of a stopped worker} other {# deliveries of a stopped worker}}} waits {{count, plural, one {# wait} other {# waits}}} schedules {{count, plural, one {# schedule} other {# schedules}}} outbox {{count, plural, one {# lifecycle event} other {# lifecycle events}}} connector_tasks {{count, plural, one {# task of a connector} other {# tasks of connectors}}} webhook_facts {{count, plural, one {# fact for webhook endpoints} other {# facts for webhook endpoints}}} other {{count, number} {queue}}}',
    { queue, count },
  );
  const all = hasMore ? t('at least {work}', { work }) : work;
  return channel === null ? all : t('{work} by {channel}', { work: all, channel: findChannelLabel(channel) });
}

/** Returns the name of a channel in the language of the page; of an unknown one, its key. */
export const findChannelLabel = (channel: string): string =>
  (CHANNELS as Readonly<Record<string, { readonly label: string } | undefined>>)[channel]?.label ?? channel;
