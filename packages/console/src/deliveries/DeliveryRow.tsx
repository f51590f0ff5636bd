import { Group, Table, Text } from '@mantine/core';
import type { Delivery } from '@tidings/client/types';
import { memo } from 'react';
import { OVERDUE_AFTER_MS } from '../../../../src/model/delivery.ts';
import { MessageButton } from '../message/MessageButton.tsx';
import { linkToNotification, linkToUser } from '../route.ts';
import { getDeliveryLook, getTextColor } from '../shell/outcome.ts';
import { Reason } from '../shell/Reason.tsx';
import { ChannelName, StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { VerdictLine } from '../shell/VerdictLine.tsx';
import type { RowPlace } from '../shell/VirtualRows.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { CancelButton } from './CancelButton.tsx';
import { HoldText, isInForce } from './HoldText.tsx';
import { RetryButton } from './RetryButton.tsx';

/** Table row of a delivery, with its reason and buttons. Drawn again only if the delivery has changed, or its place. */
export const DeliveryRow = memo(({ delivery, place }: RowProps) => {
  return (
    <Table.Tr
      {...place}
      data-row
      data-testid="delivery-row"
      data-status={delivery.status}
      data-delivery-id={delivery.delivery_id}
    >
      <Table.Td>
        <Text size="sm" c="dimmed" className="nowrap">
          <Time value={delivery.created_at} />
        </Text>
      </Table.Td>
      <Table.Td>
        <a className="user-link" href={linkToUser(delivery.user_id)} title={delivery.user_id}>
          {delivery.user_id}
        </a>
      </Table.Td>
      <Table.Td>
        <a className="name" href={linkToNotification(delivery.notification_id)}>
          {delivery.notification_type}
        </a>
        {delivery.test && (
          <Text size="xs" c="dimmed" data-testid="test-mark">
            {t('test of templates')}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <ChannelName channel={delivery.channel} />
        {delivery.provider && delivery.status !== 'undeliverable' && (
          <Text size="xs" c="dimmed">
            {t('by {provider}', { provider: delivery.provider })}
          </Text>
        )}
      </Table.Td>
      <Table.Td maw={340}>
        <StatusBadge look={getDeliveryLook(delivery)} />
        <Reason code={delivery.reason_code} sentence={delivery.reason} size="xs" />
        <HoldText delivery={delivery} />
        {delivery.decided_by && isInForce(delivery) && <VerdictLine verdict={delivery.decided_by} hasChannel={false} />}
        {delivery.status === 'queued' && (
          <Text size="xs" c={isOverdue(delivery) ? getTextColor('orange') : 'dimmed'} mt={2} data-testid="due">
            <T
              text={isOverdue(delivery) ? 'overdue since {time}' : 'due {time}'}
              values={{ time: <Time value={delivery.due_at} /> }}
            />
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Group gap="xs" justify="flex-end">
          <RetryButton delivery={delivery} />
          <CancelButton delivery={delivery} />
          {delivery.has_message && (
            <MessageButton deliveryId={delivery.delivery_id} title={delivery.notification_type} />
          )}
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}, isSameRow);

type RowProps = { readonly delivery: Delivery; readonly place: RowPlace };

function isSameRow(before: RowProps, now: RowProps): boolean {
  return before.delivery === now.delivery && before.place['data-index'] === now.place['data-index'];
}

/** Whether a queued delivery has waited too long for a worker. */
function isOverdue({ due_at }: Delivery): boolean {
  return Date.now() - Date.parse(due_at) > OVERDUE_AFTER_MS;
}
