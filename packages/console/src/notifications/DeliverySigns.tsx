import { Stack } from '@mantine/core';
import type { DeliverySummary } from '@tidings/client/types';
import { getDeliveryLook } from '../shell/outcome.ts';
import { ChannelName, StatusBadge } from '../shell/StatusBadge.tsx';

/** The deliveries of a notification: each channel with what became of it. */
export function DeliverySigns({ deliveries }: { deliveries: readonly DeliverySummary[] }) {
  return (
    <Stack gap={4}>
      {deliveries.map((delivery) => (
        <span key={`${delivery.channel} ${delivery.target}`} className="delivery-sign">
          <ChannelName channel={delivery.channel} />
          <StatusBadge look={getDeliveryLook(delivery)} />
        </span>
      ))}
    </Stack>
  );
}
