import { Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconFeather } from '@tabler/icons-react';
import type { ReactNode } from 'react';

/** Says that a place is empty, and what would fill it. */
export function Nothing({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py={48} px="md" ta="center" data-testid="nothing">
      <ThemeIcon size={48} radius="xl" variant="light">
        <IconFeather size={24} stroke={1.6} aria-hidden="true" />
      </ThemeIcon>
      <Title order={4}>{title}</Title>
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
