import { readFileSync, writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CHANNELS } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import { runApiCommand } from '../run-command.ts';
import { addStoredTemplateCommands } from './stored-templates.ts';

interface PreviewOptions {
  readonly channel?: string;
  readonly locale?: string;
  readonly template?: string;
  readonly user?: string;
  readonly event?: JsonObject;
  readonly var?: readonly (readonly [string, string])[];
  readonly html?: string;
  readonly dark?: string;
  readonly followLinks?: boolean;
  readonly json?: boolean;
}

interface PreviewView {
  readonly locale: string;
  readonly wanted_locale: string | null;
  readonly message: ({ readonly text: string; readonly html?: string } & JsonObject) | null;
  readonly dark_html?: string;
  readonly html_bytes?: number;
  readonly sms?: {
    readonly encoding: string;
    readonly parts: number;
    readonly units: number;
    readonly units_per_part: number;
  };
  readonly links: readonly { readonly url: string; readonly kind: string; readonly status?: number | null }[];
  readonly findings: readonly { readonly severity: string; readonly code: string; readonly message: string }[];
}

/** Adds the commands `templates preview`. */
export function addTemplatesCommands(program: Command): void {
  const templates = program
    .command('templates')
    .description('Preview templates of the active catalog, and manage those of the API (TIDINGS_URL)');
  templates
    .command('preview <type>')
    .description('Render a message without sending it: a sample, an event of yours, or with the profile of a user')
    .addOption(new Option('--channel <channel>', 'the channel').choices(CHANNELS).default('email'))
    .option('--locale <locale>', 'locale; default: that of the user, or of the tenant')
    .option('--template <id>', 'a template of the API in the place of the active one, a draft too: its id, or NAME_V2')
    .option('--user <id>', 'a user whose profile is shown, with addresses masked')
    .option('--event <file>', 'a JSON file with an event; default: a sample by its schema', readEvent)
    .option('--sample', 'a sample by the schemas of the catalog: the default')
    .option('--var <name=value...>', 'variables', collectVariable)
    .option('--html <file>', 'write the HTML to this file')
    .option('--dark <file>', 'write the HTML as a dark screen shows it to this file')
    .option('--follow-links', 'ask for the first 20 public https:// links')
    .option('--json', 'print one line of JSON')
    .action((type: string, options: PreviewOptions) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.post('/api/v1/templates/preview', {
          notification_type: type,
          channel: options.channel,
          locale: options.locale,
          template: options.template,
          user_id: options.user,
          event: options.event,
          variables: options.var && Object.fromEntries(options.var),
          follow_links: options.followLinks ?? false,
        })) as PreviewView;
        const html = data.message?.html;
        if (options.html !== undefined && html !== undefined) writeFileSync(options.html, html);
        if (options.dark !== undefined && data.dark_html !== undefined) writeFileSync(options.dark, data.dark_html);
        if (data.findings.some(({ severity }) => severity === 'error')) process.exitCode = 1;
        return { data, lines: formatPreview(type, data) };
      }),
    );
  addStoredTemplateCommands(templates);
}

function formatPreview(
  type: string,
  { locale, wanted_locale: wanted, message, html_bytes, sms, links, findings }: PreviewView,
): string[] {
  const chosen = wanted === null || wanted === locale ? locale : `${wanted}→${locale}`;
  const parts = Object.entries(message ?? {}).filter(([name]) => name !== 'html');
  return [
    `${type} in ${chosen}`,
    ...parts.flatMap(([name, value]) => {
      const lines = (typeof value === 'string' ? value : JSON.stringify(value)).split('\n');
      return lines.length === 1 ? [`  ${name}: ${lines[0]}`] : [`  ${name}:`, ...lines.map((line) => `    ${line}`)];
    }),
    ...(html_bytes === undefined ? [] : [`  html: ${html_bytes} bytes (--html FILE writes it)`]),
    ...(sms
      ? [`  sms: ${sms.encoding}, ${sms.parts} parts, ${sms.units} of ${sms.units_per_part} units per part`]
      : []),
    ...links
      .filter(({ status }) => status !== undefined)
      .map(({ url, status }) => `  link: ${url}  ${status ?? 'no answer'}`),
    ...findings.map(({ severity, code, message: text }) => `${severity}: ${text} (${code})`),
  ];
}

/** Returns what an event has for a preview: other fields of its envelope have no part in it. */
function readEvent(file: string): JsonObject {
  try {
    const event = JSON.parse(readFileSync(file, 'utf8')) as JsonObject | null;
    if (typeof event === 'object' && event !== null && !Array.isArray(event)) {
      const known = ['event_type', 'properties', 'user_traits'].filter((name) => event[name] !== undefined);
      return Object.fromEntries(known.map((name) => [name, event[name] ?? null]));
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw new InvalidArgumentError('The file cannot be read.');
  }
  throw new InvalidArgumentError('It must be a file with one event as JSON.');
}

function collectVariable(text: string, before: readonly (readonly [string, string])[] = []) {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write NAME=VALUE.');
  return [...before, [text.slice(0, at), text.slice(at + 1)] as const];
}
