import { Button, Popover, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Delivery } from '@tidings/client/types';
import { useState } from 'react';
import { retryDelivery } from '../api/deliveries.ts';
import type { DeliveryStatus } from '../api/types.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { IconRefresh } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';

const RETRYABLE: readonly DeliveryStatus[] = ['dead', 'in_doubt', 'undeliverable'];

/**
 * Button that retries a delivery. For a delivery in doubt it asks for confirmation, because the user may receive the
 * message twice. Renders nothing for a delivery that cannot be retried.
 */
export function RetryButton({ delivery }: { delivery: Delivery }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () => retryDelivery(delivery.delivery_id),
    onSuccess: () => {
      setAsking(false);
      announce(t('Queued again: {type} to {user}.', { type: delivery.notification_type, user: delivery.user_id }));
      return Promise.all([
        queries.invalidateQueries({ queryKey: ['deliveries'] }),
        queries.invalidateQueries({ queryKey: ['audit', delivery.user_id] }),
      ]);
    },
  });
  if (!RETRYABLE.includes(delivery.status)) return null;
  const inDoubt = delivery.status === 'in_doubt';
  return (
    <Popover
      opened={asking || retry.isError}
      onChange={setAsking}
      onDismiss={retry.reset}
      width={320}
      withArrow
      trapFocus
    >
      <Popover.Target>
        <ActionButton
          needs="deliveries:write"
          action="retry"
          leftSection={<IconRefresh size={14} />}
          busy={retry.isPending}
          onClick={() => (inDoubt ? setAsking(true) : retry.mutate())}
          data-testid="retry-button"
        >
          {t('Retry')}
        </ActionButton>
      </Popover.Target>
      <Popover.Dropdown>
        {retry.error ? (
          <ProblemView problem={retry.error} retry={() => retry.mutate()} />
        ) : (
          <Stack gap="xs">
            <Text size="sm">
              {t('This message may have been sent already. If you retry, the user may receive it twice.')}
            </Text>
            <Button size="xs" onClick={() => retry.mutate()} data-testid="retry-confirm">
              {t('Send again')}
            </Button>
          </Stack>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
