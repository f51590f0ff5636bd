import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { TRACKING } from '../../model/tracking.ts';
import type { TenantView } from '../../tenants/tenants.ts';

/** Options of each command that gives a tenant its settings. */
export interface SettingOptions {
  readonly name?: string;
  readonly locale?: string;
  readonly zone?: string;
  readonly mailFrom?: string;
  readonly legalName?: string;
  readonly postalAddress?: string;
  readonly preferenceLinkDays?: number;
  readonly tracking?: string;
  readonly branding?: object;
  readonly variables?: object;
  readonly assetBaseUrl?: string;
  readonly localeFallbacks?: object;
  readonly templateSource?: string;
  readonly limits?: object;
  /** Settings to remove. */
  readonly unset?: readonly Setting[];
  readonly json?: boolean;
}

const SETTINGS = [
  ...([
    'locale',
    'zone',
    'mail-from',
    'legal-name',
    'postal-address',
    'preference-link-days',
    'tracking',
    'branding',
  ] as const),
  ...(['variables', 'asset-base-url', 'locale-fallbacks', 'template-source', 'limits'] as const),
] as const;
type Setting = (typeof SETTINGS)[number];

/** Adds the options of a command that gives a tenant its name and settings. */
export function addSettingOptions(command: Command): Command {
  return command
    .option('--name <name>', 'its name')
    .option('--locale <locale>', 'locale of messages to users without one, such as de')
    .option('--zone <zone>', 'time zone of messages to users without one, such as Europe/Berlin')
    .option('--mail-from <sender>', 'the sender of its emails, such as "Acme <hello@acme.example>"')
    .option('--legal-name <name>', 'name of the company, which marketing emails show')
    .option('--postal-address <address>', 'postal address of the company, which marketing emails show')
    .option('--preference-link-days <days>', 'days for which a link shows the whole page of preferences', Number)
    .addOption(new Option('--tracking <what>', 'what is found out about readers of its emails').choices(TRACKING))
    .option('--branding <json>', 'tenant.branding of templates: a JSON object, or @FILE with one', parseObject)
    .option('--variables <json>', 'variables of templates, such as app_name: a JSON object, or @FILE', parseObject)
    .option('--asset-base-url <url>', 'the folder with the files of {{asset "logo.png"}}')
    .option('--locale-fallbacks <json>', `locales to use in the place of one, such as '{"gl": ["es"]}'`, parseObject)
    .addOption(new Option('--template-source <where>', 'where its templates are made').choices(['files', 'api']))
    .option(
      '--limits <json>',
      `rate limits by channel, such as '{"sms": {"tenant": {"per_minute": 600}, "user": {"per_day": 10}}}', or @FILE`,
      parseObject,
    )
    .option('--json', 'print one line of JSON');
}

/** Adds the option that removes settings, for a command that changes a tenant. */
export function addUnsetOption(command: Command): Command {
  return command.addOption(new Option('--unset <settings...>', 'remove these settings').choices(SETTINGS));
}

/** Returns the name and settings as the API takes them; what no option names is absent. */
export function toTenantChange({
  name,
  locale,
  zone,
  mailFrom,
  legalName,
  postalAddress,
  preferenceLinkDays,
  tracking,
  branding,
  variables,
  assetBaseUrl,
  localeFallbacks,
  templateSource,
  limits,
  unset = [],
}: SettingOptions): object {
  const removed = Object.fromEntries(unset.map((setting) => [setting.replaceAll('-', '_'), null]));
  const settings = {
    ...{ locale, zone, mail_from: mailFrom, tracking, branding, variables, limits },
    ...{ legal_name: legalName, postal_address: postalAddress, preference_link_days: preferenceLinkDays },
    ...{ asset_base_url: assetBaseUrl, locale_fallbacks: localeFallbacks, template_source: templateSource },
  };
  return { name, settings: { ...settings, ...removed } };
}

/** Returns a line with the tenant, and one for each of its settings. */
export function formatTenantWithSettings(tenant: TenantView): string[] {
  const settings = Object.entries(tenant.settings).map(
    ([name, value]) => `  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [formatTenant(tenant), ...settings];
}

export function formatTenant({ tenant_id, name, status, follows, created_at }: TenantView): string {
  const catalog = follows === null ? 'catalog of its own' : `catalog of ${follows}`;
  return `${tenant_id}  ${status}  "${name}"  ${catalog}  since ${created_at}`;
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw new InvalidArgumentError('The file cannot be read.');
  }
  throw new InvalidArgumentError('It must be a JSON object.');
}
