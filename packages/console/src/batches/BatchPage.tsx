import { Anchor, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Batch } from '@tidings/client/types';
import { getBatch } from '../api/batches.ts';
import { linkToBatches, linkToList, linkToSegment } from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields } from '../shell/Fields.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { getLook } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { BatchActions } from './BatchActions.tsx';
import { BatchResults } from './BatchResults.tsx';
import { ALL_RECIPIENT_STATES, BATCH_STATES, countFinal, getName } from './batch-look.ts';
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
    meta: { topics: ['batches'], every: PAGE_MS },
  });
  const can = useScopes();
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <Anchor size="sm" href={linkToBatches()}>
        {t('All batches')}
      </Anchor>
      <PageTitle data-testid="batch-name">{batch.data ? getName(batch.data) : t('Batch')}</PageTitle>
      {batch.error && <ProblemView problem={batch.error} retry={() => batch.refetch()} />}
      {batch.isPending && <Skeleton height={240} />}
      {batch.data && (
        <>
          <Progress batch={batch.data} />
          {batch.data.state === 'draft' && can('batches:write') && <UploadForm batch={batch.data} />}
          <section aria-label={t('Results')}>
            <Stack gap="sm">
              <Title order={2} size="h4">
                {t('Results by line')}
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
  const { state } = batch;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('Progress')}>
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
            {t('It makes no progress: {reason}', { reason: batch.reason })}
          </Text>
        )}
        <OutcomeBar batch={batch} />
        <Text size="sm" data-testid="batch-progress">
          <LinesDone batch={batch} />
        </Text>
        {batch.recipients !== null && <Audience recipients={batch.recipients} />}
        <RateForm batch={batch} />
        <CodeCounts codes={batch.codes} />
        <Text size="xs" c="dimmed" className="break">
          <T
            text="Created by {name}, {time}"
            values={{ name: batch.created_by, time: <Time value={batch.created_at} as="full" /> }}
          />
          {batch.started_at !== null && (
            <>
              {' · '}
              <T text="started {time}" values={{ time: <Time value={batch.started_at} as="full" /> }} />
            </>
          )}
          {batch.ended_at !== null && (
            <>
              {' · '}
              <T text="ended {time}" values={{ time: <Time value={batch.ended_at} as="full" /> }} />
            </>
          )}
        </Text>
        <Disclosure label={t('What every recipient gets')} testId="batch-request">
          <Fields values={batch.request} />
        </Disclosure>
      </Stack>
    </Paper>
  );
}

function LinesDone({ batch }: { batch: Batch }) {
  const { lines, eta } = batch;
  if (lines === 0) return t('No recipients yet.');
  const values = { done: countFinal(batch), lines };
  if (eta === null) return t('{done, number} of {lines, number} lines done', values);
  return (
    <T
      text="{done, number} of {lines, number} lines done, the rest by about {time}"
      values={{ ...values, time: <Time value={eta} as="full" /> }}
    />
  );
}

const AUDIENCE_STATES = {
  pending: t('read after the start'),
  reading: t('being read'),
  done: t('all of them are lines now'),
  cut: t('not all of them: a batch may not have more lines'),
  gone: t('the list was deleted'),
};

/** List or segment whose users become lines. */
function Audience({ recipients }: { recipients: NonNullable<Batch['recipients']> }) {
  const { list, segment, found } = recipients;
  const words = AUDIENCE_STATES[recipients.state] ?? recipients.state;
  const state = found > 0 ? t('{state}, {found, number} so far', { state: words, found }) : words;
  return (
    <Text size="sm" className="break" data-testid="batch-audience">
      {segment === undefined ? (
        <T
          text="Users of the <a>list</a>: {state}"
          values={{ a: (children) => <a href={linkToList(list ?? '')}>{children}</a>, state }}
        />
      ) : (
        <T
          text="Users of the segment {segment}: {state}"
          values={{
            segment: (
              <a className="name" href={linkToSegment(segment)}>
                {segment}
              </a>
            ),
            state,
          }}
        />
      )}
    </Text>
  );
}
