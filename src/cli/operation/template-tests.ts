import { type Command, Option } from 'commander';
import { CHANNELS } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import { runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';
import { collectVariable, formatResult, type Result, readEvent } from './send-output.ts';

interface TestOptions {
  readonly user?: string;
  readonly to?: string;
  readonly channel?: readonly string[];
  readonly locale?: string;
  readonly template?: string;
  readonly event?: JsonObject;
  readonly last?: boolean;
  readonly var?: { readonly [name: string]: unknown };
  readonly json?: boolean;
}

interface TestAnswer {
  readonly request_id: string;
  readonly result: Result;
}

const PATH = '/api/v1/templates/test';

/** Adds the command `templates test`. */
export function addTemplateTestCommand(templates: Command): void {
  templates
    .command('test <type>')
    .description('Send a notification to one user as a test, with a sample, an event of yours, or their last event')
    .option('--user <id>', 'who gets it')
    .option('--to <address>', 'or an email address or phone number that a user has verified')
    .addOption(new Option('--channel <channel...>', 'some of its channels; default: all').choices(CHANNELS))
    .option('--locale <locale>', 'locale; default: that of the user')
    .option('--template <id>', 'a template of the API in the place of the active one, a draft too: its id, or NAME_V2')
    .option('--event <file>', 'a JSON file with an event; default: a sample by its schema', readEvent)
    .addOption(new Option('--last', 'the newest event of the user for which a rule sends the type').conflicts('event'))
    .option('--var <name=value>', 'a variable; may be repeated', collectVariable)
    .option('--json', 'print one line of JSON')
    .action((type: string, options: TestOptions) =>
      runApiCommand(options.json, async (api) => {
        const data = await sendTest(api, type, options);
        if (data.result.notification_id === null) process.exitCode = 1;
        return { data, lines: [formatResult(data.result, false)] };
      }),
    );
}

/** Sends a test to a user or a verified address. */
export async function sendTest(
  api: ApiClient,
  type: string,
  { user, to, channel, locale, template, event, last, var: variables }: Omit<TestOptions, 'json'>,
): Promise<TestAnswer> {
  return (await api.post(PATH, {
    notification_type: type,
    user_id: user,
    to: to === undefined ? undefined : to.includes('@') ? { email: to } : { phone: to },
    channels: channel,
    locale,
    template,
    event,
    last_event: last,
    variables,
  })) as TestAnswer;
}
