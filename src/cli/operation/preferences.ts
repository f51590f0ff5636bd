import { type Command, InvalidArgumentError } from 'commander';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';
import { ApiError } from './api-client.ts';

interface CellView {
  readonly on: boolean;
  readonly changeable: boolean;
  readonly decided_by: { readonly code: string; readonly level: string; readonly since: string | null };
}

interface PreferencesView {
  readonly types: readonly {
    readonly type: string;
    readonly category: string;
    readonly frequency: string;
    readonly channels: { readonly [channel: string]: CellView };
  }[];
  readonly quiet_hours: { readonly hours: string } | null;
}

interface OverviewView {
  readonly types: readonly {
    readonly type: string;
    readonly category: string;
    readonly channels: {
      readonly [channel: string]: CellView & { readonly chosen: { readonly off: number; readonly on: number } };
    };
  }[];
  readonly users: { readonly counted: number; readonly has_more: boolean };
}

interface CatalogAnswer {
  readonly version: number;
  readonly notifications: readonly unknown[];
}

const USER = ['<user-id>', 'your id of the user'] as const;

/** Adds the commands `preferences overview|get|set|explain`, and `setup-notification-preferences`. */
export function addPreferencesCommands(program: Command): void {
  const preferences = program
    .command('preferences')
    .description('What goes to a user, and what decides that, of a running Tidings (TIDINGS_URL)');
  preferences
    .command('overview')
    .description('Show what goes to users who have said nothing, and how many turned it off')
    .option(...JSON_OPTION)
    .action(({ json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get('/api/v1/preferences')) as OverviewView;
        return { data, lines: formatOverview(data) };
      }),
    );
  preferences
    .command('get')
    .description('Show for each notification type and channel whether it goes to the user')
    .argument(...USER)
    .option(...JSON_OPTION)
    .action((userId: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(pathOf(userId))) as PreferencesView;
        return { data, lines: [...data.types.map(formatType), formatHours(data)] };
      }),
    );
  preferences
    .command('set')
    .description('Change preferences of a user; the others stay')
    .argument(...USER)
    .argument('<change>', `the change as JSON: '{"categories":{"MARKETING":{"sms":false}}}'`, parseChange)
    .option('--replace', 'what the change does not name is as if the user had never chosen')
    .option(...JSON_OPTION)
    .action((userId: string, change: object, { replace, json }: { replace?: boolean; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const call = replace ? api.put(pathOf(userId), change) : api.patch(pathOf(userId), change);
        const data = (await call) as PreferencesView;
        return { data, lines: [...data.types.map(formatType), formatHours(data)] };
      }),
    );
  preferences
    .command('explain')
    .description('Say for each notification type and channel what decides it')
    .argument(...USER)
    .argument('[type]', 'only this notification type')
    .option(...JSON_OPTION)
    .action((userId: string, only: string | undefined, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const all = (await api.get(pathOf(userId))) as PreferencesView;
        const data = { ...all, types: all.types.filter(({ type }) => only === undefined || type === only) };
        if (only !== undefined && data.types.length === 0) throw unknownType(only, all);
        const lines = data.types.flatMap(({ type, channels }) =>
          Object.entries(channels).map(([channel, cell]) => `${type}  ${channel}  ${explainCell(cell)}`),
        );
        return { data, lines: lines.length > 0 ? lines : ['The catalog has no notification types for users.'] };
      }),
    );
  program
    .command('setup-notification-preferences')
    .description(
      'Say what users get who have chosen nothing; they have the defaults of the catalog without being set up',
    )
    .option('--user-id <id>', 'show what this user gets')
    .option(...JSON_OPTION)
    .action(({ userId, json }: { userId?: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const { version, notifications } = (await api.get('/api/v1/catalog')) as CatalogAnswer;
        const types = userId === undefined ? [] : ((await api.get(pathOf(userId))) as PreferencesView).types;
        const data = { catalog_version: version, created: 0, notification_types: notifications.length, types };
        const said =
          `Nothing has to be set up: every user has the defaults of catalog version ${version} ` +
          `(preferences.yaml) for its ${notifications.length} notification types.`;
        return { data, lines: [said, ...types.map(formatType)] };
      }),
    );
}

function unknownType(name: string, { types }: PreferencesView): ApiError {
  const near = findNearest(
    name,
    types.map(({ type }) => type),
  );
  const right = near === undefined ? '.' : `; did you mean ${near}?`;
  return new ApiError(`The catalog has no notification type ${name} that goes to users${right}`);
}

function pathOf(userId: string): string {
  return `/api/v1/users/${encodeURIComponent(userId)}/preferences`;
}

function formatOverview({ types, users }: OverviewView): string[] {
  const more = users.has_more ? '+' : '';
  const cells = ({ type, category, channels }: OverviewView['types'][number]) =>
    Object.entries(channels).map(([channel, { on, changeable, chosen }]) => {
      const locked = changeable ? '' : ' (users cannot change it)';
      return `${type} (${category}) ${channel}: ${on ? 'on' : 'off'}${locked}; ${chosen.off}${more} off, ${chosen.on}${more} on`;
    });
  return [...types.flatMap(cells), `${users.counted}${more} users have said something.`];
}

function formatType({ type, category, frequency, channels }: PreferencesView['types'][number]): string {
  const cells = Object.entries(channels).map(([channel, { on }]) => `${channel} ${on ? 'on' : 'off'}`);
  return `${type}  ${category}  ${cells.join(', ')}${frequency === 'IMMEDIATE' ? '' : `  ${frequency}`}`;
}

function formatHours({ quiet_hours: quiet }: PreferencesView): string {
  return quiet === null ? 'No quiet hours.' : `Quiet hours: ${quiet.hours}`;
}

function explainCell({ on, changeable, decided_by: { code, level, since } }: CellView): string {
  const when = since === null ? '' : `, since ${since}`;
  return `${on ? 'on' : 'off'}  ${code} (${level}${when})${changeable ? '' : '; the user cannot change it'}`;
}

function parseChange(text: string): object {
  try {
    const change: unknown = JSON.parse(text);
    if (typeof change === 'object' && change !== null && !Array.isArray(change)) return change;
  } catch {
    // Reported below.
  }
  throw new InvalidArgumentError(`It is no JSON object, as '{"channels":{"sms":false}}'.`);
}
