import { Group, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { Cancellation, NotificationDetail } from '@tidings/client/types';
import { useState } from 'react';
import { cancelNotification, rescheduleNotification } from '../api/notifications.ts';
import { ScheduleFields } from '../send/ScheduleFields.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan, IconClock } from '../shell/icons.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { formatFull } from '../shell/time-format.ts';
import { useZone } from '../shell/zone.ts';
import { t } from '../text/text.ts';

interface NotificationActionsProps {
  readonly notification: NotificationDetail;
  /** Called with what came of an action. */
  readonly onDone: (said: string) => void;
}

/** Buttons that move and cancel what has not begun. Renders nothing once nothing is open, or for who may not. */
export function NotificationActions({ notification, onDone }: NotificationActionsProps) {
  const { state } = notification;
  if (state !== 'scheduled' && state !== 'accepted') return null;
  return (
    <Group gap="xs">
      {state === 'scheduled' && <RescheduleButton notification={notification} onDone={onDone} />}
      <CancelNotification notification={notification} onDone={onDone} />
    </Group>
  );
}

function RescheduleButton({ notification: { notification_id: id }, onDone }: NotificationActionsProps) {
  const queries = useQueryClient();
  const zone = useZone();
  const [{ when, time }, setWhen] = useState<{ when: 'now' | 'zone' | 'recipient'; time: string }>({
    when: 'zone',
    time: '',
  });
  const move = async () => {
    const local = { local: time, zone: when === 'recipient' ? 'recipient' : zone };
    const { state, due_at: due, late } = await rescheduleNotification(id, { scheduled_at: local });
    await queries.invalidateQueries({ queryKey: ['notifications'] });
    const said =
      state === 'too_late' || due === undefined
        ? t('Too late: it is no longer scheduled, and stays as it is.')
        : late === true
          ? t('That time is past: it is sent at once.')
          : t('It is scheduled for {time}.', { time: formatFull(new Date(due), zone) });
    onDone(said);
    return said;
  };
  return (
    <ConfirmButton
      needs="notifications:write"
      label={t('Reschedule')}
      leftSection={<IconClock size={14} />}
      isFilled={time !== ''}
      act={move}
      testId="reschedule-notification"
    >
      <ScheduleFields
        when={when}
        time={time}
        fault={undefined}
        choices={['zone', 'recipient']}
        onChange={(part) => setWhen((before) => ({ ...before, ...part }))}
      />
      <Text size="sm">{t('A time that is past means at once.')}</Text>
    </ConfirmButton>
  );
}

function CancelNotification({ notification, onDone }: NotificationActionsProps) {
  const queries = useQueryClient();
  const { notification_id: id, notification_type: type, user_id: userId } = notification;
  return (
    <ConfirmButton
      needs="notifications:write"
      label={t('Cancel notification')}
      leftSection={<IconBan size={14} />}
      color="red"
      act={async () => {
        const result = await cancelNotification(id);
        await queries.invalidateQueries({ queryKey: ['notifications'] });
        const said =
          result.state === 'too_late'
            ? describeLate(result)
            : t('Cancelled: {type} to {user}.', { type, user: userId });
        onDone(said);
        return said;
      }}
      testId="cancel-notification"
    >
      {t('What has not begun is not sent. A message that is being sent cannot be called back.')}
    </ConfirmButton>
  );
}

/** Says of which channels it was too late, and which were cancelled: `Too late: Email was sent. Cancelled: Push.` */
function describeLate({ sent, sending, in_doubt: inDoubt, cancelled }: Cancellation): string {
  const labels: { readonly [channel: string]: { readonly label: string } } = CHANNELS;
  const list = (channels: readonly string[]) => channels.map((name) => labels[name]?.label ?? name).join(', ');
  const late = [
    sent.length > 0 && t('{channels} was sent', { channels: list(sent) }),
    sending.length > 0 && t('{channels} is being sent', { channels: list(sending) }),
    inDoubt.length > 0 && t('{channels} may have been sent', { channels: list(inDoubt) }),
  ].filter((part) => part !== false);
  return [
    t('Too late: {what}.', { what: late.join(', ') }),
    cancelled.length === 0 ? t('Nothing was cancelled.') : t('Cancelled: {channels}.', { channels: list(cancelled) }),
  ].join(' ');
}
