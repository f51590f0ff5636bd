import { Group } from '@mantine/core';
import { linkToPreferences, linkToUser } from '../route.ts';
import { IconUser } from '../shell/icons.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { PartsNav } from '../shell/PartsNav.tsx';

interface UserHeadingProps {
  readonly userId: string;
  readonly part: 'history' | 'preferences';
}

/** The id of a user, and the links between the pages about them. `part`: the current one, which is marked. */
export function UserHeading({ userId, part }: UserHeadingProps) {
  const links = [
    { part: 'history', label: 'History', href: linkToUser(userId) },
    { part: 'preferences', label: 'Preferences and consent', href: linkToPreferences(userId) },
  ] as const;
  return (
    <>
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <IconUser size={30} className="user-icon" />
        <PageTitle data-testid="user-id">{userId}</PageTitle>
      </Group>
      <PartsNav label="User" links={links} part={part} />
    </>
  );
}
