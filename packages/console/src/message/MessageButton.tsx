import { Button } from '@mantine/core';
import { useParameter } from '../route.ts';
import { IconEye } from '../shell/icons.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';

interface MessageButtonProps {
  readonly deliveryId: string;
  readonly title: string;
  /** Whether it is an icon alone, at the end of a line. */
  readonly isIcon?: boolean;
}

/** Button that opens a message as it was sent, in the dialog of the page (`MessageDialog`), for those who may see it. */
export function MessageButton({ deliveryId, title, isIcon = false }: MessageButtonProps) {
  const [, open] = useParameter('message');
  const may = useScopes();
  if (!may('messages:read')) return null;
  const name = t('View message: {type}', { type: title });
  return (
    <Button
      size="xs"
      {...(isIcon
        ? { variant: 'subtle', 'aria-label': name, title: name }
        : { variant: 'light', leftSection: <IconEye size={14} /> })}
      onClick={() => open(deliveryId)}
      data-testid="message-button"
    >
      {isIcon ? <IconEye size={18} /> : t('View message')}
    </Button>
  );
}
