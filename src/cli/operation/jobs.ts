import type { Command } from 'commander';
import type { JobFailure } from '../../model/job.ts';
import type { JobView } from '../../store/jobs/jobs.ts';
import { parseLimit } from '../parse-argument.ts';
import { runApiCommand } from '../run-command.ts';
import { formatJobEnd, formatProgress } from './run-job.ts';

/** Adds the commands `jobs list|show|stop`. */
export function addJobsCommands(program: Command): void {
  const jobs = program.command('jobs').description('Manage the jobs of a running Tidings (TIDINGS_URL)');
  jobs
    .command('list')
    .description('List jobs, newest first')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--json', 'print one line of JSON')
    .action((options: { limit: number; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const query = new URLSearchParams({ limit: `${options.limit}` });
        const data = (await api.get(`/api/v1/jobs?${query}`)) as {
          readonly jobs: readonly JobView[];
          readonly next: string | null;
        };
        const lines = data.jobs.map(formatJob);
        if (data.next !== null) lines.push('… and more; see --limit');
        return { data, lines: lines.length > 0 ? lines : ['No job has been started.'] };
      }),
    );
  jobs
    .command('show')
    .description('Show the progress of a job, and what it could not change')
    .argument('<id>', 'its id; see `tidings jobs list`')
    .option('--json', 'print one line of JSON')
    .action((id: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const path = `/api/v1/jobs/${encodeURIComponent(id)}`;
        const job = (await api.get(path)) as JobView;
        const { failures } = (await api.get(`${path}/failures`)) as { readonly failures: readonly JobFailure[] };
        return { data: { ...job, failures }, lines: [formatJob(job), ...formatJobEnd(job, failures).slice(1)] };
      }),
    );
  jobs
    .command('stop')
    .description('Stop a job; what it has done stays done')
    .argument('<id>', 'its id; see `tidings jobs list`')
    .option('--json', 'print one line of JSON')
    .action((id: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.post(`/api/v1/jobs/${encodeURIComponent(id)}/stop`)) as JobView;
        return { data, lines: formatJobEnd(data, []).slice(0, 1) };
      }),
    );
}

function formatJob(job: JobView): string {
  const { job_id, created_at, status, action, name, filter, started_by } = job;
  const fields = Object.entries(filter).map(([field, value]) => `${field}=${String(value)}`);
  const what = [action, ...fields].join(' ');
  return `${job_id}  ${created_at}  ${status.padEnd(7)}  ${what}  ${formatProgress(job)}  by ${started_by}${name === null ? '' : `  "${name}"`}`;
}
