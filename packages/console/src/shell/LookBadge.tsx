import { Badge, Group, Text } from '@mantine/core';
import { IconHelpHexagon } from '@tabler/icons-react';
import type { Channel } from '../api.ts';
import { CHANNELS, type Look, wordColor } from './outcome.ts';

/** An outcome or a status as a badge: colour, icon and word together, so that no one of them has to be enough. */
export function LookBadge({ look, testId }: { look: Look; testId?: string }) {
  return (
    <Badge
      color={look.color}
      variant="light"
      radius="sm"
      size="md"
      tt="none"
      className="look"
      style={{ ['--badge-color' as string]: wordColor(look.color) }}
      leftSection={<look.Icon size={13} stroke={2.4} aria-hidden="true" />}
      {...(testId === undefined ? {} : { 'data-testid': testId })}
    >
      {look.label}
    </Badge>
  );
}

export function ChannelName({ channel }: { channel: Channel }) {
  const { label, Icon } = CHANNELS[channel] ?? { label: channel, Icon: IconHelpHexagon };
  return (
    <Group component="span" gap={6} wrap="nowrap" display="inline-flex">
      <Icon size={16} stroke={1.8} aria-hidden="true" />
      <Text component="span" size="sm" fw={500}>
        {label}
      </Text>
    </Group>
  );
}
