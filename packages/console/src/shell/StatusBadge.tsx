import { Badge, Group, Text } from '@mantine/core';
import type { Channel } from '../api/types.ts';
import { IconHelp } from './icons.tsx';
import { CHANNELS, getTextColor, type Look } from './outcome.ts';

/** Badge of an outcome or status. Combines color, icon and label, so that none of them carries the meaning alone. */
export function StatusBadge({ look, testId }: { look: Look; testId?: string }) {
  return (
    <Badge
      color={look.color}
      variant="light"
      radius="sm"
      size="md"
      tt="none"
      className="look"
      style={{ ['--badge-color' as string]: getTextColor(look.color) }}
      leftSection={<look.Icon size={13} />}
      {...(testId === undefined ? {} : { 'data-testid': testId })}
    >
      {look.label}
    </Badge>
  );
}

/** Icon and name of a channel. An unknown channel is shown by its API name. */
export function ChannelName({ channel }: { channel: Channel }) {
  const { label, Icon } = CHANNELS[channel] ?? { label: channel, Icon: IconHelp };
  return (
    <Group component="span" gap={6} wrap="nowrap" display="inline-flex">
      <Icon size={16} />
      <Text component="span" size="sm" fw={500}>
        {label}
      </Text>
    </Group>
  );
}
