import { Anchor, Group } from '@mantine/core';
import { type ChannelsPart, linkToChannels } from '../route.ts';

/** Names of the parts of the pages of channels, in their order. */
export const CHANNELS_PARTS: Record<ChannelsPart, string> = {
  accounts: 'Channels',
  sending: 'Sending',
  routes: 'Routes',
  costs: 'Costs',
};

/** Links between the pages of channels. `part`: the current one, which is marked. */
export function ChannelsNav({ part }: { part: ChannelsPart }) {
  return (
    <Group component="nav" gap="md" aria-label="Channels">
      {(Object.keys(CHANNELS_PARTS) as ChannelsPart[]).map((one) => (
        <Anchor
          key={one}
          size="sm"
          href={linkToChannels(one)}
          aria-current={one === part ? 'page' : undefined}
          fw={one === part ? 600 : undefined}
        >
          {one === 'accounts' ? 'Accounts and endpoints' : CHANNELS_PARTS[one]}
        </Anchor>
      ))}
    </Group>
  );
}
