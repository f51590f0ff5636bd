import type { Command } from 'commander';
import type { Api } from './api.ts';
import { runApiCommand } from './run-command.ts';

interface Waits {
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

interface Step {
  readonly users: number;
  readonly waits: number;
  /** Of another kind than the rule makes now. */
  readonly skipped?: number;
  readonly next: string | null;
  readonly version?: number;
}

/** `waits list|cancel|migrate`: who waits in the rules of a running Tidings. */
export function waitsCommands(program: Command): void {
  const waits = program.command('waits').description('Who waits in which rule of a running Tidings (TIDINGS_URL)');
  waits
    .command('list')
    .description('What waits, newest first')
    .option('--user <id>', 'of this user_id')
    .option('--rule <name>', 'in this rule')
    .option('--status <status>', 'waiting, fired or cancelled', 'waiting')
    .option('--limit <n>', 'at most so many', '50')
    .option('--json', 'answer as one line of JSON')
    .action((options: { user?: string; rule?: string; status: string; limit: string; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const { user, rule, status, limit } = options;
        const query = new URLSearchParams({ status, limit, ...(user && { user_id: user }), ...(rule && { rule }) });
        const data = (await api.get(`/api/v1/waits?${query}`)) as Waits;
        return { data, lines: listLines(data) };
      }),
    );
  for (const [name, description, said] of [
    ['cancel', 'End everything that waits in a rule', 'cancelled'],
    ['migrate', 'Have everything that waits in a rule end by the catalog in force', 'migrated'],
  ] as const) {
    waits
      .command(name)
      .description(description)
      .argument('<rule>', 'its name')
      .option('--json', 'answer as one line of JSON')
      .action((rule: string, options: { json?: boolean }) =>
        runApiCommand(options.json, async (api) => {
          const data = await inSteps(api, `/api/v1/waits/${name}`, rule);
          const version = data.version === undefined ? '' : ` to catalog version ${data.version}`;
          const skipped = data.skipped
            ? ` ${data.skipped} of another kind than the rule makes now stay as they are.`
            : '';
          return { data: { rule, ...data }, lines: [`${amount(data)} ${said}${version}.${skipped}`] };
        }),
      );
  }
}

/** Call by call, until nobody is left; says how far it is on stderr. */
async function inSteps(api: Api, path: string, rule: string): Promise<Omit<Step, 'next'>> {
  const { rules } = (await api.get('/api/v1/waits/rules')) as {
    readonly rules: readonly { rule: string; users: number }[];
  };
  const all = rules.find((one) => one.rule === rule)?.users ?? 0;
  let sum: Omit<Step, 'next'> = { users: 0, waits: 0 };
  let after: string | null = null;
  do {
    const step = (await api.post(path, { rule, ...(after === null ? {} : { after }) })) as Step;
    const { users, waits, skipped = 0, next, ...more } = step;
    sum = { ...more, users: sum.users + users, waits: sum.waits + waits, skipped: (sum.skipped ?? 0) + skipped };
    after = next;
    if (after !== null) console.error(`${sum.users} of about ${all} people …`);
  } while (after !== null);
  const { version, skipped = 0, ...done } = sum;
  return version === undefined ? done : { version, ...done, skipped };
}

function amount({ users, waits }: { readonly users: number; readonly waits: number }): string {
  return `${waits} ${waits === 1 ? 'wait' : 'waits'} of ${users} ${users === 1 ? 'person' : 'people'}`;
}

function listLines({ waits, next }: Waits): string[] {
  const lines = waits.map(
    ({ due_at, status, kind, rule, user_id, key, catalog_version }) =>
      `${due_at}  ${status.padEnd(9)}  ${kind.padEnd(8)}  ${rule}  ${user_id}${key === null ? '' : `  [${key}]`}  (version ${catalog_version})`,
  );
  if (next !== null) lines.push('… and more; see --limit');
  return lines.length > 0 ? lines : ['Nobody waits.'];
}
