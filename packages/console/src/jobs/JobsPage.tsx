import { Group, Paper, Stack, Text } from '@mantine/core';
import type { Job } from '@tidings/client/types';
import { getJobs } from '../api/jobs.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { useLivePages } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Time } from '../shell/Time.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { JobProgress } from './JobProgress.tsx';
import { ACTION_LABELS, formatFilter } from './job-text.ts';

const POLL_MS = 2000;
const getId = (job: Job): string => job.job_id;

/** Jobs: what operators do to many items, with progress and failures. */
export function JobsPage() {
  const list = useLivePages<JobsResponse, Job>({
    key: ['jobs'],
    load: getJobs,
    mergePages,
    getId,
    topics: ['jobs'],
    every: POLL_MS,
  });
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <PageTitle>{t('Jobs')}</PageTitle>
      <LiveList
        list={list}
        empty={
          <EmptyState title={t('No jobs')}>
            {t('A job appears here when you retry, cancel or dismiss many items at once.')}
          </EmptyState>
        }
      >
        {(jobs) => (
          <Paper withBorder component="ol" className="rows">
            {jobs.map((job) => (
              <li key={getId(job)} className="rejected-row" data-row data-testid="job-row">
                <Group gap="sm" justify="space-between" align="flex-start" mb="xs">
                  <Text size="sm" fw={600} className="break">
                    {ACTION_LABELS[job.action]}
                    {job.name !== null && `: ${job.name}`}
                  </Text>
                  <Text size="sm" c="dimmed">
                    <T
                      text="started by {actor}, {time}"
                      values={{ actor: job.started_by, time: <Time value={job.created_at} as="full" /> }}
                    />
                  </Text>
                </Group>
                <Text size="sm" c="dimmed" className="break" mb="xs">
                  {t('Filter: {filter}', { filter: formatFilter(job.filter) })}
                </Text>
                <JobProgress job={job} />
              </li>
            ))}
          </Paper>
        )}
      </LiveList>
    </Stack>
  );
}

type JobsResponse = Awaited<ReturnType<typeof getJobs>>;

function mergePages(pages: readonly JobsResponse[]): Job[] {
  return uniqueBy(
    pages.flatMap((page) => page.jobs),
    getId,
  );
}
