import { Anchor, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Batch } from '@tidings/client/types';
import { getBatch } from '../api/batches.ts';
import { count } from '../jobs/job-text.ts';
import { linkToBatches, linkToList, linkToSegment } from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields } from '../shell/Fields.tsx';
import { PAGE_POLL_MS } from '../shell/live-pages.ts';
import { getLook } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { BatchActions } from './BatchActions.tsx';
import { BatchResults } from './BatchResults.tsx';
import { ALL_RECIPIENT_STATES, BATCH_STATES, countFinal, getName, isOpen } from './batch-look.ts';
import { CodeCounts } from './CodeCounts.tsx';
import { OutcomeBar } from './OutcomeBar.tsx';
import { OutcomeLegend } from './OutcomeLegend.tsx';
import { RateForm } from './RateForm.tsx';
import { UploadForm } from './UploadForm.tsx';

/** One batch: its progress, what can be done with it, and what became of each line. */
export function BatchPage({ id, state: requested }: { id: string; state: string | null }) {
  const state = ALL_RECIPIENT_STATES.find((each) => each === requested) ?? null;
  const batch = useQuery({
    queryKey: ['batches', id],
    queryFn: () => getBatch(id),
    refetchInterval: ({ state: { data } }) => (data === undefined || isOpen(data) ? PAGE_POLL_MS : false),
  });
  const can = useScopes();
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <Anchor size="sm" href={linkToBatches()}>
        All batches
      </Anchor>
      <PageTitle data-testid="batch-name">{batch.data ? getName(batch.data) : 'Batch'}</PageTitle>
      {batch.error && <ProblemView problem={batch.error} retry={() => batch.refetch()} />}
      {batch.isPending && <Skeleton height={240} />}
      {batch.data && (
        <>
          <Progress batch={batch.data} />
          {batch.data.state === 'draft' && can('batches:write') && <UploadForm batch={batch.data} />}
          <section aria-label="Results">
            <Stack gap="sm">
              <Title order={2} size="h4">
                Results by line
              </Title>
              <OutcomeLegend batch={batch.data} state={state} />
              <BatchResults key={state} batch={batch.data} state={state} />
            </Stack>
          </section>
        </>
      )}
    </Stack>
  );
}

function Progress({ batch }: { batch: Batch }) {
  const { lines, state } = batch;
  return (
    <Paper withBorder p="md" component="section" aria-label="Progress">
      <Stack gap="sm">
        <Group justify="space-between" gap="sm">
          <Group gap="sm">
            <StatusBadge look={getLook(BATCH_STATES, state)} testId="batch-state" />
            <span className="name">{batch.type}</span>
          </Group>
          <BatchActions batch={batch} />
        </Group>
        {batch.reason !== null && (
          <Text size="sm" fw={600} className="break">
            It makes no progress: {batch.reason}
          </Text>
        )}
        <OutcomeBar batch={batch} />
        <Text size="sm" data-testid="batch-progress">
          {lines === 0 ? 'No recipients yet.' : `${count(countFinal(batch))} of ${count(lines)} lines done`}
          {batch.eta !== null && (
            <>
              , the rest by about <Time value={batch.eta} as="full" />
            </>
          )}
        </Text>
        {batch.recipients !== null && <Audience recipients={batch.recipients} />}
        <RateForm batch={batch} />
        <CodeCounts codes={batch.codes} />
        <Text size="xs" c="dimmed" className="break">
          Created by {batch.created_by}, <Time value={batch.created_at} as="full" />
          {batch.started_at !== null && (
            <>
              {' · '}started <Time value={batch.started_at} as="full" />
            </>
          )}
          {batch.ended_at !== null && (
            <>
              {' · '}ended <Time value={batch.ended_at} as="full" />
            </>
          )}
        </Text>
        <Disclosure label="What every recipient gets" testId="batch-request">
          <Fields values={batch.request} />
        </Disclosure>
      </Stack>
    </Paper>
  );
}

const AUDIENCE_STATES = {
  pending: 'read after the start',
  reading: 'being read',
  done: 'all of them are lines now',
  cut: 'not all of them: a batch may not have more lines',
  gone: 'the list was deleted',
};

/** List or segment whose users become lines. */
function Audience({ recipients }: { recipients: NonNullable<Batch['recipients']> }) {
  const { list, segment, state, found } = recipients;
  return (
    <Text size="sm" className="break" data-testid="batch-audience">
      Users of the{' '}
      {segment === undefined ? (
        <a href={linkToList(list ?? '')}>list</a>
      ) : (
        <>
          segment{' '}
          <a className="name" href={linkToSegment(segment)}>
            {segment}
          </a>
        </>
      )}
      {': '}
      {AUDIENCE_STATES[state] ?? state}
      {found > 0 && `, ${count(found)} so far`}
    </Text>
  );
}
