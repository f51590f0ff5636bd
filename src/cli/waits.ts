import { type Command, Option } from 'commander';
import { WAIT_STATUSES } from '../model/decision.ts';
import type { ApiClient } from './api-client.ts';
import { formatCount } from './output/format-count.ts';
import { parseLimit } from './parse-argument.ts';
import { runApiCommand } from './run-command.ts';

interface WaitList {
  readonly waits: readonly {
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

interface StepResult {
  readonly users: number;
  readonly waits: number;
  /** Waits that were not migrated: the rule now makes another kind of wait. */
  readonly skipped?: number;
  /** Argument `after` of the next step; null after the last one. */
  readonly next: string | null;
  readonly version?: number;
}

type Total = Omit<StepResult, 'next'>;

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
  for (const [name, description, done] of [
    ['cancel', 'Cancel the pending waits of a rule', 'cancelled'],
    ['migrate', 'Move the pending waits of a rule to the active catalog version', 'migrated'],
  ] as const) {
    waits
      .command(name)
      .description(description)
      .argument('<rule>', 'its name')
      .option('--json', 'print one line of JSON')
      .action((rule: string, options: { json?: boolean }) =>
        runApiCommand(options.json, async (api) => {
          const total = await runInSteps(api, `/api/v1/waits/${name}`, rule);
          return { data: { rule, ...total }, lines: [formatTotal(total, done)] };
        }),
      );
  }
}

/** Calls the API until no wait is left, and prints the progress to stderr. */
async function runInSteps(api: ApiClient, path: string, rule: string): Promise<Total> {
  const { rules } = (await api.get('/api/v1/waits/rules')) as {
    readonly rules: readonly { rule: string; users: number }[];
  };
  const totalUsers = rules.find((one) => one.rule === rule)?.users ?? 0;
  let sum: Total = { users: 0, waits: 0 };
  let after: string | null = null;
  do {
    const step = (await api.post(path, { rule, ...(after === null ? {} : { after }) })) as StepResult;
    const { users, waits, skipped = 0, next, ...rest } = step;
    sum = { ...rest, users: sum.users + users, waits: sum.waits + waits, skipped: (sum.skipped ?? 0) + skipped };
    after = next;
    if (after !== null) console.error(`${sum.users} of about ${totalUsers} users …`);
  } while (after !== null);
  const { version, skipped = 0, ...counts } = sum;
  return version === undefined ? counts : { version, ...counts, skipped };
}

function formatTotal({ users, waits, skipped = 0, version }: Total, done: string): string {
  const count = `${formatCount(waits, 'wait')} of ${formatCount(users, 'user')}`;
  const target = version === undefined ? '' : ` to catalog version ${version}`;
  const rest = skipped > 0 ? ` Skipped ${skipped}: the rule now makes another kind of wait.` : '';
  return `${count} ${done}${target}.${rest}`;
}

function formatList({ waits, next }: WaitList): string[] {
  const lines = waits.map(
    ({ due_at, status, kind, rule, user_id, key, catalog_version }) =>
      `${due_at}  ${status.padEnd(9)}  ${kind.padEnd(8)}  ${rule}  ${user_id}${key === null ? '' : `  [${key}]`}  (version ${catalog_version})`,
  );
  if (next !== null) lines.push('… and more; see --limit');
  return lines.length > 0 ? lines : ['No waits found.'];
}
