import { type Command, Option } from 'commander';
import { INBOX_VIEWS, ITEM_ACTIONS, type ItemAction } from '../../store/inbox/inbox.ts';
import { parseLimit } from '../parse-argument.ts';
import { type CommandOutput, JSON_OPTION, runApiCommand } from '../run-command.ts';

interface ItemView {
  readonly notification_id: string;
  readonly notification_type: string;
  readonly created_at: string;
  readonly seen_at: string | null;
  readonly read_at: string | null;
  readonly archived_at: string | null;
  readonly snoozed_until: string | null;
  readonly message: { readonly title?: string; readonly text: string } | null;
}

interface Counts {
  readonly unread: number;
  readonly unseen: number;
}

interface ListOptions {
  readonly view: string;
  readonly type?: string;
  readonly limit: number;
  readonly json?: boolean;
}

const USER = ['<user-id>', 'your id of the user'] as const;

const DESCRIPTIONS: { readonly [action in ItemAction]: string } = {
  read: 'Mark an item as read',
  unread: 'Mark an item as unread',
  seen: 'Mark an item as seen',
  archive: 'Archive an item',
  unarchive: 'Take an item out of the archive',
  snooze: 'Hide an item until a time',
  unsnooze: 'Show an item that is hidden until a time',
};

/** Adds the commands `inbox list|read|unread|seen|archive|unarchive|snooze|unsnooze|read-all|seen-all`. */
export function addInboxCommands(program: Command): void {
  const inbox = program.command('inbox').description('In-app messages of a user, of a running Tidings (TIDINGS_URL)');
  inbox
    .command('list')
    .description('List the inbox of a user, the latest item first, with what is unread')
    .argument(...USER)
    .addOption(new Option('--view <view>', 'which items').choices(INBOX_VIEWS).default('active'))
    .option('--type <name>', 'of this notification type')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 20)
    .option(...JSON_OPTION)
    .action((userId: string, { view, type, limit, json }: ListOptions) =>
      runApiCommand(json, async (api) => {
        const query = new URLSearchParams({ view, limit: `${limit}`, ...(type && { notification_type: type }) });
        const data = (await api.get(`${pathOf(userId)}?${query}`)) as {
          readonly items: readonly ItemView[];
          readonly counts: Counts;
          readonly next: string | null;
        };
        const lines = [`${data.counts.unread} unread, ${data.counts.unseen} unseen`, ...data.items.map(format)];
        if (data.next !== null) lines.push('… and more; see --limit');
        return { data, lines };
      }),
    );
  for (const action of ITEM_ACTIONS) addItemCommand(inbox, action);
  for (const [mark, what] of [
    ['read-all', 'read'],
    ['seen-all', 'seen'],
  ] as const) {
    inbox
      .command(mark)
      .description(`Mark all items of the inbox of a user as ${what}`)
      .argument(...USER)
      .option(...JSON_OPTION)
      .action((userId: string, { json }: { json?: boolean }) =>
        runApiCommand(json, async (api) => {
          const data = (await api.post(`${pathOf(userId)}/${mark}`, {})) as {
            readonly marked: number;
            readonly counts: Counts;
          };
          return { data, lines: [`${data.marked} marked as ${what}; ${data.counts.unread} unread`] };
        }),
      );
  }
}

function addItemCommand(inbox: Command, action: ItemAction): void {
  const command = inbox
    .command(action)
    .description(DESCRIPTIONS[action])
    .argument(...USER)
    .argument('<notification-id>', 'see `tidings inbox list`')
    .option(...JSON_OPTION);
  if (action === 'snooze')
    command.requiredOption('--until <time>', 'at most a year ahead, such as 2026-11-03T08:00:00Z');
  command.action((userId: string, id: string, { until, json }: { until?: string; json?: boolean }) =>
    runApiCommand(json, async (api): Promise<CommandOutput> => {
      const path = `${pathOf(userId)}/${encodeURIComponent(id)}/${action}`;
      const data = (await api.post(path, until === undefined ? {} : { until })) as ItemView;
      return { data, lines: [format(data)] };
    }),
  );
}

function pathOf(userId: string): string {
  return `/api/v1/users/${encodeURIComponent(userId)}/inbox`;
}

function format(one: ItemView): string {
  const states = [
    one.read_at === null ? 'unread' : 'read',
    one.archived_at === null ? '' : 'archived',
    one.snoozed_until === null ? '' : `snoozed until ${one.snoozed_until}`,
  ];
  const { title, text } = one.message ?? { text: '(cannot be opened)' };
  const said = (title ?? text).split('\n')[0] ?? '';
  return `${one.created_at}  ${states.filter(Boolean).join(', ')}  ${one.notification_type}  ${one.notification_id}  ${said}`;
}
