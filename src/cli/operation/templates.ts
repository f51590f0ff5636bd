import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { CHANNELS } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import { runApiCommand } from '../run-command.ts';
import { collectVariable, readEvent, VARIABLE_HELP } from './send-output.ts';
import { addStoredTemplateCommands } from './stored-templates.ts';
import { addTemplateTestCommand } from './template-tests.ts';

interface PreviewOptions {
  readonly channel?: string;
  readonly locale?: string;
  readonly template?: string;
  readonly user?: string;
  readonly event?: JsonObject;
  readonly last?: boolean;
  readonly var?: JsonObject;
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

/** Adds the commands `templates preview|test` and those of templates of the API. */
export function addTemplatesCommands(program: Command): void {
  const templates = program
    .command('templates')
    .description('Preview templates of the active catalog, and manage those of the API (TIDINGS_URL)');
  templates
    .command('preview <type>')
    .description('Render a message without sending it: a sample, an event of yours, or with the profile of a user')
    .addOption(
      new Option('--channel <channel>', 'the channel; default: that of the template, or the first of the type').choices(
        CHANNELS,
      ),
    )
    .option('--locale <locale>', 'locale; default: that of the user, or of the tenant')
    .option('--template <id>', 'a template of the API in the place of the active one, a draft too: its id, or NAME_V2')
    .option('--user <id>', 'a user whose profile is shown, with addresses masked')
    .option('--event <file>', 'a JSON file with an event; default: a sample by its schema', readEvent)
    .addOption(new Option('--last', 'the newest event of the user for which a rule sends the type').conflicts('event'))
    .option('--sample', 'a sample by the schemas of the catalog: the default')
    .option('--var <name=value...>', `variables; ${VARIABLE_HELP}`, collectVariable)
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
          last_event: options.last,
          variables: options.var,
          follow_links: options.followLinks ?? false,
        })) as PreviewView;
        const html = data.message?.html;
        if (options.html !== undefined && html !== undefined) writeFileSync(options.html, html);
        if (options.dark !== undefined && data.dark_html !== undefined) writeFileSync(options.dark, data.dark_html);
        if (data.findings.some(({ severity }) => severity === 'error')) process.exitCode = 1;
        return { data, lines: formatPreview(type, data) };
      }),
    );
  addTemplateTestCommand(templates);
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
