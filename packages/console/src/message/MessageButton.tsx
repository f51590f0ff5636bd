import { Button, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getMessage } from '../api/deliveries.ts';
import { Dialog } from '../shell/Dialog.tsx';
import { IconEye } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { MessageView } from './MessageView.tsx';

/** Button that opens a message as it was sent. */
export function MessageButton({ deliveryId, title }: { deliveryId: string; title: string }) {
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Button
        size="xs"
        variant="light"
        leftSection={<IconEye size={14} />}
        onClick={() => setOpened(true)}
        data-testid="message-button"
      >
        {t('View message')}
      </Button>
      <Dialog opened={opened} onClose={() => setOpened(false)} title={title} size="xl">
        <LoadedMessage deliveryId={deliveryId} />
      </Dialog>
    </>
  );
}

function LoadedMessage({ deliveryId }: { deliveryId: string }) {
  const message = useQuery({ queryKey: ['message', deliveryId], queryFn: () => getMessage(deliveryId) });
  if (message.error) return <ProblemView problem={message.error} retry={() => message.refetch()} />;
  if (message.isPending) return <Skeleton height={320} />;
  const { to } = message.data;
  return <MessageView message={message.data} address={to ? t('to {address}', { address: to }) : t('no address')} />;
}
