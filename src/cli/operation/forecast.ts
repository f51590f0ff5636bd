import { type Command, InvalidArgumentError } from 'commander';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';

interface ForecastView {
  readonly user_id: string;
  readonly known_until: string;
  readonly until: string;
  readonly reached: string | null;
  readonly time_zone: string;
  readonly entries: readonly {
    readonly local: string;
    readonly notification_type: string;
    readonly certainty: string;
    readonly outcome: string;
    readonly why: string;
    readonly reason: string;
    readonly channels: readonly { readonly channel: string; readonly state: string }[];
  }[];
}

/** Adds the command `users forecast`. */
export function addForecastCommand(users: Command): void {
  users
    .command('forecast')
    .description('Forecast what a user will get if nothing else happens')
    .argument('<user-id>', 'your id of the user')
    .option('--days <n>', 'days from now on, up to 31', parseDays, 7)
    .option(...JSON_OPTION)
    .action((userId: string, { days, json }: { days: number; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const path = `/api/v1/users/${encodeURIComponent(userId)}/forecast?days=${days}`;
        const data = (await api.get(path)) as ForecastView;
        const notes = [`Times are of ${data.time_zone}.`];
        if (data.known_until !== data.until)
          notes.push(`There may be more from ${data.known_until} on (${data.reached}).`);
        return { data, lines: formatForecast(data), notes };
      }),
    );
}

function parseDays(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > 31) throw new InvalidArgumentError('write days from 1 to 31');
  return days;
}

function formatForecast({ entries }: ForecastView): string[] {
  if (entries.length === 0) return ['Nothing, as things are now.'];
  return entries.flatMap(({ local, notification_type: type, outcome, certainty, channels, why, reason }) => {
    const ways = channels.map(({ channel, state }) => (state === 'goes' ? channel : `${channel} (${words(state)})`));
    const mark = outcome === 'send' ? words(certainty) : 'held back';
    return [
      `${local.replace('T', ' ')}  ${type}  ${mark}${ways.length > 0 ? `  ${ways.join(', ')}` : ''}`,
      `  ${why}`,
      ...(outcome === 'send' ? [] : [`  ${reason}`]),
    ];
  });
}

function words(code: string): string {
  return code.replaceAll('_', ' ');
}
