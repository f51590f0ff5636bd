import { NativeSelect } from '@mantine/core';
import { t } from '../text/text.ts';

/** Change of a setting. `keep`: nothing; `clear`: what was said before no longer holds. */
export type Wanted = 'keep' | 'on' | 'off' | 'clear';

interface ChoiceProps {
  readonly label: string;
  readonly value: Wanted;
  readonly onChange: (value: Wanted) => void;
  /** Why it cannot be changed; absent: it can. */
  readonly locked?: string | undefined;
  readonly testId?: string;
}

const CHOICES: readonly { readonly value: Wanted; readonly label: string }[] = [
  { value: 'keep', label: t('leave as it is') },
  { value: 'on', label: t('on') },
  { value: 'off', label: t('off') },
  { value: 'clear', label: t('forget what was said') },
];

/** Field that turns something on or off for a user. */
export function Choice({ label, value, onChange, locked, testId }: ChoiceProps) {
  return (
    <NativeSelect
      label={label}
      description={locked}
      data={[...CHOICES]}
      disabled={locked !== undefined}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value as Wanted)}
      data-testid={testId}
    />
  );
}

/** Returns the values that were chosen, as the API has them. */
export function toSettings(wanted: { readonly [name: string]: Wanted }): { [name: string]: boolean | null } {
  return Object.fromEntries(
    Object.entries(wanted)
      .filter(([, value]) => value !== 'keep')
      .map(([name, value]) => [name, value === 'clear' ? null : value === 'on']),
  );
}
