import { Text } from '@mantine/core';
import type { Delivery } from '@tidings/client/types';
import { toReasonWords } from '../shell/reason-words.ts';
import { t } from '../text/text.ts';

/** Whether what the plan said about a delivery still holds: a hold that has ended, or made way for another one, does not. */
export function isInForce({
  decided_by: verdict,
  hold_code: code,
}: Pick<Delivery, 'hold_code' | 'decided_by'>): boolean {
  return verdict !== null && (verdict.verdict !== 'hold' || verdict.code === code);
}

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
