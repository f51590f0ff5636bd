import { Title, type TitleProps } from '@mantine/core';
import type { ReactNode } from 'react';

/** The one `h1` of a page: where the focus goes when the page changes. */
export function PageTitle({ children, ...others }: TitleProps & { children: ReactNode; 'data-testid'?: string }) {
  return (
    <Title order={1} size="h2" tabIndex={-1} className="page-title break" {...others}>
      {children}
    </Title>
  );
}
