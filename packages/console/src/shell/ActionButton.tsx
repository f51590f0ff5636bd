import { Button, type ButtonProps } from '@mantine/core';
import type { ReactNode } from 'react';

interface ActionButtonProps extends Pick<ButtonProps, 'leftSection' | 'variant' | 'color' | 'className'> {
  /** Identifies the button among those of its row, so that focus returns to the same one of the next row. */
  readonly action: string;
  readonly busy: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
  readonly 'data-testid'?: string;
}

/** Button of an action. While it is busy it does nothing, but keeps the focus: a disabled button would lose it. */
export function ActionButton({ action, busy, onClick, ...props }: ActionButtonProps) {
  return (
    <Button
      size="xs"
      variant="default"
      {...props}
      data-action={action}
      aria-busy={busy}
      aria-disabled={busy}
      onClick={busy ? undefined : onClick}
    />
  );
}
