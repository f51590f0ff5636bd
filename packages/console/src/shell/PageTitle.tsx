import { Title, type TitleProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { focusIfAwaited } from './page-change.ts';

/** Title of a page, its only `h1`. Receives the focus when the page changes. */
export function PageTitle({ children, ...others }: TitleProps & { children: ReactNode; 'data-testid'?: string }) {
  return (
    <Title ref={focusIfAwaited} order={1} size="h2" tabIndex={-1} className="page-title break" {...others}>
      {children}
    </Title>
  );
}
