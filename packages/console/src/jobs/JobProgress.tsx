import { Group, Progress, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Job } from '@tidings/client/types';
import { getJobFailures, stopJob } from '../api/jobs.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { formatJobProgress } from './job-text.ts';

const LABELS: { readonly [status in Job['status']]: string } = {
  pending: t('Waiting for a worker'),
  running: t('Running'),
  done: t('Done'),
  stopped: t('Stopped'),
  failed: t('Failed'),
};

/** Progress of a job, a button that stops it, and its failures. */
export function JobProgress({ job }: { job: Job }) {
  const queries = useQueryClient();
  const stop = useMutation({
    mutationFn: () => stopJob(job.job_id),
    onSuccess: () => announce(t('The job is stopped. What it has done stays done.')),
    onSettled: () => queries.invalidateQueries({ queryKey: ['jobs'] }),
  });
  const isOpen = job.ended_at === null;
  return (
    <Stack gap="xs" data-testid="job" data-status={job.status}>
      <Bar job={job} />
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" data-testid="job-progress">
          {LABELS[job.status]}:{' '}
          {job.stopped_by === null
            ? formatJobProgress(job)
            : t('{progress}, by {actor}', { progress: formatJobProgress(job), actor: job.stopped_by })}
          {job.reason !== null && `. ${job.reason}`}
        </Text>
        {isOpen && (
          <ActionButton
            needs="jobs:write"
            action="stop"
            busy={stop.isPending}
            onClick={() => stop.mutate()}
            data-testid="job-stop"
          >
            {t('Stop')}
          </ActionButton>
        )}
      </Group>
      {stop.error && <ProblemView problem={stop.error} />}
      {job.failed > 0 && (
        <Disclosure label={t('{count, number} failed', { count: job.failed })} testId="job-failures">
          <Failures id={job.job_id} total={job.failed} />
        </Disclosure>
      )}
    </Stack>
  );
}

/** Bar of what is done, and in red what failed. The words below it say the same. */
function Bar({ job }: { job: Job }) {
  const { done, skipped, failed } = job;
  const handled = done + skipped + failed;
  const total = job.status === 'done' ? handled : Math.max(job.matched, handled);
  const toPercent = (count: number) => (total === 0 ? 0 : (count / total) * 100);
  const rest = job.status === 'failed' ? 'red' : 'ink';
  return (
    <Progress.Root
      role="progressbar"
      aria-label={`${LABELS[job.status]}: ${formatJobProgress(job)}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={total === 0 ? 100 : Math.round(toPercent(handled))}
    >
      <Progress.Section withAria={false} value={total === 0 ? 100 : toPercent(done + skipped)} color={rest} />
      <Progress.Section withAria={false} value={toPercent(failed)} color="red" data-testid="job-failed-part" />
    </Progress.Root>
  );
}

function Failures({ id, total }: { id: string; total: number }) {
  const list = useQuery({ queryKey: ['jobs', id, 'failures', total], queryFn: () => getJobFailures(id) });
  if (list.error) return <ProblemView problem={list.error} retry={() => list.refetch()} />;
  const failures = list.data?.failures ?? [];
  return (
    <>
      {failures.map(({ item, code, message }) => (
        <Text key={item} size="sm" className="break" data-testid="job-failure">
          <span className="name">{item}</span> {message} <span className="name">{code}</span>
        </Text>
      ))}
      {list.data && total > failures.length && (
        <Text size="sm" c="dimmed">
          {t('{count, number} more; see tidings jobs show {id}', { count: total - failures.length, id })}
        </Text>
      )}
    </>
  );
}
