import type { Command } from 'commander';
import type { TenantView } from '../../tenants/tenants.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { runApiCommand } from '../run-command.ts';

interface SettingOptions {
  readonly name?: string;
  readonly locale?: string;
  readonly zone?: string;
  readonly mailFrom?: string;
  readonly json?: boolean;
}

const JSON_OPTION = ['--json', 'print one line of JSON'] as const;

/** Adds the commands `tenants list|show|create|update|suspend|resume|delete`. */
export function addTenantsCommands(program: Command): void {
  const tenants = program.command('tenants').description('Manage the tenants of a running Tidings (TIDINGS_URL)');
  tenants
    .command('list')
    .description('List the tenants in order of their ids')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option(...JSON_OPTION)
    .action(({ limit, json }: { limit: number; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`/api/v1/tenants?limit=${limit}`)) as {
          readonly tenants: readonly TenantView[];
          readonly next: string | null;
        };
        const lines = data.tenants.map(formatTenant);
        return { data, lines: data.next === null ? lines : [...lines, '… and more; see --limit'] };
      }),
    );
  tenants
    .command('show')
    .description('Show a tenant')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action((id: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => toResult(await api.get(toPath(id)))),
    );
  addSettings(tenants.command('create').description('Create a tenant').argument('<id>'))
    .option('--follows <id>', 'the tenant whose catalog it has until it applies its own (default: that of the caller)')
    .action((id: string, { follows, ...options }: SettingOptions & { follows?: string }) =>
      runApiCommand(options.json, async (api) => {
        const body = { tenant_id: id, name: options.name, follows, settings: toSettings(options) };
        return toResult(await api.post('/api/v1/tenants', body));
      }),
    );
  addSettings(tenants.command('update').description('Change the name or settings of a tenant').argument('<id>')).action(
    (id: string, options: SettingOptions) =>
      runApiCommand(options.json, async (api) =>
        toResult(await api.patch(toPath(id), { name: options.name, settings: toSettings(options) })),
      ),
  );
  tenants
    .command('suspend')
    .description('Reject the requests of a tenant, and stop what it sends and fires; nothing is lost')
    .argument('<id>')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, { yes, json }: { yes?: boolean; json?: boolean }) => {
      await confirm(`Suspend the tenant ${id}, so that its requests are rejected and nothing of it is sent?`, yes);
      return runApiCommand(json, async (api) => toResult(await api.post(`${toPath(id)}/suspend`)));
    });
  tenants
    .command('resume')
    .description('Accept the requests of a tenant again, and go on with what was open')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action((id: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => toResult(await api.post(`${toPath(id)}/resume`))),
    );
  tenants
    .command('delete')
    .description('Delete a tenant with everything it has')
    .argument('<id>')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, { yes, json }: { yes?: boolean; json?: boolean }) => {
      await confirm(`Delete the tenant ${id} with everything it has? It cannot be restored.`, yes);
      return runApiCommand(json, async (api) => toResult(await api.delete(toPath(id))));
    });
}

function addSettings(command: Command): Command {
  return command
    .option('--name <name>', 'its name')
    .option('--locale <locale>', 'locale of messages to users without one, such as de')
    .option('--zone <zone>', 'time zone of messages to users without one, such as Europe/Berlin')
    .option('--mail-from <sender>', 'the sender of its emails, such as "Acme <hello@acme.example>"')
    .option(...JSON_OPTION);
}

function toSettings({ locale, zone, mailFrom }: SettingOptions): object {
  return { locale, zone, mail_from: mailFrom };
}

function toPath(id: string): string {
  return `/api/v1/tenants/${encodeURIComponent(id)}`;
}

function toResult(data: unknown): { data: unknown; lines: string[] } {
  return { data, lines: [formatTenant(data as TenantView)] };
}

function formatTenant({ tenant_id, name, status, follows, created_at }: TenantView): string {
  const catalog = follows === null ? 'catalog of its own' : `catalog of ${follows}`;
  return `${tenant_id}  ${status}  "${name}"  ${catalog}  since ${created_at}`;
}
