import { TextInput } from '@mantine/core';
import { t } from '../text/text.ts';

/** Field for the time at which a release begins; empty: at once. The time is that of the browser. */
export function StartsAtField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  return (
    <TextInput
      type="datetime-local"
      label={t('Begin by itself at')}
      description={t(
        'By the clock of this browser ({zone}); empty: at once. It fails if another version is active by then.',
        {
          zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        },
      )}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      data-testid="starts-at"
    />
  );
}

/** Returns the field of a request for a time of the field. */
export function toStartsAt(value: string): { starts_at?: string } {
  return value === '' ? {} : { starts_at: new Date(value).toISOString() };
}
