import { Paper, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Channel } from '../api/types.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { ChannelName } from '../shell/StatusBadge.tsx';
import { t } from '../text/text.ts';

const ALL_CHANNELS = Object.keys(CHANNELS) as Channel[];

/** Returns the channels that any of these types has, in the order in which channels are shown. */
export function listChannelsOf(types: readonly { readonly channels: { readonly [channel: string]: unknown } }[]) {
  return ALL_CHANNELS.filter((channel) => types.some((type) => type.channels[channel] !== undefined));
}

interface ChannelTableProps {
  readonly channels: readonly Channel[];
  readonly testId: string;
  /** Its rows: a name, and a cell for each channel. */
  readonly children: ReactNode;
}

/** A table of notification types by channel. */
export function ChannelTable({ channels, testId, children }: ChannelTableProps) {
  return (
    <Paper withBorder>
      <Table verticalSpacing="sm" horizontalSpacing="md" className="facts preferences" data-testid={testId}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t('Type')}</Table.Th>
            {channels.map((channel) => (
              <Table.Th key={channel} scope="col">
                <ChannelName channel={channel} />
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Paper>
  );
}

/** Stands in the place of the table where there are no types. */
export function NoTypes() {
  return (
    <Text size="sm" c="dimmed">
      {t('The catalog has no notification type for users.')}
    </Text>
  );
}
