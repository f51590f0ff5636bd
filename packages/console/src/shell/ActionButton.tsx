import { Button, type ButtonProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { type Needs, useScopes } from './use-scopes.ts';

interface ActionButtonProps extends Pick<ButtonProps, 'leftSection' | 'variant' | 'color' | 'className'> {
  /** Identifies the button among those of its row, so that focus returns to the same one of the next row. */
  readonly action: string;
  /** Scopes without which it is not shown. */
  readonly needs: Needs;
  readonly busy: boolean;
  readonly onClick: () => void;
  readonly children: ReactNode;
  readonly 'data-testid'?: string;
}

/** Button of an action, for those who may do it. While it is busy it does nothing, but keeps the focus: a disabled button would lose it. */
export function ActionButton({ action, needs, busy, onClick, ...props }: ActionButtonProps) {
  const may = useScopes();
  if (!may(needs)) return null;
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
