import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Delivery } from '@tidings/client/types';
import { cancelDelivery } from '../api/deliveries.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { IconBan } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';

/** Button that cancels a delivery. Renders nothing for a delivery that is not queued. */
export function CancelButton({ delivery }: { delivery: Delivery }) {
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelDelivery(delivery.delivery_id),
    onSuccess: () =>
      announce(t('Cancelled: {type} to {user}.', { type: delivery.notification_type, user: delivery.user_id })),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ['deliveries'] }),
        queries.invalidateQueries({ queryKey: ['audit', delivery.user_id] }),
      ]),
  });
  if (cancel.error) return <ProblemView problem={cancel.error} />;
  if (delivery.status !== 'queued') return null;
  return (
    <ActionButton
      needs="deliveries:write"
      action="cancel"
      leftSection={<IconBan size={14} />}
      busy={cancel.isPending}
      onClick={() => cancel.mutate()}
      data-testid="cancel-button"
    >
      {t('Cancel')}
    </ActionButton>
  );
}
