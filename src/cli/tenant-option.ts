import { type Command, InvalidArgumentError } from 'commander';
import { isTenantId, TENANT_ID_HINT } from '../model/tenant.ts';

/** Commands for one tenant, by the name of the first or of both words: those that call a running Tidings, and some on its database. */
const COMMANDS: ReadonlySet<string> = new Set([
  'accounts',
  'addresses',
  'apply',
  'audit',
  'backtest',
  'batches',
  'cards',
  'catalog',
  'connectors',
  'consents',
  'costs',
  'dead-letters',
  'deliveries',
  'devices',
  'explain',
  'generate_card_high_purchase_objects',
  'generate_payment_reminder_objects',
  'inbox',
  'issuers',
  'jobs',
  'keys list',
  'keys update',
  'keys create',
  'keys rotate',
  'keys revoke',
  'lists',
  'mcp',
  'members',
  'metrics',
  'notifications',
  'preferences',
  'problems',
  'providers',
  'queue',
  'rejected',
  'release',
  'routes',
  'search',
  'segments',
  'send',
  'send-test-notification',
  'sending',
  'settings',
  'sources',
  'sinks',
  'setup-notification-preferences',
  'suppressions',
  'tail',
  'templates',
  'tokens',
  'trace',
  'users',
  'waits',
  'webhooks',
]);

/** Tenant given by --tenant, for the command that runs; undefined: none. */
let givenTenant: string | undefined;

/** Adds `--tenant` to each command that acts for one tenant. */
export function addTenantOptions(program: Command): void {
  for (const command of program.commands) {
    for (const leaf of command.commands.length === 0 ? [command] : command.commands) {
      if (COMMANDS.has(command.name()) || COMMANDS.has(`${command.name()} ${leaf.name()}`)) {
        leaf.option('--tenant <id>', 'the tenant to act for (TIDINGS_TENANT)', parseTenantId);
      }
    }
  }
}

/** Notes the tenant that the options of the command name. */
export function useTenant(action: Command): void {
  givenTenant = action.opts<{ readonly tenant?: string }>().tenant;
}

/** Returns the environment of a command that acts for one tenant: `--tenant` comes before TIDINGS_TENANT and the profile. */
export function withTenant(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return givenTenant === undefined ? env : { ...env, TIDINGS_TENANT: givenTenant };
}

function parseTenantId(text: string): string {
  if (isTenantId(text)) return text;
  throw new InvalidArgumentError(`No tenant has such an id: ${TENANT_ID_HINT}.`);
}
