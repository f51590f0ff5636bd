import { Alert, Group, Paper, SegmentedControl, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Forecast } from '@tidings/client/types';
import { Fragment } from 'react';
import { getForecast } from '../api/users.ts';
import { linkToNotification, linkToRule, linkToUserTab, setParameter, useParameter } from '../route.ts';
import { CopyButton } from '../shell/CopyButton.tsx';
import { EmptyState } from '../shell/EmptyState.tsx';
import { IconBan, IconCheck, IconClock, IconHelp, IconInbox, IconPause } from '../shell/icons.tsx';
import { getLook, type Look } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Reason } from '../shell/Reason.tsx';
import { toReasonWords } from '../shell/reason-words.ts';
import { ChannelName, StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { formatLongDay } from '../shell/time-format.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { toForecastTicket } from './ticket.ts';

type Entry = Forecast['entries'][number];
type ChannelState = Entry['channels'][number]['state'];

/** A forecast costs the server some work, and changes slowly. */
const POLL_MS = 60_000;

const SPANS = ['1', '7', '31'] as const;

const CERTAINTIES: Record<Entry['certainty'], Look> = {
  scheduled: { label: t('Scheduled'), color: 'blue', Icon: IconClock },
  if_nothing_else_happens: { label: t('If nothing else happens'), color: 'gray', Icon: IconHelp },
};
const HELD_BACK: Look = { label: t('Held back at present'), color: 'orange', Icon: IconPause };

const CHANNEL_STATES: Record<ChannelState, Look> = {
  goes: { label: t('Goes'), color: 'ink', Icon: IconCheck },
  waits: { label: t('Moved'), color: 'blue', Icon: IconClock },
  digest: { label: t('Into a digest'), color: 'blue', Icon: IconInbox },
  fallback: { label: t('If the first fails'), color: 'gray', Icon: IconHelp },
  held: { label: t('Held'), color: 'orange', Icon: IconPause },
  held_back: { label: t('Held back'), color: 'orange', Icon: IconBan },
};

/** Sentences about the bound that was reached. */
const REACHED: Record<NonNullable<Forecast['reached']>, string> = {
  waits: t('The user has more waits than are looked at.'),
  work: t('Rules decide more often than is worked out.'),
  entries: t('There are more messages than are shown.'),
  queue: t('More messages wait in the queue than are looked at: some may be missing.'),
};

/** Messages that a user will get in the next days, by day in their zone. */
export function ForecastTab({ userId }: { userId: string }) {
  const [chosen] = useParameter('days');
  const days = SPANS.find((span) => span === chosen) ?? '7';
  const forecast = useQuery({
    queryKey: ['forecast', userId, days],
    queryFn: () => getForecast(userId, Number(days)),
    meta: { topics: ['events', 'waits', 'catalog'], every: POLL_MS },
  });
  return (
    <Stack gap="md" data-testid="forecast">
      <Group justify="space-between" gap="sm">
        <SegmentedControl
          size="xs"
          aria-label={t('Days')}
          value={days}
          onChange={(value) => setParameter('days', value === '7' ? null : value)}
          data={SPANS.map((value) => ({
            value,
            label: t('{count, plural, one {# day} other {# days}}', { count: Number(value) }),
          }))}
        />
        {forecast.data && (
          <CopyButton
            label={t('Copy for a ticket')}
            getText={() => toForecastTicket(forecast.data)}
            said={t('Copied, with a link to it.')}
            testId="forecast-copy"
          />
        )}
      </Group>
      {forecast.error && <ProblemView problem={forecast.error} retry={() => forecast.refetch()} />}
      {forecast.isPending && <Skeleton height={240} />}
      {forecast.data && <Entries forecast={forecast.data} />}
    </Stack>
  );
}

function Entries({ forecast }: { forecast: Forecast }) {
  const { entries, reached, known_until: knownUntil, time_zone: zone, user_id: userId } = forecast;
  const days = entries.map(({ at }) => formatLongDay(at, zone));
  return (
    <>
      <Text size="sm" c="dimmed">
        {t('If no event arrives and nothing is changed. Times are those of the user, in {zone}.', { zone })}
      </Text>
      {reached !== null && (
        <Alert variant="light" color="orange" role="status" data-testid="forecast-reached">
          {REACHED[reached]}{' '}
          <T text="Complete up to {time}." values={{ time: <Time value={knownUntil} as="full" /> }} />
        </Alert>
      )}
      {entries.length === 0 && (
        <Paper withBorder>
          <EmptyState title={t('Nothing')}>{t('As things are now, the user gets no message in this time.')}</EmptyState>
        </Paper>
      )}
      <ol className="forecast">
        {entries.map((entry, index) => (
          <Fragment key={`${entry.at} ${entry.notification_type} ${entry.wait_id ?? entry.notification_id ?? index}`}>
            {days[index] !== days[index - 1] && (
              <li className="forecast-day">
                <h2 className="day">{days[index]}</h2>
              </li>
            )}
            <EntryRow entry={entry} userId={userId} />
          </Fragment>
        ))}
      </ol>
    </>
  );
}

function EntryRow({ entry, userId }: { entry: Entry; userId: string }) {
  const {
    at,
    local,
    notification_type: type,
    outcome,
    certainty,
    why,
    reason_code: code,
    reason,
    channels,
    rule,
  } = entry;
  const isSent = outcome === 'send';
  return (
    <li
      className="forecast-entry"
      data-held={isSent ? undefined : true}
      data-testid="forecast-entry"
      data-notification-type={type}
    >
      <time className="forecast-time" dateTime={at} title={at.replace('T', ' ').replace('.000Z', ' UTC')}>
        {local.slice(11)}
      </time>
      <div>
        <Group gap="xs">
          <span className="name">{type}</span>
          <StatusBadge look={isSent ? CERTAINTIES[certainty] : HELD_BACK} testId="forecast-certainty" />
        </Group>
        {!isSent && <Reason code={code} sentence={reason} />}
        <Text size="sm" mt={4} c="dimmed" className="break">
          {why}
        </Text>
        {channels.length > 0 && (
          <ul className="forecast-channels">
            {channels.map(({ channel, state, at: when, local: localTime, code: because, reason: detail }) => (
              <li key={channel}>
                <ChannelName channel={channel} />
                {(state !== 'goes' || when !== at) && <StatusBadge look={getLook(CHANNEL_STATES, state)} />}
                {when !== at && state !== 'held' && (
                  <Text size="sm" component="span">
                    {localTime.replace('T', ' ')}
                  </Text>
                )}
                {because !== null && isSent && (
                  <Text size="sm" component="span">
                    {toReasonWords(because)}
                  </Text>
                )}
                {detail !== null && isSent && (
                  <Text size="sm" c="dimmed" component="span" className="break" lang="en">
                    {detail}
                  </Text>
                )}
              </li>
            ))}
          </ul>
        )}
        <Group gap="md" mt={4}>
          {rule !== null && <a href={linkToRule(rule)}>{t('Rule')}</a>}
          {entry.wait_id !== null && <a href={linkToUserTab(userId, 'waiting')}>{t('Wait')}</a>}
          {entry.notification_id !== null && <a href={linkToNotification(entry.notification_id)}>{t('Message')}</a>}
        </Group>
      </div>
    </li>
  );
}
