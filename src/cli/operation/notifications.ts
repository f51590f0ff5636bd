import { type Command, Option } from 'commander';
import { NOTIFICATION_STATES } from '../../store/notifications.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { parseLimit } from '../parse-argument.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';
import { findTypeByShortName } from './find-type.ts';
import { collectVariable, formatResult, type Result, toSchedule, VARIABLE_HELP } from './send-output.ts';
import { sendTest } from './template-tests.ts';

const PATH = '/api/v1/notifications';

interface SendOptions {
  readonly type: string;
  readonly userId: readonly string[];
  readonly email: readonly string[];
  readonly phone: readonly string[];
  readonly var: { readonly [name: string]: unknown };
  readonly channel?: readonly string[];
  readonly at?: string;
  readonly zone?: string;
  readonly dryRun?: true;
  readonly idempotencyKey?: string;
  readonly json?: boolean;
}

interface Answer {
  readonly accepted: number;
  readonly dry_run: boolean;
  readonly results: readonly Result[];
}

type TestOptions = Pick<SendOptions, 'type' | 'var' | 'json'> & { readonly userId: string };

interface View {
  readonly notification_id: string;
  readonly notification_type: string;
  readonly user_id: string;
  readonly state: string;
  readonly rule: string;
  readonly created_at: string;
  readonly due_at: string | null;
  readonly deliveries: readonly { readonly channel: string; readonly status: string; readonly reason: string | null }[];
}

/** Adds the commands `send`, `send-test-notification` and `notifications list|get|cancel|reschedule`. */
export function addNotificationsCommands(program: Command): void {
  program
    .command('send')
    .description('Send a notification to users or addresses, by a running Tidings (TIDINGS_URL)')
    .requiredOption('--type <type>', 'notification type of the catalog')
    .option('--user-id <id>', 'to this user; may be repeated', collect, [])
    .option('--email <address>', 'to the user with this address, or to the address alone; may be repeated', collect, [])
    .option('--phone <number>', 'the same with a number in E.164 form; may be repeated', collect, [])
    .option('--var <name=value>', `a variable; ${VARIABLE_HELP}; may be repeated`, collectVariable, {})
    .option('--channel <channel>', 'on this channel only; may be repeated', collect)
    .option('--at <time>', 'at this time (2026-12-01T09:00:00Z), or with --zone at this local time')
    .option('--zone <zone>', 'zone of --at: recipient, or an IANA zone')
    .option('--idempotency-key <key>', 'makes it safe to repeat the command')
    .option('--dry-run', 'say what would be sent, and send nothing')
    .option(...JSON_OPTION)
    .action((options: SendOptions) => send(options));
  program
    .command('send-test-notification')
    .description('The same as `templates test`, by the end of the name of a type')
    .requiredOption('--type <type>', 'notification type, or the end of its name: welcome for CLIENT_WELCOME')
    .requiredOption('--user-id <id>', 'your id of the user')
    .option('--var <name=value>', 'a variable; may be repeated', collectVariable, {})
    .option(...JSON_OPTION)
    .action((options: TestOptions) => sendTestNotification(options));
  const notifications = program
    .command('notifications')
    .description('List, show, cancel and move notifications of a running Tidings (TIDINGS_URL)');
  notifications
    .command('list')
    .description('List what is scheduled, and then the newest')
    .option('--user <id>', 'only of this user_id')
    .option('--type <type>', 'only of this notification type')
    .addOption(new Option('--state <state>', 'only in this state').choices(NOTIFICATION_STATES))
    .option('--correlation-id <id>', 'only with this correlation id')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 50)
    .option(...JSON_OPTION)
    .action(
      (options: {
        user?: string;
        type?: string;
        state?: string;
        correlationId?: string;
        limit: number;
        json?: boolean;
      }) =>
        runApiCommand(options.json, async (api) => {
          const { user, type, state, correlationId, limit } = options;
          const query = new URLSearchParams({
            limit: `${limit}`,
            ...(user && { user_id: user }),
            ...(type && { type }),
            ...(state && { state }),
            ...(correlationId && { correlation_id: correlationId }),
          });
          const data = (await api.get(`${PATH}?${query}`)) as { notifications: readonly View[] };
          const lines = data.notifications.map(formatLine);
          return { data, lines: lines.length > 0 ? lines : ['No notifications found.'] };
        }),
    );
  notifications
    .command('get')
    .description('Show a notification with its deliveries')
    .argument('<id>', 'its id')
    .option(...JSON_OPTION)
    .action((id: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`${PATH}/${encodeURIComponent(id)}`)) as View;
        const deliveries = data.deliveries.map(
          ({ channel, status, reason }) => `  ${channel}  ${status}${reason === null ? '' : `: ${reason}`}`,
        );
        return { data, lines: [formatLine(data), ...deliveries] };
      }),
    );
  notifications
    .command('cancel')
    .description('Cancel a notification that is scheduled or on its way, and say what went out')
    .argument('<id>', 'its id')
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .action(async (id: string, { json, yes }: { json?: boolean; yes?: boolean }) => {
      await confirm(`Cancel the notification ${id}?`, yes);
      await runApiCommand(json, (api) => cancel(api, id));
    });
  notifications
    .command('reschedule')
    .description('Move a scheduled notification to another time')
    .argument('<id>', 'its id')
    .requiredOption('--at <time>', 'the new time (2026-12-01T09:00:00Z), or with --zone a local time')
    .option('--zone <zone>', 'zone of --at: recipient, or an IANA zone')
    .option(...JSON_OPTION)
    .action((id: string, { at, zone, json }: { at: string; zone?: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const body = { scheduled_at: toSchedule(at, zone) };
        const data = (await api.post(`${PATH}/${encodeURIComponent(id)}/reschedule`, body)) as {
          readonly state: string;
          readonly due_at?: string;
        };
        const isLate = data.state === 'too_late';
        return { data, lines: [isLate ? 'Too late: it is no longer scheduled.' : `It is due at ${data.due_at}.`] };
      }),
    );
}

function send(options: SendOptions): Promise<void> {
  const { type, userId, email, phone, var: variables, channel, at, zone, dryRun, idempotencyKey, json } = options;
  return runApiCommand(json, async (api) => {
    const body = {
      type,
      recipients: [
        ...userId.map((user_id) => ({ user_id })),
        ...email.map((address) => ({ email: address })),
        ...phone.map((number) => ({ phone: number })),
      ],
      ...(Object.keys(variables).length > 0 && { variables }),
      ...(channel && { channels: channel }),
      ...(at !== undefined && { scheduled_at: toSchedule(at, zone) }),
    };
    const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    const data = (await api.post(`${PATH}${dryRun ? '?dry_run=true' : ''}`, body, headers)) as Answer;
    return { data, lines: data.results.map((result) => formatResult(result, data.dry_run)) };
  });
}

function sendTestNotification({ userId, var: variables, json, ...options }: TestOptions): Promise<void> {
  return runApiCommand(json, async (api) => {
    const type = await findTypeByShortName(api, options.type, userId);
    const data = await sendTest(api, type, { user: userId, var: variables });
    if (data.result.notification_id === null) process.exitCode = 1;
    return { data: { type, ...data }, lines: [`${type}  ${formatResult(data.result, false)}`] };
  });
}

async function cancel(api: ApiClient, id: string) {
  const data = (await api.post(`${PATH}/${encodeURIComponent(id)}/cancel`)) as {
    readonly state: string;
    readonly sent: readonly string[];
    readonly sending: readonly string[];
    readonly in_doubt: readonly string[];
  };
  const parts = [
    ['went out', data.sent],
    ['is being sent', data.sending],
    ['may have gone out', data.in_doubt],
  ] as const;
  const said = parts.flatMap(([what, channels]) => (channels.length === 0 ? [] : [`${channels.join(', ')} ${what}`]));
  return { data, lines: [said.length === 0 ? 'It is cancelled.' : `Too late: ${said.join('; ')}.`] };
}

function collect(value: string, all: readonly string[] = []): string[] {
  return [...all, value];
}

function formatLine({ notification_id, state, notification_type, user_id, rule, created_at, due_at }: View): string {
  return `${due_at ?? created_at}  ${state.padEnd(9)}  ${notification_type}  ${user_id}  ${rule}  ${notification_id}`;
}
