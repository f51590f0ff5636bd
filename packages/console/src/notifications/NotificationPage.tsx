import { Anchor, Stack } from '@mantine/core';
import { MessageDialog } from '../message/MessageDialog.tsx';
import { linkToNotifications } from '../route.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { t } from '../text/text.ts';
import { NotificationView, useNotification } from './NotificationView.tsx';

/** The page of one notification. */
export function NotificationPage({ id }: { id: string }) {
  const notification = useNotification(id);
  return (
    <Stack gap="md">
      <Anchor size="sm" href={linkToNotifications(null)}>
        {t('All notifications')}
      </Anchor>
      <PageTitle>{notification.data?.notification_type ?? t('Notification')}</PageTitle>
      <NotificationView id={id} />
      <MessageDialog />
    </Stack>
  );
}
