import { NativeSelect } from '@mantine/core';
import { t } from '../text/text.ts';

/** Times for which what is replaced goes on working. */
const OVERLAPS = {
  '0s': t('no longer'),
  '1h': t('for another hour'),
  '24h': t('for another day'),
  '7d': t('for another week'),
};

/** The time that is chosen if nothing is said. */
export const USUAL_OVERLAP = '24h';

interface OverlapFieldProps {
  /** Beginning of the sentence that a time ends. */
  readonly label: string;
  readonly value: string;
  readonly onChange: (overlap: string) => void;
}

/** Field for how long a key or a secret works beside the one that replaces it. */
export function OverlapField({ label, value, onChange }: OverlapFieldProps) {
  return (
    <NativeSelect
      label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      data={Object.entries(OVERLAPS).map(([overlap, words]) => ({ value: overlap, label: words }))}
    />
  );
}
