import { Anchor, Stack, Text } from '@mantine/core';
import type { NotificationSummary } from '@tidings/client/types';
import { getNotifications } from '../api/notifications.ts';
import type { NotificationState } from '../api/types.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { linkToNotification, linkToNotifications, linkToUser } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { getTextColor } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { T } from '../text/T.tsx';
import { t, toInner } from '../text/text.ts';
import { DeliverySigns } from './DeliverySigns.tsx';
import { getNotificationLook, isDirect, NOTIFICATION_STATES } from './notification-look.ts';

const getId = ({ notification_id: id }: NotificationSummary): string => id;
const ALL_STATES = Object.keys(NOTIFICATION_STATES) as NotificationState[];

/** Notifications, what is scheduled first: those of rules and those that a request asked for. */
export function NotificationsPage({ state: requested }: { state: string | null }) {
  const state = ALL_STATES.find((each) => each === requested) ?? null;
  const list = useLivePages<NotificationsResponse, NotificationSummary>({
    // An unknown state is asked for as well: the API says what is wrong with it.
    key: ['notifications', requested],
    load: (after) => getNotifications(requested, after),
    mergePages,
    getId,
    topics: ['notifications', 'deliveries'],
    every: PAGE_MS,
  });
  return (
    <Stack gap="md">
      <PageTitle>{t('Notifications')}</PageTitle>
      <StateFilter state={requested} />
      <LiveList
        list={list}
        empty={
          <EmptyState
            title={
              state === null
                ? t('No notifications yet')
                : t('No notifications that are {state}', { state: toInner(NOTIFICATION_STATES[state].label) })
            }
          >
            {t(
              'A notification appears here when a rule decides to send it, or a request to POST /api/v1/notifications asks for it.',
            )}
          </EmptyState>
        }
      >
        {(items) => <FactRows testId="notifications" items={items} getId={getId} columns={COLUMNS} />}
      </LiveList>
    </Stack>
  );
}

const COLUMNS = {
  [t('Notification')]: (one: NotificationSummary) => (
    <Anchor className="name" href={linkToNotification(one.notification_id)} data-testid="notification-link">
      {one.notification_type}
    </Anchor>
  ),
  [t('User')]: ({ user_id: id }: NotificationSummary) => (
    <a className="user-link" href={linkToUser(id)} title={id}>
      {id}
    </a>
  ),
  [t('State')]: (one: NotificationSummary) => (
    <StatusBadge look={getNotificationLook(one)} testId="notification-state" />
  ),
  [t('Channels')]: ({ deliveries }: NotificationSummary) => <DeliverySigns deliveries={deliveries} />,
  [t('Asked by')]: (one: NotificationSummary) => (
    <>
      {isDirect(one) ? t('a request') : <span className="name">{one.rule}</span>}
      {one.source !== null && (
        <Text size="xs" c="dimmed" className="break">
          {one.source}
        </Text>
      )}
    </>
  ),
  [t('Created')]: ({ created_at: created, due_at: due, state }: NotificationSummary) => (
    <>
      <Time value={created} />
      {due !== null && state === 'scheduled' && (
        <Text size="xs" c="dimmed">
          <T text="for {time}" values={{ time: <Time value={due} as="full" /> }} />
        </Text>
      )}
    </>
  ),
};

function StateFilter({ state }: { state: string | null }) {
  return (
    <nav className="filter" aria-label={t('State')}>
      <a href={linkToNotifications(null)} aria-current={state === null || undefined}>
        {t('All')}
      </a>
      {ALL_STATES.map((each) => {
        const { Icon, label, color } = NOTIFICATION_STATES[each];
        return (
          <a key={each} href={linkToNotifications(each)} aria-current={each === state || undefined}>
            <Icon size={15} color={getTextColor(color)} />
            {label}
          </a>
        );
      })}
    </nav>
  );
}

type NotificationsResponse = Awaited<ReturnType<typeof getNotifications>>;

function mergePages(pages: readonly NotificationsResponse[]): NotificationSummary[] {
  return uniqueBy(
    pages.flatMap((page) => page.notifications),
    getId,
  );
}
