import { Button, Code, Group, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type RejectedEvent, retryRejectedEvent } from '../api.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { IconRefresh } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
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
    mutationFn: () => retryRejectedEvent(rejected.rejected_id),
    onSuccess: (response) => {
      if (response.rejected.length === 0) onAccepted({ rejected, response });
      return queries.invalidateQueries({ queryKey: ['rejected'] });
    },
  });
  const again = retry.data?.rejected[0];
  const advice = ADVICE_BY_CODE[rejected.code];
  return (
    <li className="rejected-row" data-testid="rejected-row" data-code={rejected.code}>
      <Group gap="sm" justify="space-between" align="flex-start">
        <div className="rejected-words">
          <Text size="sm" fw={600} className="break">
            {rejected.message}
          </Text>
          <Text size="sm" c="dimmed" className="break">
            <span className="name">{rejected.code}</span>
            {rejected.path !== '' && (
              <>
                {' at '}
                <span className="name">{rejected.path}</span>
              </>
            )}
            {' · '}
            {formatEventName(rejected)} · <Times rejected={rejected} />
          </Text>
          {advice !== undefined && <Text size="sm">{advice}</Text>}
        </div>
        <Button
          size="xs"
          variant="default"
          className="rejected-retry"
          leftSection={<IconRefresh size={14} />}
          loading={retry.isPending}
          onClick={() => retry.mutate()}
          data-testid="rejected-retry"
        >
          Retry
        </Button>
      </Group>
      <Disclosure label="Event as received" testId="rejected-event">
        <Code block className="rejected-event">
          {JSON.stringify(rejected.event, null, 2)}
        </Code>
      </Disclosure>
      <div role="status">
        {again && (
          <Text size="sm" className="verdict break" data-testid="rejected-again">
            Rejected again: {again.message}
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
    <>
      {times} times, first <Time value={first} as="full" />, last <Time value={last} as="full" />
    </>
  );
}
