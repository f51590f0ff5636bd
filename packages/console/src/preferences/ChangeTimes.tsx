import { Group, NativeSelect, Radio, Stack, TextInput } from '@mantine/core';
import type { PreferenceChange } from '@tidings/client/types';
import { type ReactNode, useState } from 'react';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { formatWeekday, WEEKDAYS, type Weekday } from '../shell/weekday.ts';
import { t } from '../text/text.ts';
import { useChange } from './use-change.ts';

type Quiet = 'keep' | 'hours' | 'none' | 'clear';
type DigestTime = NonNullable<NonNullable<PreferenceChange['digest_time']>>;

/** Button that changes the quiet hours and the time of digests of a user. */
export function ChangeTimes({ userId, leftSection }: { userId: string; leftSection: ReactNode }) {
  const change = useChange(userId);
  const [quiet, setQuiet] = useState<Quiet>('keep');
  const [[start, end, zone], setHours] = useState(['', '', '']);
  const [at, setAt] = useState('');
  const [day, setDay] = useState('');
  const digest: DigestTime = { ...(at !== '' && { at }), ...(day !== '' && { day: day as Weekday }) };
  const wanted: PreferenceChange = {
    ...(quiet === 'hours' && { quiet_hours: { start, end, ...(zone !== '' && { zone }) } }),
    ...(quiet === 'none' && { quiet_hours: { enabled: false } }),
    ...(quiet === 'clear' && { quiet_hours: null }),
    ...(Object.keys(digest).length > 0 && { digest_time: digest }),
  };
  return (
    <ConfirmButton
      needs="preferences:write"
      label={t('Change times')}
      leftSection={leftSection}
      isFilled={Object.keys(wanted).length > 0 && (quiet !== 'hours' || (start !== '' && end !== ''))}
      act={async () => {
        const said = await change(wanted);
        setQuiet('keep');
        setAt('');
        setDay('');
        return said;
      }}
      testId="change-times"
    >
      <Radio.Group label={t('Quiet hours')} value={quiet} onChange={(value) => setQuiet(value as Quiet)}>
        <Stack gap={6} mt={6}>
          <Radio value="keep" label={t('leave as they are')} />
          <Radio value="hours" label={t('these')} data-testid="quiet-these" />
          <Radio value="none" label={t('none, whatever the tenant says')} data-testid="quiet-none" />
          <Radio value="clear" label={t('forget what was said')} />
        </Stack>
      </Radio.Group>
      {quiet === 'hours' && (
        <Group gap="sm" align="flex-start">
          <TextInput
            type="time"
            label={t('From')}
            value={start}
            onChange={(event) => setHours([event.currentTarget.value, end, zone])}
            data-testid="quiet-start"
          />
          <TextInput
            type="time"
            label={t('Until')}
            value={end}
            onChange={(event) => setHours([start, event.currentTarget.value, zone])}
            data-testid="quiet-end"
          />
          <TextInput
            label={t('Zone')}
            description={t('Empty: that of the user')}
            placeholder="Europe/Lisbon"
            value={zone}
            onChange={(event) => setHours([start, end, event.currentTarget.value])}
          />
        </Group>
      )}
      <Group gap="sm" align="flex-start">
        <TextInput
          type="time"
          label={t('Digests at')}
          description={t('Empty: as it is')}
          value={at}
          onChange={(event) => setAt(event.currentTarget.value)}
          data-testid="digest-at"
        />
        <NativeSelect
          label={t('Weekly ones on')}
          description={t('Empty: as it is')}
          data={[{ value: '', label: '' }, ...WEEKDAYS.map((value) => ({ value, label: formatWeekday(value) }))]}
          value={day}
          onChange={(event) => setDay(event.currentTarget.value)}
        />
      </Group>
    </ConfirmButton>
  );
}
