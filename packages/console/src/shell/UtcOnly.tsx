import { Text } from '@mantine/core';
import { t } from '../text/text.ts';

/** That all times are in UTC. */
export function UtcOnly() {
  return (
    <Text size="xs" c="dimmed" className="nowrap" data-testid="zone">
      {t('Times in UTC')}
    </Text>
  );
}
