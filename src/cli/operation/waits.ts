import { type Command, Option } from 'commander';
import { WAIT_STATUSES } from '../../model/decision.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { runApiCommand } from '../run-command.ts';
import { addJobOptions, type JobOptions, runJobCommand } from './run-job.ts';

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
  }[];
  readonly next: string | null;
}

/** Adds the commands `waits list|cancel|migrate`. */
export function addWaitsCommands(program: Command): void {
  const waits = program.command('waits').description('Manage the pending waits of a running Tidings (TIDINGS_URL)');
  waits
    .command('list')
    .description('List waits, newest first')
    .option('--user <id>', 'only of this user_id')
    .option('--rule <name>', 'only in this rule')
    .addOption(new Option('--status <status>', 'only with this status').choices(WAIT_STATUSES).default('waiting'))
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--json', 'print one line of JSON')
    .action((options: { user?: string; rule?: string; status: string; limit: number; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const { user, rule, status, limit } = options;
        const query = new URLSearchParams({
          status,
          limit: `${limit}`,
          ...(user && { user_id: user }),
          ...(rule && { rule }),
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
}

/** Ids of waits; no rule is named like one. */
const WAIT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function cancelOne(id: string, { json }: JobOptions): Promise<void> {
  return runApiCommand(json, async (api) => {
    const data = (await api.post(`/api/v1/waits/${id}/cancel`)) as { readonly user_id: string };
    return { data, lines: [`The wait of ${data.user_id} is cancelled.`] };
  });
}

function formatList({ waits, next }: WaitList): string[] {
  const lines = waits.map(
    ({ wait_id, due_at, status, kind, rule, user_id, key, catalog_version }) =>
      `${due_at}  ${status.padEnd(9)}  ${kind.padEnd(8)}  ${rule}  ${user_id}${key === null ? '' : `  [${key}]`}  (version ${catalog_version})  ${wait_id}`,
  );
  if (next !== null) lines.push('… and more; see --limit');
  return lines.length > 0 ? lines : ['No waits found.'];
}
