import type { Catalog } from '../catalog/cache.ts';
import type { SampleEvent } from '../catalog/sample-event.ts';
import type { Config } from '../config.ts';
import type { Roles, Running } from '../main.ts';
import { CHANNELS, type Channel } from '../model/delivery.ts';
import { escapeJson, escapeLines } from './escape-terminal.ts';

/** What a start says to people: what runs where, what leaves the machine, and something to try. */
export function startupBanner(
  roles: Roles,
  { url, database, catalog }: Pick<Running, 'url' | 'database'> & { readonly catalog: Pick<Catalog, 'version'> },
  { apiKeys, dataDir, providers }: Pick<Config, 'apiKeys' | 'dataDir' | 'providers'>,
  trial: SampleEvent | null,
): string {
  const lines = [''];
  const what = [roles.api ? 'the API' : '', roles.workers ? 'the workers' : ''].filter(Boolean).join(' and ');
  const where = database === 'embedded' ? `the embedded PostgreSQL in ${dataDir}` : 'an external PostgreSQL';
  lines.push(`Tidings runs ${what} on ${where}, catalog version ${catalog.version}.`);
  if (url) {
    lines.push(
      `  Look      ${url}            API ${url}/api/docs`,
      apiKeys.length > 0
        ? '  Access    with an API key (authorization: Bearer KEY)'
        : '  Access    without authentication, so from this machine only; set TIDINGS_API_KEYS to change that',
    );
  }
  if (roles.workers) lines.push(`  Delivery  ${deliveryText(providers)}`);
  if (url && trial) {
    const key = apiKeys.length > 0 ? "-H 'authorization: Bearer KEY' " : '';
    lines.push(
      `  Try       curl -X POST ${url}/api/v1/events ${key}-H 'content-type: application/json' \\`,
      `              -d ${quoted(escapeJson(trial.event))}`,
      `            curl ${key}${url}/api/v1/explain/${trial.event.user_id}/${encodeURIComponent(trial.notification)}`,
    );
  }
  lines.push('  Stop      Ctrl-C', '');
  return escapeLines(lines);
}

const NAMES: { readonly [channel in Channel]: string } = {
  email: 'e-mail',
  sms: 'SMS',
  push: 'push',
  in_app: 'in-app',
  webhook: 'webhook',
  internal: 'internal',
};

/** What becomes of one channel, or of several. */
const CARRIED = [
  ['smtp', 'goes out by SMTP', 'go out by SMTP'],
  ['sandbox', 'stays in the sandbox', 'stay in the sandbox'],
  ['log', 'goes to the log', 'go to the log'],
  ['noop', 'is thrown away', 'are thrown away'],
] as const;

/** In one sentence, what leaves the machine and what does not. */
export function deliveryText(providers: Config['providers']): string {
  const parts = CARRIED.flatMap(([provider, one, several]) => {
    const channels = CHANNELS.filter((channel) => (providers[channel] ?? 'sandbox') === provider);
    return channels.length === 0 ? [] : [`${listed(channels)} ${channels.length === 1 ? one : several}`];
  });
  const text = parts.join('; ');
  const leaves = Object.values(providers).includes('smtp');
  return leaves ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : `Nothing leaves this machine: ${text}.`;
}

function listed(channels: readonly Channel[]): string {
  const names = channels.map((channel) => NAMES[channel]);
  const last = names.pop();
  return names.length === 0 ? `${last}` : `${names.join(', ')} and ${last}`;
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
