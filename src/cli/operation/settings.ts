import type { Command } from 'commander';
import type { TenantView } from '../../tenants/tenants.ts';
import { runApiCommand } from '../run-command.ts';
import {
  addSettingOptions,
  addUnsetOption,
  formatTenantWithSettings,
  type SettingOptions,
  toTenantChange,
} from './tenant-settings.ts';

const PATH = '/api/v1/tenant';

/** Adds the commands `settings show|update`, of the tenant that the caller acts for. They need no key of the installation. */
export function addSettingsCommands(program: Command): void {
  const settings = program
    .command('settings')
    .description('Show or change the settings of your tenant: zone, locale, sender, branding (TIDINGS_URL)');
  settings
    .command('show')
    .description('Show the name and settings of the tenant')
    .option('--json', 'print one line of JSON')
    .action(({ json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(PATH)) as TenantView;
        return { data, lines: formatTenantWithSettings(data) };
      }),
    );
  addUnsetOption(
    addSettingOptions(settings.command('update').description('Change the name or settings of the tenant')),
  ).action((options: SettingOptions) =>
    runApiCommand(options.json, async (api) => {
      const data = (await api.patch(PATH, toTenantChange(options))) as TenantView;
      return { data, lines: formatTenantWithSettings(data) };
    }),
  );
}
