import { Text } from '@mantine/core';
import type { Delivery } from '@tidings/client/types';
import { toReasonWords } from '../shell/reason-words.ts';
import { t } from '../text/text.ts';

/** Why a queued delivery waits. Renders nothing if it does not, or if its verdict says so. */
export function HoldText({ delivery }: { delivery: Pick<Delivery, 'hold_code' | 'decided_by'> }) {
  const { hold_code: code, decided_by: verdict } = delivery;
  if (code === null || code === verdict?.code) return null;
  return (
    <Text size="xs" mt={2} data-testid="hold">
      {t('Waits: {reason}', { reason: toReasonWords(code) })}
    </Text>
  );
}
