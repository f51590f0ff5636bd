import { Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { NotificationDetail } from '@tidings/client/types';
import { useState } from 'react';
import { getNotification } from '../api/notifications.ts';
import { linkToCorrelation, linkToUser } from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields } from '../shell/Fields.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';
import { DeliveryLine } from '../user/DeliveryLine.tsx';
import { NotificationActions } from './NotificationActions.tsx';
import { getNotificationLook, isDirect } from './notification-look.ts';

/** Loads a notification; polled. */
export function useNotification(id: string) {
  return useQuery({
    queryKey: ['notifications', 'one', id],
    queryFn: () => getNotification(id),
    meta: { topics: ['notifications', 'deliveries'], every: PAGE_MS },
  });
}

/** One notification: who asked for it, what was decided for each channel, and what became of it. */
export function NotificationView({ id }: { id: string }) {
  const notification = useNotification(id);
  return (
    <Stack gap="md">
      {notification.error && <ProblemView problem={notification.error} retry={() => notification.refetch()} />}
      {notification.isPending && <Skeleton height={240} />}
      {notification.data && <Detail notification={notification.data} />}
    </Stack>
  );
}

function Detail({ notification }: { notification: NotificationDetail }) {
  const { state, deliveries, context } = notification;
  const [said, setSaid] = useState<string | null>(null);
  return (
    <>
      <Paper withBorder p="md" component="section" aria-label={t('Notification')}>
        <Stack gap="sm">
          <Group justify="space-between" align="flex-start" gap="sm">
            <StatusBadge look={getNotificationLook(notification)} testId="notification-state" />
            <NotificationActions notification={notification} onDone={setSaid} />
          </Group>
          {said !== null && (
            <Text size="sm" fw={600} className="break" data-testid="notification-said">
              {said}
            </Text>
          )}
          <Facts notification={notification} />
          {context !== null && (
            <Disclosure label={t('Context')} testId="notification-context">
              <Fields values={context} />
            </Disclosure>
          )}
        </Stack>
      </Paper>
      <section aria-label={t('Channels')}>
        <Stack gap="xs">
          <Title order={2} size="h4">
            {t('Channels')}
          </Title>
          {deliveries.length === 0 && (
            <Text size="sm" c="dimmed">
              {state === 'scheduled' ? t('Channels are decided when its time comes.') : t('It went by no channel.')}
            </Text>
          )}
          <div>
            {deliveries.map((delivery) => (
              <DeliveryLine key={delivery.delivery_id} delivery={delivery} />
            ))}
          </div>
        </Stack>
      </section>
    </>
  );
}

function Facts({ notification: one }: { notification: NotificationDetail }) {
  return (
    <dl className="fields words" data-testid="notification-facts">
      <dt>{t('User')}</dt>
      <dd>
        <a href={linkToUser(one.user_id)}>{one.user_id}</a>
      </dd>
      {one.category !== null && (
        <>
          <dt>{t('Category')}</dt>
          <dd>{one.category}</dd>
        </>
      )}
      <dt>{t('Asked by')}</dt>
      <dd>
        {isDirect(one) ? t('a request') : t('rule {rule}', { rule: one.rule })}
        {', '}
        <a href={linkToUser(one.user_id, one.event_id)}>{t('its decision')}</a>
      </dd>
      {one.source !== null && (
        <>
          <dt>{t('Source')}</dt>
          <dd>{one.source}</dd>
        </>
      )}
      {one.correlation_id !== null && (
        <>
          <dt>{t('Correlation')}</dt>
          <dd>
            <a href={linkToCorrelation(one.correlation_id)}>{one.correlation_id}</a>
          </dd>
        </>
      )}
      <dt>{t('Created')}</dt>
      <dd>
        <Time value={one.created_at} as="full" />
      </dd>
      {one.due_at !== null && (
        <>
          <dt>{t('Scheduled')}</dt>
          <dd>
            <Time value={one.due_at} as="full" />
          </dd>
        </>
      )}
      {one.cancelled_at !== null && (
        <>
          <dt>{t('Cancelled')}</dt>
          <dd>
            <Time value={one.cancelled_at} as="full" />
          </dd>
        </>
      )}
    </dl>
  );
}
