import { Anchor, Group } from '@mantine/core';
import { linkToBatches, linkToNotifications } from '../route.ts';

const PARTS = {
  notifications: { label: 'Notifications', href: linkToNotifications(null) },
  batches: { label: 'Batches', href: linkToBatches() },
};

/** Links between the pages of what is sent to users. `part`: the current one, which is marked. */
export function SendsNav({ part }: { part: keyof typeof PARTS }) {
  return (
    <Group component="nav" gap="md" aria-label="What is sent">
      {Object.entries(PARTS).map(([one, { label, href }]) => (
        <Anchor
          key={one}
          size="sm"
          href={href}
          aria-current={one === part ? 'page' : undefined}
          fw={one === part ? 600 : undefined}
        >
          {label}
        </Anchor>
      ))}
    </Group>
  );
}
