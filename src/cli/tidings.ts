import { Command } from 'commander';
import { VERSION } from '../lib/package-version.ts';
import { addApplyCommand } from './catalog/apply.ts';
import { addBacktestCommand } from './catalog/backtest.ts';
import { addCatalogCommands } from './catalog/catalog.ts';
import { addCheckCommand } from './catalog/check.ts';
import { addGenerateCommands } from './catalog/generate.ts';
import { addInitCommand } from './catalog/init.ts';
import { addSimulateCommand } from './catalog/simulate.ts';
import { addTestCommand } from './catalog/test.ts';
import { addDumpCommand } from './database/dump.ts';
import { addKeysCommands } from './database/keys.ts';
import { addMigrateCommand } from './database/migrate.ts';
import { addRestoreCommands } from './database/restore.ts';
import { addRetentionCommands } from './database/retention.ts';
import { addDoctorCommand } from './doctor/doctor.ts';
import { addLogsCommand } from './local/logs.ts';
import { addStopCommand } from './local/stop.ts';
import { addMcpCommand } from './mcp/mcp.ts';
import { addAccountsCommands } from './operation/accounts.ts';
import { addAddressesCommands } from './operation/addresses.ts';
import { addAuditCommand } from './operation/audit.ts';
import { addBatchesCommands } from './operation/batches.ts';
import { addCardsCommands, addConnectorsCommands } from './operation/connectors.ts';
import { addConsentsCommands } from './operation/consents.ts';
import { addCostsCommand } from './operation/costs.ts';
import { addDeadLettersCommands } from './operation/dead-letters.ts';
import { addDeliveriesCommands } from './operation/deliveries.ts';
import { addDevicesCommands } from './operation/devices.ts';
import { addExplainCommand } from './operation/explain.ts';
import { addGenerateObjectsCommands } from './operation/generate-objects.ts';
import { addInboxCommands } from './operation/inbox.ts';
import { addIssuersCommands } from './operation/issuers.ts';
import { addJobsCommands } from './operation/jobs.ts';
import { addListsCommands } from './operation/lists.ts';
import { addMembersCommands } from './operation/members.ts';
import { addMetricsCommand } from './operation/metrics.ts';
import { addNotificationsCommands } from './operation/notifications.ts';
import { addPreferencesCommands } from './operation/preferences.ts';
import { addProvidersCommands } from './operation/providers.ts';
import { addQueueCommand } from './operation/queue.ts';
import { addRejectedCommands } from './operation/rejected.ts';
import { addReleaseCommands } from './operation/releases.ts';
import { addRoutesCommand } from './operation/routes.ts';
import { addSearchCommands } from './operation/search.ts';
import { addSegmentsCommands } from './operation/segments.ts';
import { addSendingCommands } from './operation/sending.ts';
import { addSettingsCommands } from './operation/settings.ts';
import { addSinksCommands } from './operation/sinks.ts';
import { addSourcesCommands } from './operation/sources.ts';
import { addSuppressionsCommands } from './operation/suppressions.ts';
import { addTailCommand } from './operation/tail.ts';
import { addTemplatesCommands } from './operation/templates.ts';
import { addTenantsCommands } from './operation/tenants.ts';
import { addTokensCommands } from './operation/tokens.ts';
import { addTraceCommand } from './operation/trace.ts';
import { addUsersCommands } from './operation/users.ts';
import { addWaitsCommands } from './operation/waits.ts';
import { addWebhooksCommands } from './operation/webhooks.ts';
import { addProfilesCommands } from './profiles/profiles.ts';
import { useProfile } from './profiles/use-profile.ts';
import { addServeCommand } from './serve.ts';
import { addTenantOptions, useTenant } from './tenant-option.ts';

/**
 * Every command. Parsing throws a CommanderError for what the caller has to write differently, and after help; `entry.ts` gives
 * it its exit code.
 */
export const program: Command = new Command('tidings')
  .description('Event-driven notifications that can say why, and why not.')
  .version(VERSION)
  .option('--profile <name>', 'call the installation of this profile; see `tidings profiles` (TIDINGS_PROFILE)')
  .hook('preAction', (self, action) => {
    useTenant(action);
    useProfile(self.opts(), action);
  })
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError()
  .showSuggestionAfterError();

addServeCommand(program, 'start', 'Run everything: the API, the workers, and a PostgreSQL if none is configured', {
  api: true,
  workers: true,
});
addServeCommand(program, 'api', 'Run the API only', { api: true, workers: false });
addServeCommand(program, 'workers', 'Run the workers only: deliveries, waits and schedules', {
  api: false,
  workers: true,
});
addInitCommand(program);
addStopCommand(program);
addLogsCommand(program);
addCheckCommand(program);
addTestCommand(program);
addSimulateCommand(program);
addBacktestCommand(program);
addApplyCommand(program);
addCatalogCommands(program);
addGenerateCommands(program);
addNotificationsCommands(program);
addBatchesCommands(program);
addWaitsCommands(program);
addQueueCommand(program);
addSearchCommands(program);
addCostsCommand(program);
addMetricsCommand(program);
addReleaseCommands(program);
addRoutesCommand(program);
addTemplatesCommands(program);
addDeliveriesCommands(program);
addDeadLettersCommands(program);
addRejectedCommands(program);
addSendingCommands(program);
addSuppressionsCommands(program);
addJobsCommands(program);
addExplainCommand(program);
addTailCommand(program);
addTraceCommand(program);
addMcpCommand(program);
addMembersCommands(program);
addIssuersCommands(program);
addTokensCommands(program);
addWebhooksCommands(program);
addDevicesCommands(program);
addConnectorsCommands(program);
addCardsCommands(program);
addGenerateObjectsCommands(program);
addUsersCommands(program);
addAddressesCommands(program);
addListsCommands(program);
addSegmentsCommands(program);
addSourcesCommands(program);
addSinksCommands(program);
addPreferencesCommands(program);
addConsentsCommands(program);
addInboxCommands(program);
addDoctorCommand(program);
addTenantsCommands(program);
addAccountsCommands(program);
addProvidersCommands(program);
addSettingsCommands(program);
addKeysCommands(program);
addAuditCommand(program);
addMigrateCommand(program);
addDumpCommand(program);
addRestoreCommands(program);
addRetentionCommands(program);
addProfilesCommands(program);
addTenantOptions(program);
