import { Stack, Table, Text, Title } from '@mantine/core';
import type { Preferences, Suppression, TypePreferences } from '@tidings/client/types';
import type { Channel } from '../api/types.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { t } from '../text/text.ts';
import { ChangeType } from './ChangeType.tsx';
import { ChannelTable, listChannelsOf, NoTypes } from './ChannelTable.tsx';
import { PreferenceCellView } from './PreferenceCellView.tsx';

interface PreferenceMatrixProps {
  readonly userId: string;
  readonly preferences: Preferences;
  /** Suppressions of the addresses of the user. */
  readonly suppressions: readonly Suppression[];
}

/** For each type and channel whether it goes to the user, what decides that, and whether the user can change it. */
export function PreferenceMatrix({ userId, preferences: { types }, suppressions }: PreferenceMatrixProps) {
  const channels = listChannelsOf(types);
  return (
    <Stack gap="xs" component="section" aria-label={t('What goes to this user')}>
      <Title order={2} size="h4">
        {t('What goes to this user')}
      </Title>
      {types.length === 0 ? (
        <NoTypes />
      ) : (
        <ChannelTable channels={channels} testId="preferences">
          {types.map((type) => (
            <TypeRow key={type.type} userId={userId} type={type} channels={channels} suppressions={suppressions} />
          ))}
        </ChannelTable>
      )}
    </Stack>
  );
}

interface TypeRowProps extends Pick<PreferenceMatrixProps, 'userId' | 'suppressions'> {
  readonly type: TypePreferences;
  readonly channels: readonly Channel[];
}

function TypeRow({ userId, type: row, channels, suppressions }: TypeRowProps) {
  const { type, category, frequency } = row;
  const scopes = ['all', `category:${category}`, `type:${type}`];
  const isSuppressed = (channel: Channel) =>
    suppressions.some((one) => one.channel === channel && scopes.includes(one.scope));
  return (
    <Table.Tr data-row data-testid="preference-row" data-type={type}>
      <Table.Th scope="row">
        <span className="name">{type}</span>
        <Text size="xs" c="dimmed" fw={400} mb={6}>
          {category}
          {frequency !== 'IMMEDIATE' && ` · ${frequency}`}
        </Text>
        <ChangeType userId={userId} type={row} />
      </Table.Th>
      {channels.map((channel) => {
        const cell = row.channels[channel];
        return (
          <Table.Td
            key={channel}
            data-heading={CHANNELS[channel].label}
            data-channel={channel}
            {...(cell === undefined && { className: 'no-cell' })}
          >
            {cell === undefined ? '–' : <PreferenceCellView cell={cell} isSuppressed={isSuppressed(channel)} />}
          </Table.Td>
        );
      })}
    </Table.Tr>
  );
}
