import { Anchor, Group } from '@mantine/core';
import { linkToPreferences, linkToUser } from '../route.ts';
import { IconUser } from '../shell/icons.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';

interface UserHeadingProps {
  readonly userId: string;
  readonly part: 'history' | 'preferences';
}

/** The id of a user, and the links between the pages about them. `part`: the current one, which is marked. */
export function UserHeading({ userId, part }: UserHeadingProps) {
  const links = [
    { name: 'history', label: 'History', href: linkToUser(userId) },
    { name: 'preferences', label: 'Preferences and consent', href: linkToPreferences(userId) },
  ];
  return (
    <>
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <IconUser size={30} className="user-icon" />
        <PageTitle data-testid="user-id">{userId}</PageTitle>
      </Group>
      <Group component="nav" gap="md" aria-label="User">
        {links.map(({ name, label, href }) => (
          <Anchor
            key={name}
            size="sm"
            href={href}
            aria-current={name === part ? 'page' : undefined}
            fw={name === part ? 600 : undefined}
          >
            {label}
          </Anchor>
        ))}
      </Group>
    </>
  );
}
