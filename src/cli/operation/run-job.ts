import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import type { JobActionName, JobFailure, JobTrial } from '../../model/job.ts';
import type { JobView } from '../../store/jobs/jobs.ts';
import { type CommandOutput, runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

/** Options of each command that starts a job. */
export interface JobOptions {
  readonly all?: boolean;
  readonly preview?: boolean;
  readonly detach?: boolean;
  readonly perSecond?: number;
  readonly name?: string;
  readonly json?: boolean;
  /** Only of commands that destroy something. */
  readonly yes?: boolean;
}

export interface JobCommand {
  readonly action: JobActionName;
  /** Fields that are undefined are left out. */
  readonly filter: { readonly [field: string]: unknown };
  readonly patch?: object | undefined;
  readonly compute?: object | undefined;
}

/** Pause between two looks at a job that is followed. */
const FOLLOW_PAUSE_MS = 300;

/** Adds the options of a command that starts a job. @param isForAll whether it has a filter, and `--all` for no filter */
export function addJobOptions(command: Command, { isForAll = true }: { readonly isForAll?: boolean } = {}): Command {
  if (isForAll) command.option('--all', 'everything: without it, a filter is required');
  return command
    .option('--preview', 'count what it would do, and do nothing')
    .option('--detach', 'start it and do not wait for its end')
    .option('--per-second <n>', 'items per second, at most', parseCount)
    .option('--name <text>', 'a name for the list of jobs')
    .option('--json', 'print one line of JSON');
}

/** Runs a command over many items as a job of the server, or previews it; follows the job unless it is detached. */
export function runJobCommand(options: JobOptions, { action, filter, patch, compute }: JobCommand): Promise<void> {
  return runApiCommand(options.json, async (api) => {
    const chosen = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
    const body = { action, filter: chosen };
    const correction = { ...(patch && { patch }), ...(compute && { compute }) };
    if (options.preview) {
      const trial = action === 'rejected.retry' && { ...correction, trial: true };
      return previewOutput(await api.post('/api/v1/jobs/preview', { ...body, ...trial }));
    }
    const { perSecond: per_second, name } = options;
    const request = { ...body, name, per_second, ...correction };
    const started = (await api.post('/api/v1/jobs', request, { 'idempotency-key': randomUUID() })) as JobView;
    const job = options.detach ? started : await follow(api, started);
    const failures = job.failed > 0 ? await loadFailures(api, job.job_id) : [];
    return { data: { ...job, failures }, lines: formatJobEnd(job, failures) };
  });
}

/** Throws unless a filter is given, or `--all`: a forgotten option must not mean everything. */
export function requireFilter(command: Command, { all }: JobOptions, filter: JobCommand['filter']): void {
  const isEmpty = Object.values(filter).every((value) => value === undefined);
  if (isEmpty && !all) command.error('error: name what it is for, by an option such as --type, or --all');
}

/** Polls the job until it has ended, and prints its progress to stderr. */
async function follow(api: ApiClient, job: JobView): Promise<JobView> {
  console.error(`Job ${job.job_id}; to stop it: tidings jobs stop ${job.job_id}`);
  let latest = job;
  let shown = '';
  while (latest.ended_at === null) {
    await sleep(FOLLOW_PAUSE_MS);
    latest = (await api.get(`/api/v1/jobs/${job.job_id}`)) as JobView;
    const progress = formatProgress(latest);
    if (latest.ended_at === null && progress !== shown) console.error(`${progress} …`);
    shown = progress;
  }
  return latest;
}

async function loadFailures(api: ApiClient, id: string): Promise<readonly JobFailure[]> {
  return ((await api.get(`/api/v1/jobs/${id}/failures`)) as { readonly failures: readonly JobFailure[] }).failures;
}

function previewOutput(data: unknown): CommandOutput {
  const { count, at_least, groups, trial } = data as {
    readonly count: number;
    readonly at_least: boolean;
    readonly groups: readonly { readonly [field: string]: unknown }[];
    readonly trial?: JobTrial;
  };
  const lines = groups.map((group) => {
    const fields = Object.entries(group).filter(([name, value]) => name !== 'count' && value !== null && value !== '');
    return `${String(group.count).padStart(8)}  ${fields.map(([, value]) => String(value)).join('  ')}`;
  });
  const head = `${at_least ? 'At least ' : ''}${formatCount(count, 'item')} would be changed.`;
  return { data, lines: [head, ...lines, ...(trial ? formatTrial(trial) : [])] };
}

function formatTrial({ tried, accepted, sends, items }: JobTrial): string[] {
  const head = `Tried on the latest ${tried}: ${accepted} would be accepted, with ${formatCount(sends, 'decision')} to send.`;
  return [
    head,
    ...items.map(({ item, status, message, changes }) => {
      const values = changes.map(({ path, before, after }) => `${path}: ${toText(before)} → ${toText(after)}`);
      return `  ${item}  ${status}  ${[...values, ...(message === null ? [] : [message])].join('  ')}`;
    }),
  ];
}

const toText = (value: unknown): string => JSON.stringify(value);

/** Formats the counts of a job: `500 of 5000 done, 2 failed`. */
export function formatProgress({ done, skipped, failed, matched, matched_exact }: JobView): string {
  const total = `${matched_exact ? '' : 'at least '}${matched}`;
  const rest = [skipped > 0 ? `${skipped} left as they are` : '', failed > 0 ? `${failed} failed` : ''].filter(Boolean);
  return [`${done} of ${total} done`, ...rest].join(', ');
}

/** Formats a job that has ended, or was started without being followed, with its first failures. */
export function formatJobEnd(job: JobView, failures: readonly JobFailure[]): string[] {
  const lines = failures.map(({ item, code, message }) => `  ${item}  ${code}  ${message}`);
  if (failures.length < job.failed) lines.push(`  … ${job.failed - failures.length} more`);
  const end = job.status === 'done' ? '' : job.reason === null ? `: ${job.status}` : `: ${job.status}, ${job.reason}`;
  return [`Job ${job.job_id}${end}: ${formatProgress(job)}.`, ...lines];
}

export function parseCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1.');
}
