import { Group, Text } from '@mantine/core';
import type { Attempt, DeliveryWithAttempts } from '@tidings/client/types';
import type { Channel } from '../api/types.ts';
import { CancelButton } from '../deliveries/CancelButton.tsx';
import { HoldText, isInForce } from '../deliveries/HoldText.tsx';
import { RetryButton } from '../deliveries/RetryButton.tsx';
import { MessageButton } from '../message/MessageButton.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { getAttemptLook, getDeliveryLook } from '../shell/outcome.ts';
import { Reason } from '../shell/Reason.tsx';
import { ChannelName, StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { VerdictLine } from '../shell/VerdictLine.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { formatReceipt } from './receipt-words.ts';

/** Delivery of a notification on one channel: status, attempts, and the message. */
export function DeliveryLine({ delivery }: { delivery: DeliveryWithAttempts }) {
  const attempts = delivery.attempts ?? [];
  const { finished_at: ended, created_at: created } = delivery;
  const time =
    ended === null ? <T text="since {time}" values={{ time: <Time value={created} /> }} /> : <Time value={ended} />;
  return (
    <div className="delivery" data-row data-testid="delivery" data-status={delivery.status}>
      <Group gap="sm" justify="space-between">
        <Group gap="sm">
          <ChannelName channel={delivery.channel} />
          <StatusBadge look={getDeliveryLook(delivery)} />
          <Text size="sm" c="dimmed">
            {delivery.provider && delivery.status !== 'undeliverable' ? (
              <T text="by {provider}, {time}" values={{ provider: delivery.provider, time }} />
            ) : (
              time
            )}
            {delivery.receipt_state &&
              `, ${[delivery.receipt_state, ...delivery.receipt_flags].map(formatReceipt).join(', ')}`}
          </Text>
        </Group>
        <Group gap="xs">
          <RetryButton delivery={delivery} />
          <CancelButton delivery={delivery} />
          {delivery.has_message && (
            <MessageButton deliveryId={delivery.delivery_id} title={delivery.notification_type} />
          )}
        </Group>
      </Group>
      <Reason code={delivery.reason_code} sentence={delivery.reason} />
      <HoldText delivery={delivery} />
      {delivery.decided_by && isInForce(delivery) && <VerdictLine verdict={delivery.decided_by} hasChannel={false} />}
      {attempts.length > 0 && (
        <Disclosure
          label={t('{count, plural, one {# attempt} other {# attempts}}', { count: attempts.length })}
          testId="attempts-button"
        >
          <ol className="attempts">
            {attempts.map((attempt) => (
              <AttemptLine
                key={attempt.attempt}
                attempt={attempt}
                channel={delivery.channel}
                shownReason={delivery.reason}
              />
            ))}
          </ol>
        </Disclosure>
      )}
    </div>
  );
}

interface AttemptLineProps {
  attempt: Attempt;
  channel: Channel;
  /** The reason already shown above, which is not repeated. */
  shownReason: string | null;
}

/** Attempt of a delivery. */
function AttemptLine({ attempt, channel, shownReason }: AttemptLineProps) {
  return (
    <li data-testid="attempt">
      <Group gap="sm">
        <StatusBadge look={getAttemptLook(attempt, channel)} />
        <Text size="sm" c="dimmed">
          <Time value={attempt.started_at} />
          {` · ${t('{count} ms', { count: attempt.duration_ms })} · ${attempt.provider}`}
        </Text>
      </Group>
      {attempt.reason && attempt.reason !== shownReason && <Text size="sm">{attempt.reason}</Text>}
      {attempt.choice && (
        <Text size="sm" data-testid="choice">
          {attempt.account === null
            ? t('By the installation: {choice}', { choice: attempt.choice })
            : t('By {account}: {choice}', { account: attempt.account, choice: attempt.choice })}
        </Text>
      )}
      {attempt.response && <code className="response">{attempt.response}</code>}
    </li>
  );
}
