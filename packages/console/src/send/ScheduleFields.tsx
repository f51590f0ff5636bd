import { Radio, Stack, TextInput } from '@mantine/core';
import { useZone } from '../shell/zone.ts';
import { t } from '../text/text.ts';
import type { MessageDraft } from './message-draft.ts';

type When = MessageDraft['when'];

interface ScheduleFieldsProps extends Pick<MessageDraft, 'when' | 'time'> {
  readonly choices: readonly When[];
  readonly fault: string | undefined;
  readonly onChange: (part: Partial<Pick<MessageDraft, 'when' | 'time'>>) => void;
}

/** When it is sent: at once, or at a local time in the zone of the console or of each user. */
export function ScheduleFields({ when, time, choices, fault, onChange }: ScheduleFieldsProps) {
  const zone = useZone();
  const labels: Record<When, string> = {
    now: t('at once'),
    zone: t('at a time in {zone}', { zone }),
    recipient: t('at that time in the zone of each user'),
  };
  return (
    <Stack gap="xs">
      <Radio.Group label={t('When')} value={when} onChange={(value) => onChange({ when: value as When })}>
        <Stack gap={6} mt={6}>
          {choices.map((choice) => (
            <Radio key={choice} value={choice} label={labels[choice]} data-testid={`when-${choice}`} />
          ))}
        </Stack>
      </Radio.Group>
      {when !== 'now' && (
        <TextInput
          type="datetime-local"
          label={t('Date and time')}
          error={fault}
          value={time}
          onChange={(event) => onChange({ time: event.currentTarget.value })}
          maw={260}
          data-testid="send-time"
        />
      )}
    </Stack>
  );
}
