import { Button, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getMessage } from '../api/deliveries.ts';
import { Dialog } from '../shell/Dialog.tsx';
import { IconEye } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { MessageView } from './MessageView.tsx';

interface MessageButtonProps {
  readonly deliveryId: string;
  readonly title: string;
  /** Whether it is an icon alone, at the end of a line. */
  readonly isIcon?: boolean;
}

/** Button that opens a message as it was sent. */
export function MessageButton({ deliveryId, title, isIcon = false }: MessageButtonProps) {
  const [opened, setOpened] = useState(false);
  const name = t('View message: {type}', { type: title });
  return (
    <>
      <Button
        size="xs"
        {...(isIcon
          ? { variant: 'subtle', 'aria-label': name, title: name }
          : { variant: 'light', leftSection: <IconEye size={14} /> })}
        onClick={() => setOpened(true)}
        data-testid="message-button"
      >
        {isIcon ? <IconEye size={18} /> : t('View message')}
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
