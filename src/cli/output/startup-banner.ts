import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import type { SampleEvent } from '../../catalog/sample-event.ts';
import { DEFAULT_SUBSTITUTE, SUBSTITUTES } from '../../channels/substitutes.ts';
import type { Config } from '../../config.ts';
import { joinWords } from '../../lib/text/join-words.ts';
import type { Roles, Running } from '../../main.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { DEFAULT_TENANT } from '../../model/event.ts';
import { escapeJson, escapeLines } from './escape-terminal.ts';

/** Formats the text that a start prints: what runs and where, which channels leave the machine, and commands to try. */
export function formatStartupBanner(
  roles: Roles,
  {
    url,
    healthUrl,
    database,
    catalog,
    providerLabels = {},
    accountChannels = [],
  }: Pick<Running, 'url' | 'healthUrl' | 'database'> & {
    readonly providerLabels?: Running['providerLabels'];
    readonly accountChannels?: Running['accountChannels'];
    readonly catalog: Pick<Catalog, 'version'>;
  },
  {
    apiKeys,
    dataDir,
    providers,
    tenant,
    oidc,
  }: Pick<Config, 'apiKeys' | 'dataDir' | 'providers' | 'tenant'> & Partial<Pick<Config, 'oidc'>>,
  sample: SampleEvent | null,
): string {
  const lines = [''];
  const isOpen = apiKeys.length === 0 && !oidc;
  const parts = [roles.api ? 'the API' : '', roles.workers ? 'the workers' : ''].filter(Boolean).join(' and ');
  const where = database === 'embedded' ? `the embedded PostgreSQL in ${dataDir}` : 'an external PostgreSQL';
  lines.push(`Tidings runs ${parts} on ${where}, catalog version ${catalog.version}.`);
  if (url) {
    lines.push(
      `  Console   ${url}            API ${url}/api/docs`,
      apiKeys.length > 0
        ? '  Access    with an API key (authorization: Bearer KEY)'
        : '  Access    without authentication, from this machine only; to change this, set TIDINGS_API_KEYS',
    );
  }
  if (url && isOpen) lines.push(`  Inbox     ${url}/elements/demo   (bell, list and preferences for your app)`);
  if (tenant !== DEFAULT_TENANT) lines.push(`  Tenant    ${tenant}, whose catalog this is`);
  if (!url) lines.push(`  Health    ${healthUrl}/healthz/ready`);
  if (roles.workers) lines.push(`  Delivery  ${formatDelivery(providers, providerLabels, accountChannels)}`);
  if (url && sample) {
    const key = apiKeys.length > 0 ? "-H 'authorization: Bearer KEY' " : '';
    const headers = tenant === DEFAULT_TENANT ? key : `${key}-H 'x-tidings-tenant: ${tenant}' `;
    const { event, notification } = sample;
    lines.push(
      `  Try       curl -X POST ${url}/api/v1/events ${headers}-H 'content-type: application/json' \\`,
      `              -d ${quoteForShell(escapeJson(event))}`,
      `            curl ${headers}${url}/api/v1/explain/${event.user_id}/${encodeURIComponent(notification)}`,
    );
  }
  lines.push('  Stop      Ctrl-C', '');
  return escapeLines(lines);
}

/**
 * Returns a sentence about which channels leave the machine and which do not, and one about those that tenants have accounts
 * for.
 * @param labels the label of each provider, by its name
 */
export function formatDelivery(
  providers: Config['providers'],
  labels: { readonly [provider: string]: string } = {},
  accountChannels: readonly Channel[] = [],
): string {
  const nameOf = (channel: Channel) => providers[channel] ?? DEFAULT_SUBSTITUTE;
  const leaving = [...new Set(CHANNELS.map(nameOf))].filter((name) => !SUBSTITUTES[name]);
  const parts = [...leaving, ...Object.keys(SUBSTITUTES)].flatMap((name) => {
    const channels = CHANNELS.filter((channel) => nameOf(channel) === name);
    if (channels.length === 0) return [];
    const label = labels[name] ?? name.replaceAll('_', ' ').toUpperCase();
    const { one, several } = SUBSTITUTES[name] ?? { one: `is sent by ${label}`, several: `are sent by ${label}` };
    return [`${formatChannels(channels)} ${channels.length === 1 ? one : several}`];
  });
  const text = parts.join('; ');
  const leaves = leaving.length > 0 || CHANNELS.some((channel) => SUBSTITUTES[nameOf(channel)]?.leaves);
  const own = CHANNELS.filter((channel) => accountChannels.includes(channel));
  if (!leaves && own.length === 0) return `Nothing leaves this machine: ${text}.`;
  const more = own.length === 0 ? '' : ` Tenants with accounts of their own send ${formatChannels(own)} by these.`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.${more}`;
}

function formatChannels(channels: readonly Channel[]): string {
  return joinWords(channels.map((channel) => CHANNEL_DESCRIPTORS[channel].label));
}

/** Quotes a text as one word for a POSIX shell. */
function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
