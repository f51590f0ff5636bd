import type { Command } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import type { TenantView } from '../../tenants/tenants.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';
import {
  addSettingOptions,
  addUnsetOption,
  formatTenant,
  formatTenantWithSettings,
  type SettingOptions,
  toTenantChange,
} from './tenant-settings.ts';

/** Adds the commands `tenants list|show|create|update|suspend|move|resume|delete`. */
export function addTenantsCommands(program: Command): void {
  const tenants = program.command('tenants').description('Manage the tenants of a running Tidings (TIDINGS_URL)');
  tenants
    .command('list')
    .description('List the tenants in order of their ids')
    .option('--follows <id>', 'only those that follow the catalog of this tenant')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option('--usage <days>', 'also what each used in this many days, today included, up to 366')
    .option(...JSON_OPTION)
    .action(({ follows, limit, usage, json }: { follows?: string; limit: number; usage?: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data =
          follows === undefined
            ? await loadPage(api, limit, '', usage)
            : await loadFollowers(api, follows, limit, usage);
        const lines = data.tenants.map((one) => formatTenant(one) + formatUsage(one.usage));
        if ('has_more' in data ? data.has_more : data.next !== null) lines.push('… and more; see --limit');
        return { data, lines: lines.length > 0 ? lines : ['There are no such tenants.'] };
      }),
    );
  tenants
    .command('show')
    .description('Show a tenant')
    .argument('<id>')
    .option(...JSON_OPTION)
    .action((id: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(toPath(id))) as TenantView;
        return { data, lines: formatTenantWithSettings(data) };
      }),
    );
  addSettingOptions(tenants.command('create').description('Create a tenant').argument('<id>'))
    .option('--follows <id>', 'the tenant whose catalog it has until it applies its own (default: that of the caller)')
    .action((id: string, { follows, ...options }: SettingOptions & { follows?: string }) =>
      runApiCommand(options.json, async (api) => {
        const body = { tenant_id: id, follows, ...toTenantChange(options) };
        return toResult(await api.post('/api/v1/tenants', body));
      }),
    );
  addUnsetOption(
    addSettingOptions(
      tenants.command('update').description('Change the name or settings of a tenant').argument('<id>'),
    ),
  ).action((id: string, options: SettingOptions) =>
    runApiCommand(options.json, async (api) => toResult(await api.patch(toPath(id), toTenantChange(options)))),
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
    .command('move')
    .description('Prepare a tenant for its move to another installation; tidings dump has all of it then')
    .argument('<id>')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, { yes, json }: { yes?: boolean; json?: boolean }) => {
      await confirm(`Stop the tenant ${id} here, so that it can go on in another installation?`, yes);
      return runApiCommand(json, async (api) => toResult(await api.post(`${toPath(id)}/move`)));
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

/** A tenant, with what it used if that was asked for. */
interface ListedTenant extends TenantView {
  readonly usage?: { readonly events: number; readonly decided: number; readonly sent: number } | null;
}

interface Page {
  readonly tenants: readonly ListedTenant[];
  /** Null: this is the last page. */
  readonly next: string | null;
}

interface Followers {
  readonly tenants: readonly ListedTenant[];
  readonly has_more: boolean;
}

/** The largest page of the API. */
const MAX_PAGE = 200;

async function loadPage(api: ApiClient, limit: number, after = '', usage = ''): Promise<Page> {
  const query = new URLSearchParams({
    limit: `${limit}`,
    ...(after && { after }),
    ...(usage && { usage_days: usage }),
  });
  return (await api.get(`/api/v1/tenants?${query}`)) as Page;
}

/** Returns the first tenants that follow a catalog: a list of its own, which no cursor of the API continues. Looks at all tenants, page by page, until it has enough. */
async function loadFollowers(api: ApiClient, follows: string, limit: number, usage?: string): Promise<Followers> {
  const found: ListedTenant[] = [];
  for (let after: string | null = ''; after !== null && found.length <= limit; ) {
    const page: Page = await loadPage(api, MAX_PAGE, after, usage);
    found.push(...page.tenants.filter((tenant) => tenant.follows === follows));
    after = page.next;
  }
  return { tenants: found.slice(0, limit), has_more: found.length > limit };
}

function formatUsage(usage: ListedTenant['usage']): string {
  if (!usage) return '';
  const { events, decided, sent } = usage;
  return `  ${formatCount(events, 'event')}, ${formatCount(decided, 'notification')}, ${formatCount(sent, 'message')} sent`;
}

function toPath(id: string): string {
  return `/api/v1/tenants/${encodeURIComponent(id)}`;
}

function toResult(data: unknown): { data: unknown; lines: string[] } {
  return { data, lines: [formatTenant(data as TenantView)] };
}
