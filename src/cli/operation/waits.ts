import { type Command, Option } from 'commander';
import { WAIT_STATUSES } from '../../model/decision.ts';
import type { WaitingInRule } from '../../store/waits/waiting-rules.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { runApiCommand } from '../run-command.ts';
import { addJobOptions, type JobOptions, requireFilter, runJobCommand } from './run-job.ts';

interface WaitList {
  readonly waits: readonly {
    readonly wait_id: string;
    readonly user_id: string;
    readonly rule: string;
    readonly key: string | null;
    readonly kind: string;
    readonly status: string;
    readonly catalog_version: number;
    readonly due_at: string;
    readonly failure: {
      readonly attempts: number;
      readonly reason: string;
      readonly set_aside_at: string | null;
    } | null;
  }[];
  readonly next: string | null;
}

/** Adds the commands `waits list|rules|cancel|migrate|fire|retry|dismiss`. */
export function addWaitsCommands(program: Command): void {
  const waits = program.command('waits').description('Manage the pending waits of a running Tidings (TIDINGS_URL)');
  waits
    .command('list')
    .description('List waits, newest first')
    .option('--user <id>', 'only of this user_id')
    .option('--rule <name>', 'only in this rule')
    .option('--key <value>', 'only with this value of the key of their rule')
    .addOption(new Option('--status <status>', 'only with this status').choices(WAIT_STATUSES).default('waiting'))
    .option('--set-aside', 'only those that could not be fired, and are set aside')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--json', 'print one line of JSON')
    .action(
      (options: {
        user?: string;
        rule?: string;
        key?: string;
        status: string;
        setAside?: true;
        limit: number;
        json?: boolean;
      }) =>
        runApiCommand(options.json, async (api) => {
          const { user, rule, key, status, setAside, limit } = options;
          const query = new URLSearchParams({
            status,
            limit: `${limit}`,
            ...(user && { user_id: user }),
            ...(rule && { rule }),
            ...(key && { key }),
            ...(setAside && { set_aside: 'true' }),
          });
          const data = (await api.get(`/api/v1/waits?${query}`)) as WaitList;
          return { data, lines: formatList(data) };
        }),
    );
  const cancel = addJobOptions(waits.command('cancel'))
    .description('Cancel one pending wait, or as a job all those of a rule')
    .argument('<rule or id>', 'the name of the rule, or the id of the wait; see `tidings waits list`');
  cancel.option(...YES_OPTION).action(async (what: string, options: JobOptions) => {
    const isOne = WAIT_ID.test(what);
    if (isOne || !options.preview) {
      await confirm(`Cancel ${isOne ? 'the wait' : 'all pending waits of the rule'} ${what}?`, options.yes);
    }
    return isOne
      ? cancelOne(what, options)
      : runJobCommand(options, { action: 'waits.cancel', filter: { rule: what } });
  });
  addJobOptions(waits.command('migrate'))
    .description('Move the pending waits of a rule to the active catalog version, as a job')
    .argument('<rule>', 'its name')
    .action((rule: string, options: JobOptions) =>
      runJobCommand(options, { action: 'waits.migrate', filter: { rule } }),
    );
  waits
    .command('rules')
    .description('Count the pending waits of each rule, with what is due and overdue')
    .option('--json', 'print one line of JSON')
    .action(({ json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get('/api/v1/waits/rules')) as { readonly rules: readonly WaitingInRule[] };
        return { data, lines: data.rules.length === 0 ? ['Nothing waits.'] : data.rules.map(formatRule) };
      }),
    );
  addJobOptions(waits.command('fire'))
    .description('Make the pending waits of a rule due now, as a job; those for the absence of an event stay')
    .argument('<rule>', 'its name')
    .option(...YES_OPTION)
    .action(async (rule: string, options: JobOptions) => {
      if (!options.preview) await confirm(`End all pending waits of the rule ${rule} now?`, options.yes);
      return runJobCommand(options, { action: 'waits.fire', filter: { rule } });
    });
  addSetAsideCommand(waits, 'retry').description('Try a wait again that is set aside, or as a job all those of a rule');
  addSetAsideCommand(waits, 'dismiss')
    .description('End a wait that is set aside without firing it, or as a job all those of a rule')
    .option(...YES_OPTION);
}

/** Adds a command for waits that are set aside. */
function addSetAsideCommand(waits: Command, what: 'retry' | 'dismiss'): Command {
  return addJobOptions(waits.command(what))
    .argument('[rule or id]', 'the name of the rule, or the id of the wait; see `tidings waits list --set-aside`')
    .action(async (given: string | undefined, options: JobOptions, command: Command) => {
      if (given === undefined) requireFilter(command, options, {});
      const isOne = given !== undefined && WAIT_ID.test(given);
      if (what === 'dismiss' && (isOne || !options.preview)) {
        const which = isOne
          ? `the wait ${given}`
          : `all waits ${given === undefined ? '' : `of the rule ${given} `}that are set aside`;
        await confirm(`End ${which} without firing?`, options.yes);
      }
      if (!isOne) return runJobCommand(options, { action: `waits.${what}`, filter: { rule: given } });
      return what === 'dismiss' ? cancelOne(given, options) : retryOne(given, options);
    });
}

function formatRule(one: WaitingInRule): string {
  const hour = one.due_by_hour[0] ?? 0;
  const day = one.due_by_hour.reduce((sum, count) => sum + count, 0);
  const more = one.at_least ? '+' : '';
  return `${one.next_due_at}  ${one.rule}  ${one.waits}${more} waits, ${hour} due in an hour, ${day} in a day, ${one.overdue} overdue  (oldest version ${one.oldest_version})`;
}

function retryOne(id: string, { json }: JobOptions): Promise<void> {
  return runApiCommand(json, async (api) => {
    const data = (await api.post(`/api/v1/waits/${id}/retry`)) as { readonly user_id: string };
    return { data, lines: [`The wait of ${data.user_id} is tried again.`] };
  });
}

/** Ids of waits; no rule is named like one. */
const WAIT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function cancelOne(id: string, { json }: JobOptions): Promise<void> {
  return runApiCommand(json, async (api) => {
    const data = (await api.post(`/api/v1/waits/${id}/cancel`)) as { readonly user_id: string };
    return { data, lines: [`The wait of ${data.user_id} is cancelled.`] };
  });
}

function formatFailure(failure: WaitList['waits'][number]['failure']): string {
  if (failure === null) return '';
  const { set_aside_at: setAsideAt, attempts, reason } = failure;
  return `  ${setAsideAt === null ? 'failed' : 'set aside'} after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}: ${reason}`;
}

function formatList({ waits, next }: WaitList): string[] {
  const lines = waits.map(
    ({ wait_id, due_at, status, kind, rule, user_id, key, catalog_version, failure }) =>
      `${due_at}  ${status.padEnd(9)}  ${kind.padEnd(8)}  ${rule}  ${user_id}${key === null ? '' : `  [${key}]`}  (version ${catalog_version})  ${wait_id}${formatFailure(failure)}`,
  );
  if (next !== null && lines.length > 0) lines.push('… and more; see --limit');
  if (lines.length > 0) return lines;
  return [next === null ? 'No waits found.' : 'None of the latest waits match; narrow the list by --user, or --key.'];
}
