import { Anchor, Stack, Text } from '@mantine/core';
import type { NotificationPage, NotificationSummary } from '@tidings/client/types';
import { getNotificationsOf } from '../api/notifications.ts';
import type { NotificationState } from '../api/types.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { DeliverySigns } from '../notifications/DeliverySigns.tsx';
import { NotificationView } from '../notifications/NotificationView.tsx';
import { getNotificationLook, isDirect, NOTIFICATION_STATES } from '../notifications/notification-look.ts';
import { linkToNotification, linkToUserTab, setParameter, useParameter } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { getTextColor } from '../shell/outcome.ts';
import { Peek } from '../shell/Peek.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

const getId = ({ notification_id: id }: NotificationSummary): string => id;
const mergePages = (pages: readonly NotificationPage[]): NotificationSummary[] =>
  uniqueBy(
    pages.flatMap((page) => page.notifications),
    getId,
  );
const ALL_STATES = Object.keys(NOTIFICATION_STATES) as NotificationState[];

/** Messages to a user, newest first. A row opens beside the list; the address says which. */
export function MessagesTab({ userId }: { userId: string }) {
  const [requested] = useParameter('state');
  const [peeked, peek] = useParameter('peek');
  const state = ALL_STATES.find((each) => each === requested) ?? null;
  const list = useLivePages<NotificationPage, NotificationSummary>({
    // An unknown state is asked for as well: the API says what is wrong with it.
    key: ['notifications', 'user', userId, requested],
    load: (after) => getNotificationsOf(userId, requested, after),
    mergePages,
    getId,
    topics: ['notifications', 'deliveries'],
    every: PAGE_MS,
  });
  const shown = list.items?.find((one) => getId(one) === peeked);
  const step = (by: 1 | -1) => {
    const items = list.items ?? [];
    const next = items[items.findIndex((one) => getId(one) === peeked) + by];
    if (next) setParameter('peek', getId(next));
  };
  const columns = {
    [t('Message')]: (one: NotificationSummary) => (
      <Anchor
        className="name"
        href={linkToNotification(getId(one))}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
          event.preventDefault();
          peek(getId(one));
        }}
        data-testid="message-link"
      >
        {one.notification_type}
      </Anchor>
    ),
    [t('State')]: (one: NotificationSummary) => <StatusBadge look={getNotificationLook(one)} />,
    [t('Channels')]: ({ deliveries }: NotificationSummary) => <DeliverySigns deliveries={deliveries} />,
    [t('Asked by')]: (one: NotificationSummary) =>
      isDirect(one) ? t('a request') : <span className="name">{one.rule}</span>,
    [t('Created')]: ({ created_at: created, due_at: due, state: now }: NotificationSummary) => (
      <>
        <Time value={created} />
        {due !== null && now === 'scheduled' && (
          <Text size="xs" c="dimmed">
            <T text="for {time}" values={{ time: <Time value={due} as="full" /> }} />
          </Text>
        )}
      </>
    ),
  };
  return (
    <Stack gap="md">
      <StateFilter userId={userId} state={requested} />
      <LiveList
        list={list}
        empty={
          <EmptyState title={state === null ? t('No messages yet') : t('No messages in this state')}>
            {t('A message appears here when a rule decides to send it, or a request asks for it.')}
          </EmptyState>
        }
      >
        {(items) => <FactRows testId="user-messages" items={items} getId={getId} columns={columns} />}
      </LiveList>
      <Peek
        opened={peeked !== null}
        title={shown?.notification_type ?? t('Message')}
        href={linkToNotification(peeked ?? '')}
        onClose={() => setParameter('peek', null)}
        onStep={step}
      >
        {peeked !== null && <NotificationView key={peeked} id={peeked} />}
      </Peek>
    </Stack>
  );
}

function StateFilter({ userId, state }: { userId: string; state: string | null }) {
  const link = linkToUserTab(userId, 'messages');
  return (
    <nav className="filter" aria-label={t('State')}>
      <a href={link} aria-current={state === null || undefined}>
        {t('All')}
      </a>
      {ALL_STATES.map((each) => {
        const { Icon, label, color } = NOTIFICATION_STATES[each];
        return (
          <a key={each} href={`${link}?state=${each}`} aria-current={each === state || undefined}>
            <Icon size={15} color={getTextColor(color)} />
            {label}
          </a>
        );
      })}
    </nav>
  );
}
