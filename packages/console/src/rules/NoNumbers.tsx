import { Text } from '@mantine/core';
import { t } from '../text/text.ts';

/** Stands in the place of the numbers of a rule that only a draft has. */
export function NoNumbers() {
  return (
    <Text size="sm" c="dimmed">
      {t('A rule that is not active has no numbers yet.')}
    </Text>
  );
}
