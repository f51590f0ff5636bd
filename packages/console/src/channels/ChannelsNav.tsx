import { type ChannelsPart, linkToChannels } from '../route.ts';
import { PartsNav } from '../shell/PartsNav.tsx';

/** Names of the parts of the pages of channels, in their order. */
export const CHANNELS_PARTS: Record<ChannelsPart, string> = {
  accounts: 'Channels',
  sending: 'Sending',
  routes: 'Routes',
  costs: 'Costs',
  suppressions: 'Suppressions',
  connections: 'Connections',
};

const LINKS = (Object.keys(CHANNELS_PARTS) as ChannelsPart[]).map((part) => ({
  part,
  label: part === 'accounts' ? 'Accounts and endpoints' : CHANNELS_PARTS[part],
  href: linkToChannels(part),
}));

/** Links between the pages of channels. `part`: the current one, which is marked. */
export function ChannelsNav({ part }: { part: ChannelsPart }) {
  return <PartsNav label="Channels" links={LINKS} part={part} />;
}
