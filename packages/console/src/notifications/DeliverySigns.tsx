import { Stack, Text } from '@mantine/core';
import type { DeliverySummary } from '@tidings/client/types';
import { HOLD_ENDS } from '../../../../src/model/hold-codes.ts';
import { getDeliveryLook, getHold } from '../shell/outcome.ts';
import { toReasonWords } from '../shell/reason-words.ts';
import { ChannelName, StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';

/** The deliveries of a notification: each channel with what became of it, and why it waits. */
export function DeliverySigns({ deliveries }: { deliveries: readonly DeliverySummary[] }) {
  return (
    <Stack gap={4}>
      {deliveries.map((delivery) => (
        <div key={`${delivery.channel} ${delivery.target}`}>
          <span className="delivery-sign">
            <ChannelName channel={delivery.channel} />
            <StatusBadge look={getDeliveryLook(delivery)} />
          </span>
          <HoldCause code={getHold(delivery)} until={delivery.due_at} />
        </div>
      ))}
    </Stack>
  );
}

/** Why a message waits, and until when if that is known. Renders nothing if it does not wait. */
function HoldCause({ code, until }: { code: string | null; until: string | null }) {
  if (code === null) return null;
  const ends: { readonly [code: string]: string } = HOLD_ENDS;
  const reason = toReasonWords(code);
  return (
    <Text size="xs" c="dimmed" data-testid="hold-cause">
      {until !== null && code !== 'fallback' && ends[code] === 'due' ? (
        <T text="{reason}, until {time}" values={{ reason, time: <Time value={until} as="full" /> }} />
      ) : (
        reason
      )}
    </Text>
  );
}
