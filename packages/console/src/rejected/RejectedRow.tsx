import { Button, Code, Group, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type RefusedEvent, retryRefused } from '../api.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { IconRefresh } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { WHAT_TO_DO } from './codes.ts';
import { eventName } from './event-name.ts';
import type { Taken } from './RetryAccepted.tsx';

/** One event that was refused: why, where, how often, the event itself, and another try. */
export function RejectedRow({ refused, onTaken }: { refused: RefusedEvent; onTaken: (taken: Taken) => void }) {
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () => retryRefused(refused.rejected_id),
    onSuccess: (answer) => {
      if (answer.rejected.length === 0) onTaken({ refused, answer });
      return queries.invalidateQueries({ queryKey: ['refused'] });
    },
  });
  const again = retry.data?.rejected[0];
  const advice = WHAT_TO_DO[refused.code];
  return (
    <li className="refused-row" data-testid="refused-row" data-code={refused.code}>
      <Group gap="sm" justify="space-between" align="flex-start">
        <div className="refused-words">
          <Text size="sm" fw={600} className="break">
            {refused.message}
          </Text>
          <Text size="sm" c="dimmed" className="break">
            <span className="name">{refused.code}</span>
            {refused.path !== '' && (
              <>
                {' at '}
                <span className="name">{refused.path}</span>
              </>
            )}
            {' · '}
            {eventName(refused)} · <Times refused={refused} />
          </Text>
          {advice !== undefined && <Text size="sm">{advice}</Text>}
        </div>
        <Button
          size="xs"
          variant="default"
          className="refused-retry"
          leftSection={<IconRefresh size={14} />}
          loading={retry.isPending}
          onClick={() => retry.mutate()}
          data-testid="refused-retry"
        >
          Try again
        </Button>
      </Group>
      <Disclosure label="The event as it came" testId="refused-event">
        <Code block className="refused-event">
          {JSON.stringify(refused.event, null, 2)}
        </Code>
      </Disclosure>
      <div role="status">
        {again && (
          <Text size="sm" className="verdict break" data-testid="refused-again">
            Refused again: {again.message}
          </Text>
        )}
      </div>
      {retry.error && <ProblemView problem={retry.error} />}
    </li>
  );
}

function Times({ refused: { times, first_at: first, last_at: last } }: { refused: RefusedEvent }) {
  if (times === 1) return <Time value={last} as="full" />;
  return (
    <>
      {times} times, first <Time value={first} as="full" />, last <Time value={last} as="full" />
    </>
  );
}
