import { Group, NativeSelect } from '@mantine/core';
import type { PreferenceChange, Preferences } from '@tidings/client/types';
import { useState } from 'react';
import type { Channel } from '../api/types.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconClock, IconWand } from '../shell/icons.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';
import { ChangeTimes } from './ChangeTimes.tsx';
import { Choice, toSettings, type Wanted } from './Choice.tsx';
import { useChange } from './use-change.ts';

/** Buttons that change what a user said in general, and when messages may come. Renders nothing for who may not. */
export function ChangePreferences({ userId, preferences }: { userId: string; preferences: Preferences }) {
  const can = useScopes();
  if (!can('preferences:write')) return null;
  return (
    <Group gap="xs">
      <ChangeGeneral userId={userId} preferences={preferences} />
      <ChangeTimes userId={userId} leftSection={<IconClock size={14} />} />
    </Group>
  );
}

const ALL = [
  { value: 'keep', label: t('leave as it is') },
  { value: 'on', label: t('on') },
  { value: 'only_listed', label: t('only what is turned on for a type, category or channel') },
  { value: 'off', label: t('off') },
  { value: 'clear', label: t('forget what was said') },
] as const;

type All = (typeof ALL)[number]['value'];
const ALL_VALUES: Record<Exclude<All, 'keep'>, NonNullable<PreferenceChange['all']> | null> = {
  on: true,
  only_listed: 'only_listed',
  off: false,
  clear: null,
};

function ChangeGeneral({ userId, preferences: { types } }: { userId: string; preferences: Preferences }) {
  const change = useChange(userId);
  const [all, setAll] = useState<All>('keep');
  const [byChannel, setByChannel] = useState<{ [channel: string]: Wanted }>({});
  const [byCategory, setByCategory] = useState<{ [category: string]: Wanted }>({});
  const channels = [...new Set(types.flatMap((type) => Object.keys(type.channels)))];
  const categories = [...new Set(types.map(({ category }) => category))];
  const [channelSettings, categorySettings] = [toSettings(byChannel), toSettings(byCategory)];
  const wanted: PreferenceChange = {
    ...(all !== 'keep' && { all: ALL_VALUES[all] }),
    ...(Object.keys(channelSettings).length > 0 && { channels: channelSettings }),
    ...(Object.keys(categorySettings).length > 0 && {
      categories: Object.fromEntries(Object.entries(categorySettings).map(([name, enabled]) => [name, { enabled }])),
    }),
  };
  return (
    <ConfirmButton
      needs="preferences:write"
      label={t('Change in general')}
      leftSection={<IconWand size={14} />}
      isFilled={Object.keys(wanted).length > 0}
      act={async () => {
        const said = await change(wanted);
        setAll('keep');
        setByChannel({});
        setByCategory({});
        return said;
      }}
      testId="change-general"
    >
      <NativeSelect
        label={t('Everything')}
        data={[...ALL]}
        value={all}
        onChange={(event) => setAll(event.currentTarget.value as All)}
        data-testid="change-all"
      />
      {channels.map((channel) => (
        <Choice
          key={channel}
          label={t('By {channel}', { channel: CHANNELS[channel as Channel]?.label ?? channel })}
          value={byChannel[channel] ?? 'keep'}
          onChange={(value) => setByChannel((before) => ({ ...before, [channel]: value }))}
          testId={`change-by-${channel}`}
        />
      ))}
      {categories.map((category) => (
        <Choice
          key={category}
          label={t('Of category {category}', { category })}
          value={byCategory[category] ?? 'keep'}
          onChange={(value) => setByCategory((before) => ({ ...before, [category]: value }))}
          testId={`change-of-${category}`}
        />
      ))}
    </ConfirmButton>
  );
}
