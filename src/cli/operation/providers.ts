import type { Command } from 'commander';
import type { ProviderDescription } from '../../accounts/describe-providers.ts';
import type { TestResult } from '../../accounts/trials.ts';
import { ConfigError } from '../../errors.ts';
import { EXIT_FAILURE } from '../exit-codes.ts';
import { addSecretOptions, readSecret } from '../read-secret.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

interface Checked {
  readonly ok: boolean | null;
  readonly code: string | null;
  readonly reason: string | null;
}

/** Adds the commands `providers list|check|send-test`. */
export function addProvidersCommands(program: Command): void {
  const providers = program
    .command('providers')
    .description('List the providers that an account may have, and try accounts (TIDINGS_URL)');
  providers
    .command('list')
    .description('List the providers with their channels and settings')
    .option(...JSON_OPTION)
    .action(({ json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get('/api/v1/providers')) as { readonly providers: readonly ProviderDescription[] };
        return { data, lines: data.providers.map(formatProvider) };
      }),
    );
  providers
    .command('check')
    .description('Ask a provider whether it lets an account in; sends nothing')
    .argument('<account>')
    .option(...JSON_OPTION)
    .action((account: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.post(`${toPath(account)}/check`)) as Checked;
        if (data.ok === false) process.exitCode = EXIT_FAILURE;
        return { data, lines: [formatCheck(account, data)] };
      }),
    );
  const sendTest = providers
    .command('send-test')
    .description('Send one plain message by an account')
    .argument('<account>');
  addSecretOptions(
    sendTest,
    'to',
    'an email address, a phone number such as +351912345678, a URL, a chat channel, the token of a device, or the subscription of a browser as JSON',
  )
    .addHelpText('after', '\nAn account of a chat says itself where its messages go: there --to may be absent.')
    .option('--channel <channel>', 'needed for an account of several channels')
    .option('--platform <platform>', 'ios or android: the address is the token of a device')
    .option('--environment <environment>', 'of APNs, for the token of a device: sandbox or production')
    .option(...JSON_OPTION)
    .action((account: string, { to, toEnv, toFile, channel, json, ...device }: SendTestOptions) =>
      runApiCommand(json, async (api) => {
        const source = { value: to, variable: toEnv, file: toFile };
        const isNamed = (to ?? toEnv ?? toFile ?? device.platform) !== undefined;
        const target =
          !isNamed && (await isChat(api, account, channel)) ? {} : toTarget(readSecret('to', source), device);
        const body = { to: target, ...(channel === undefined ? {} : { channel }) };
        const data = (await api.post(`${toPath(account)}/test-send`, body)) as TestResult;
        if (data.outcome !== 'sent' && data.outcome !== 'sandboxed') process.exitCode = EXIT_FAILURE;
        return { data, lines: [formatResult(account, data)] };
      }),
    );
}

interface SendTestOptions {
  readonly to?: string;
  readonly toEnv?: string;
  readonly toFile?: string;
  readonly channel?: string;
  readonly platform?: string;
  readonly environment?: string;
  readonly json?: boolean;
}

/** Whether a test message of the account goes to a chat, which the settings of the account name. */
async function isChat(api: ApiClient, account: string, channel: string | undefined): Promise<boolean> {
  const { channels } = (await api.get(toPath(account))) as { readonly channels: readonly string[] };
  return (channel ?? channels.join()) === 'chat';
}

/** Returns the target that a text names. @throws ConfigError if its kind cannot be seen */
function toTarget(text: string, device: { readonly platform?: string; readonly environment?: string }): object {
  if (device.platform !== undefined) return { device: { ...device, token: text } };
  if (text.startsWith('{')) return { browser: readSubscription(text) };
  if (/^https?:\/\//.test(text)) return { url: text };
  if (/^\+\d[\d ]+$/.test(text)) return { phone: text.replaceAll(' ', '') };
  if (text.includes('@')) return { email: text };
  if (/^[#A-Z]\S+$/.test(text)) return { chat: text };
  throw new ConfigError(
    '--to is no address, number, URL or channel of a chat; for the token of a device add --platform',
  );
}

/** Returns the subscription of a browser, as `JSON.stringify(subscription)` writes it. @throws ConfigError */
function readSubscription(text: string): object {
  try {
    const { endpoint, keys } = JSON.parse(text);
    return { endpoint, p256dh: keys.p256dh, auth: keys.auth };
  } catch {
    throw new ConfigError('--to is no subscription of a browser: {"endpoint":"…","keys":{"p256dh":"…","auth":"…"}}');
  }
}

function toPath(account: string): string {
  return `/api/v1/provider-accounts/${encodeURIComponent(account)}`;
}

function formatProvider({ provider, label, channels, settings, secrets }: ProviderDescription): string {
  const required = (settings.required as readonly string[] | undefined) ?? [];
  const names = Object.keys((settings.properties as object | undefined) ?? {}).map((name) => {
    const marks = [required.includes(name) ? 'required' : '', secrets.includes(name) ? 'secret' : ''].filter(Boolean);
    return marks.length === 0 ? name : `${name} (${marks.join(', ')})`;
  });
  return `${provider}  ${label}  ${channels.join(', ')}  ${names.join(', ')}`;
}

function formatCheck(account: string, { ok, code, reason }: Checked): string {
  if (ok === null) return `${account}: the provider offers no way to ask; send a test message`;
  if (ok) return `${account}: the provider lets it in`;
  return `${account}: ${reason}${code === null ? '' : ` (code ${code})`}`;
}

function formatResult(
  account: string,
  { outcome, provider, code, reason, provider_message_id: id }: TestResult,
): string {
  if (outcome === 'sandboxed') return `${account}: a test tenant sends nothing; nothing left this machine`;
  if (outcome === 'sent') return `${account}: ${provider} accepted the message${id === null ? '' : ` as ${id}`}`;
  return `${account}: ${outcome}: ${reason}${code === null ? '' : ` (code ${code})`}`;
}
