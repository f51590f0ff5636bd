import { NativeSelect, Text } from '@mantine/core';
import type { TypePreferences } from '@tidings/client/types';
import { useState } from 'react';
import type { Channel } from '../api/types.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { toWords } from '../shell/verdict-words.ts';
import { Choice, toSettings, type Wanted } from './Choice.tsx';
import { useChange } from './use-change.ts';

const FREQUENCIES = [
  { value: '', label: 'leave as it is' },
  { value: 'IMMEDIATE', label: 'each at once' },
  { value: 'HOURLY', label: 'together, once an hour' },
  { value: 'DAILY', label: 'together, once a day' },
  { value: 'WEEKLY', label: 'together, once a week' },
  { value: 'NEVER', label: 'never' },
  { value: 'clear', label: 'forget what was said' },
] as const;

type Frequency = (typeof FREQUENCIES)[number]['value'];

/** Button that changes what goes to a user of one type. Renders nothing for who may not. */
export function ChangeType({ userId, type: { type, channels } }: { userId: string; type: TypePreferences }) {
  const can = useScopes();
  const change = useChange(userId);
  const [wanted, setWanted] = useState<{ [channel: string]: Wanted }>({});
  const [frequency, setFrequency] = useState<Frequency>('');
  if (!can('preferences:write')) return null;
  const settings = toSettings(wanted);
  const isLocked = Object.values(channels).every((cell) => !cell.changeable);
  return (
    <ConfirmButton
      label="Change"
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
        What {userId} said about <span className="name">{type}</span>. It counts from now on, as if the user had said
        it.
      </Text>
      {Object.entries(channels).map(([channel, { changeable, decided_by: by }]) => (
        <Choice
          key={channel}
          label={CHANNELS[channel as Channel]?.label ?? channel}
          value={wanted[channel] ?? 'keep'}
          onChange={(value) => setWanted((before) => ({ ...before, [channel]: value }))}
          locked={changeable ? undefined : `Cannot be changed: ${toWords(by.code)} (${by.level})`}
          testId={`change-${channel}`}
        />
      ))}
      {!isLocked && (
        <NativeSelect
          label="How often"
          data={[...FREQUENCIES]}
          value={frequency}
          onChange={(event) => setFrequency(event.currentTarget.value as Frequency)}
          data-testid="change-frequency"
        />
      )}
    </ConfirmButton>
  );
}
