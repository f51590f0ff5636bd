import { Code, Group, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { JsonObject, RejectedEvent } from '@tidings/client/types';
import { correctRejectedEvent, dismissRejectedEvent, retryRejectedEvent } from '../api/rejected.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { IconBan, IconRefresh } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { CorrectButton } from './CorrectButton.tsx';
import { ADVICE_BY_CODE } from './codes.ts';
import { formatEventName } from './event-name.ts';
import type { AcceptedRetry } from './RetryAccepted.tsx';

/** Rejected event: reason, path, number of times, the event as received, and a retry button. */
export function RejectedRow({
  rejected,
  onAccepted,
}: {
  rejected: RejectedEvent;
  onAccepted: (accepted: AcceptedRetry) => void;
}) {
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: (patch: JsonObject | null) =>
      patch === null ? retryRejectedEvent(rejected.rejected_id) : correctRejectedEvent(rejected.rejected_id, patch),
    onSuccess: (response) => {
      if (response.rejected.length === 0) onAccepted({ rejected, response });
      return queries.invalidateQueries({ queryKey: ['rejected'] });
    },
  });
  const dismiss = async () => {
    try {
      await dismissRejectedEvent(rejected.rejected_id);
      return t('Dismissed: {event}.', { event: formatEventName(rejected) });
    } finally {
      void queries.invalidateQueries({ queryKey: ['rejected'] });
    }
  };
  const again = retry.data?.rejected[0];
  const advice = ADVICE_BY_CODE[rejected.code];
  return (
    <li className="rejected-row" data-row data-testid="rejected-row" data-code={rejected.code}>
      <Group gap="sm" justify="space-between" align="flex-start">
        <div className="rejected-words">
          <Text size="sm" fw={600} className="break" lang="en">
            {rejected.message}
          </Text>
          <Text size="sm" c="dimmed" className="break">
            <T
              text={rejected.path === '' ? '{code}' : '{code} at {path}'}
              values={{
                code: <span className="name">{rejected.code}</span>,
                path: <span className="name">{rejected.path}</span>,
              }}
            />
            {' · '}
            {formatEventName(rejected)} · <Times rejected={rejected} />
            {rejected.source !== null && ` · ${formatOrigin(rejected)}`}
          </Text>
          {advice !== undefined && <Text size="sm">{advice}</Text>}
        </div>
        <Group gap="xs" className="rejected-retry">
          <ActionButton
            needs="rejected:write"
            action="retry"
            leftSection={<IconRefresh size={14} />}
            busy={retry.isPending}
            onClick={() => retry.mutate(null)}
            data-testid="rejected-retry"
          >
            {t('Retry')}
          </ActionButton>
          <CorrectButton rejected={rejected} onCorrect={(patch) => retry.mutate(patch)} />
          <ConfirmButton
            needs="rejected:write"
            label={t('Dismiss')}
            leftSection={<IconBan size={14} />}
            color="red"
            testId="rejected-dismiss"
            act={dismiss}
          >
            {t('The rejected event is deleted: {event}. It can neither be retried nor corrected afterwards.', {
              event: formatEventName(rejected),
            })}
          </ConfirmButton>
        </Group>
      </Group>
      <Disclosure label={t('Event as received')} testId="rejected-event">
        <Code block className="rejected-event">
          {JSON.stringify(rejected.event, null, 2)}
        </Code>
      </Disclosure>
      <div role="status">
        {again && (
          <Text size="sm" className="verdict break" data-testid="rejected-again">
            <T text="Rejected again: {message}" values={{ message: <span lang="en">{again.message}</span> }} />
          </Text>
        )}
      </div>
      {retry.error && <ProblemView problem={retry.error} />}
    </li>
  );
}

function Times({ rejected: { times, first_at: first, last_at: last } }: { rejected: RejectedEvent }) {
  if (times === 1) return <Time value={last} as="full" />;
  return (
    <T
      text="{times} times, first {first}, last {last}"
      values={{ times, first: <Time value={first} as="full" />, last: <Time value={last} as="full" /> }}
    />
  );
}

/** Says which message of a topic it was. */
function formatOrigin({ source, position }: RejectedEvent): string {
  const { topic, partition, offset } = position as { topic?: string; partition?: number; offset?: number };
  return t('from {source}: {topic}, partition {partition}, offset {offset}', { source, topic, partition, offset });
}
