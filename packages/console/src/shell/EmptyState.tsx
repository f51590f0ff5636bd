import { Stack, Text, ThemeIcon, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { IconFeather } from './icons.tsx';
import { PageTitle } from './PageTitle.tsx';

interface EmptyStateProps {
  title: string;
  children?: ReactNode;
  /** True if the page has no other content: the title becomes its `h1`. */
  isPage?: boolean;
}

/** Empty state of a list or page: a title, and what fills it. */
export function EmptyState({ title, children, isPage = false }: EmptyStateProps) {
  return (
    <Stack align="center" gap="xs" py={48} px="md" ta="center" data-testid="empty-state">
      <ThemeIcon size={48} radius="xl" variant="light">
        <IconFeather size={24} />
      </ThemeIcon>
      {isPage ? (
        <PageTitle>{title}</PageTitle>
      ) : (
        <Title order={2} size="h4">
          {title}
        </Title>
      )}
      {typeof children === 'string' ? (
        <Text c="dimmed" size="sm" maw={520}>
          {children}
        </Text>
      ) : (
        children
      )}
    </Stack>
  );
}
