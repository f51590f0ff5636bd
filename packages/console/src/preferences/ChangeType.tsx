import { NativeSelect, Text } from '@mantine/core';
import type { TypePreferences } from '@tidings/client/types';
import { useState } from 'react';
import type { Channel } from '../api/types.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { formatLevel } from '../shell/level-words.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { toReasonWords } from '../shell/reason-words.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { Choice, toSettings, type Wanted } from './Choice.tsx';
import { useChange } from './use-change.ts';

const FREQUENCIES = [
  { value: '', label: t('leave as it is') },
  { value: 'IMMEDIATE', label: t('each at once') },
  { value: 'HOURLY', label: t('together, once an hour') },
  { value: 'DAILY', label: t('together, once a day') },
  { value: 'WEEKLY', label: t('together, once a week') },
  { value: 'NEVER', label: t('never') },
  { value: 'clear', label: t('forget what was said') },
] as const;

type Frequency = (typeof FREQUENCIES)[number]['value'];

/** Button that changes what goes to a user of one type. Renders nothing for who may not. */
export function ChangeType({ userId, type: { type, channels } }: { userId: string; type: TypePreferences }) {
  const change = useChange(userId);
  const [wanted, setWanted] = useState<{ [channel: string]: Wanted }>({});
  const [frequency, setFrequency] = useState<Frequency>('');
  const settings = toSettings(wanted);
  const isLocked = Object.values(channels).every((cell) => !cell.changeable);
  return (
    <ConfirmButton
      needs="preferences:write"
      label={t('Change')}
      isFilled={Object.keys(settings).length > 0 || frequency !== ''}
      act={async () => {
        const said = await change({
          types: {
            [type]: { ...settings, ...(frequency !== '' && { frequency: frequency === 'clear' ? null : frequency }) },
          },
        });
        setWanted({});
        setFrequency('');
        return said;
      }}
      testId="change-type"
    >
      <Text size="sm">
        <T
          text="What {user} said about {type}. It counts from now on, as if the user had said it."
          values={{ user: userId, type: <span className="name">{type}</span> }}
        />
      </Text>
      {Object.entries(channels).map(([channel, { changeable, decided_by: by }]) => (
        <Choice
          key={channel}
          label={CHANNELS[channel as Channel]?.label ?? channel}
          value={wanted[channel] ?? 'keep'}
          onChange={(value) => setWanted((before) => ({ ...before, [channel]: value }))}
          locked={
            changeable
              ? undefined
              : t('Cannot be changed: {reason} ({level})', {
                  reason: toReasonWords(by.code),
                  level: formatLevel(by.level),
                })
          }
          testId={`change-${channel}`}
        />
      ))}
      {!isLocked && (
        <NativeSelect
          label={t('How often')}
          data={[...FREQUENCIES]}
          value={frequency}
          onChange={(event) => setFrequency(event.currentTarget.value as Frequency)}
          data-testid="change-frequency"
        />
      )}
    </ConfirmButton>
  );
}
