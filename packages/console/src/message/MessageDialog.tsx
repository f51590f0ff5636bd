import { Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getMessage } from '../api/deliveries.ts';
import { getNotification } from '../api/notifications.ts';
import { setParameter, useParameter } from '../route.ts';
import { Dialog } from '../shell/Dialog.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { MessageDetails } from './MessageDetails.tsx';
import { MessageView } from './MessageView.tsx';

/** The message that the address names by its delivery (`?message=`), over the page. */
export function MessageDialog() {
  const [id] = useParameter('message');
  // The message stays while the dialog fades out.
  const [shown, setShown] = useState(id);
  if (id !== null && id !== shown) setShown(id);
  const delivery = useDelivery(shown);
  return (
    <Dialog
      opened={id !== null}
      onClose={() => setParameter('message', null)}
      title={delivery?.notification_type ?? t('Message')}
      size="xl"
    >
      {shown !== null && <LoadedMessage key={shown} deliveryId={shown} />}
    </Dialog>
  );
}

/** Loads a delivery with its notification; null: none. */
function useDelivery(id: string | null) {
  const notificationId = id?.split('.')[0] ?? '';
  const { data } = useQuery({
    queryKey: ['notifications', 'one', notificationId],
    queryFn: () => getNotification(notificationId),
    enabled: notificationId !== '',
  });
  return data?.deliveries.find(({ delivery_id: one }) => one === id);
}

function LoadedMessage({ deliveryId }: { deliveryId: string }) {
  const message = useQuery({ queryKey: ['message', deliveryId], queryFn: () => getMessage(deliveryId) });
  const delivery = useDelivery(deliveryId);
  if (message.error) return <ProblemView problem={message.error} retry={() => message.refetch()} />;
  if (message.isPending) return <Skeleton height={320} />;
  const { to } = message.data;
  return (
    <Stack gap="sm">
      <MessageView message={message.data} address={to ? t('to {address}', { address: to }) : t('no address')} />
      {delivery && (
        <Disclosure label={t('Details')} testId="message-details">
          <MessageDetails message={message.data} delivery={delivery} />
        </Disclosure>
      )}
    </Stack>
  );
}
