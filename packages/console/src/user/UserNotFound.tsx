import { Anchor, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { findUsers } from '../api/users.ts';
import { linkToUser } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { OtherTenants } from '../shell/OtherTenants.tsx';
import { t } from '../text/text.ts';

/** Empty state for a user ID without events. Offers known IDs that start with it. */
export function UserNotFound({ userId }: { userId: string }) {
  const found = useQuery({ queryKey: ['users', userId], queryFn: () => findUsers(userId) });
  const others = found.data?.users.filter((user) => user.user_id !== userId) ?? [];
  return (
    <EmptyState title={t('No user has this ID')}>
      <Text c="dimmed" size="sm">
        {t(
          'No event or request has named it, so there was nothing to send. IDs are case-sensitive. Find a user by name, email address or phone number with the search (⌘K or Ctrl K).',
        )}
      </Text>
      <OtherTenants />
      {others.length > 0 && (
        <Group gap="sm" justify="center" data-testid="similar">
          <Text size="sm">{t('IDs that start with this one:')}</Text>
          {others.map((user) => (
            <Anchor key={user.user_id} size="sm" fw={600} className="break" href={linkToUser(user.user_id)}>
              {user.user_id}
            </Anchor>
          ))}
        </Group>
      )}
    </EmptyState>
  );
}
