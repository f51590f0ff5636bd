import { Text } from '@mantine/core';
import type { Delivery } from '@tidings/client/types';
import { getHold } from '../shell/outcome.ts';
import { toReasonWords } from '../shell/reason-words.ts';
import { t } from '../text/text.ts';

type Held = Pick<Delivery, 'hold_code' | 'due_at' | 'decided_by'>;

/** Whether what the plan said about a delivery still holds: a hold that has ended, or made way for another one, does not. */
export function isInForce(delivery: Held): boolean {
  const { decided_by: verdict } = delivery;
  return verdict !== null && (verdict.verdict !== 'hold' || verdict.code === getHold(delivery));
}

/** Why a queued delivery waits. Renders nothing if it does not, or if its verdict says so. */
export function HoldText({ delivery }: { delivery: Held }) {
  const code = getHold(delivery);
  if (code === null || code === delivery.decided_by?.code) return null;
  return (
    <Text size="xs" mt={2} data-testid="hold">
      {t('Waits: {reason}', { reason: toReasonWords(code) })}
    </Text>
  );
}
