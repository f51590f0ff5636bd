import { Button } from '@mantine/core';
import { t } from '../text/text.ts';
import { announce } from './announce.tsx';
import { IconCopy } from './page-icons.tsx';

interface CopyButtonProps {
  readonly label: string;
  /** Returns what is copied, when the button is pressed. */
  readonly getText: () => string;
  /** Announced when it is done. */
  readonly said: string;
  /** Default: that of a button in a line of text. */
  readonly size?: 'xs' | 'compact-xs';
  readonly testId?: string;
}

/** Button that copies a text. */
export function CopyButton({ label, getText, said, size = 'compact-xs', testId }: CopyButtonProps) {
  const copy = async () => {
    await navigator.clipboard.writeText(getText()).then(
      () => announce(said),
      () => announce(t('It could not be copied.')),
    );
  };
  return (
    <Button
      size={size}
      variant="default"
      leftSection={<IconCopy size={13} />}
      onClick={() => void copy()}
      {...(testId === undefined ? {} : { 'data-testid': testId })}
    >
      {label}
    </Button>
  );
}
