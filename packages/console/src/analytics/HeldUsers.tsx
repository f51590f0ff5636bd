import { Anchor, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { HeldUser } from '@tidings/client/types';
import { useState } from 'react';
import { getHeldUsers } from '../api/metrics.ts';
import { toQuery } from '../filters/filter.ts';
import { linkToNotification, linkToUser, linkToWhy, type MetricFilter } from '../route.ts';
import { LoadMoreButton } from '../shell/LoadMoreButton.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { Peek } from '../shell/Peek.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { formatReason } from '../shell/reason-words.ts';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { toParameters } from './metric-filter.ts';

interface HeldUsersProps {
  readonly filter: MetricFilter;
  /** Null: the drawer is closed. */
  readonly reason: string | null;
  readonly onClose: () => void;
}

/** Drawer with the users that a reason held something back from, each with the explanation. */
export function HeldUsers({ filter, reason, onClose }: HeldUsersProps) {
  // The content stays while the drawer closes.
  const [shown, setShown] = useState(reason);
  if (reason !== null && reason !== shown) setShown(reason);
  return (
    <Peek
      opened={reason !== null}
      title={shown === null ? '' : t('Users: {reason}', { reason: formatReason(shown) })}
      onClose={onClose}
    >
      {shown !== null && <Users filter={filter} reason={shown} />}
    </Peek>
  );
}

function Users({ filter, reason }: { filter: MetricFilter; reason: string }) {
  const pages = useInfiniteQuery({
    queryKey: ['metrics', 'held', reason, toQuery(filter)],
    queryFn: ({ pageParam }) => {
      const { type = null, from = null, to = null } = toParameters(filter, Date.now());
      return getHeldUsers({ type, from, to }, reason, pageParam);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchOnWindowFocus: false,
  });
  const users = pages.data?.pages.flatMap((page) => page.users);
  return (
    <Stack gap="sm" data-testid="held-users">
      <Text size="sm" c="dimmed">
        {t(
          'The latest first: decisions on events, then at the ends of waits, then messages.{isOfAll, select, true { Of all channels.} other {}}',
          { isOfAll: filter.channel !== null },
        )}
      </Text>
      {pages.error && <ProblemView problem={pages.error} retry={() => void pages.refetch()} />}
      {users === undefined && pages.error === null && <Skeleton height={240} />}
      {users?.length === 0 && (
        <Text size="sm">
          {pages.hasNextPage
            ? t('None among those that were looked at. Load more to look further back.')
            : t('They are no longer kept, or were erased. The sums still count them.')}
        </Text>
      )}
      {users !== undefined && users.length > 0 && (
        <Paper withBorder component="ul" className="rows">
          {users.map((user, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a user may be held back twice at the same time
            <HeldLine key={index} user={user} />
          ))}
        </Paper>
      )}
      <LoadMoreButton
        older={{
          exist: pages.hasNextPage,
          loading: pages.isFetchingNextPage,
          load: () => void pages.fetchNextPage(),
        }}
      />
    </Stack>
  );
}

function HeldLine({ user }: { user: HeldUser }) {
  const { user_id: id, at, type, rule, channel, reason, event_id: eventId, notification_id: notificationId } = user;
  return (
    <li className="held-user" data-testid="held-user">
      <div className="held-user-head">
        <Anchor fw={600} className="break" href={linkToWhy(id, type)}>
          {id}
        </Anchor>
        <Text size="xs" c="dimmed" span>
          <Time value={at} as="full" />
        </Text>
      </div>
      <Text size="sm" className="break" lang="en">
        {reason}
      </Text>
      <Text size="xs" c="dimmed" className="break">
        <T
          text="{type}{hasRule, select, true { by {rule}} other {}}{hasChannel, select, true { on {channel}} other {}}"
          values={{
            type: <span className="name">{type}</span>,
            hasRule: rule !== null,
            rule,
            hasChannel: channel !== null,
            channel: channel === null ? null : (CHANNELS[channel as keyof typeof CHANNELS]?.label ?? channel),
          }}
        />
        {eventId !== null && (
          <>
            {' · '}
            <a href={linkToUser(id, eventId)}>{t('its event')}</a>
          </>
        )}
        {notificationId !== null && (
          <>
            {' · '}
            <a href={linkToNotification(notificationId)}>{t('the notification')}</a>
          </>
        )}
      </Text>
    </li>
  );
}
