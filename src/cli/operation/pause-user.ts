import type { Command } from 'commander';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';

interface PauseView {
  readonly user_id: string;
  readonly pause: { readonly until: string; readonly reason: string } | null;
}

const USER = ['<user-id>', 'your id of the user'] as const;

/** Adds the commands `users pause|resume`. */
export function addPauseCommands(users: Command): void {
  users
    .command('pause')
    .description('Hold the messages to a user until a time; those that may not wait still go')
    .argument(...USER)
    .requiredOption('--until <time>', 'with a zone, such as 2026-12-01T09:00:00Z, at most 14 days ahead')
    .requiredOption('--reason <text>', 'shown to those who ask why a message waits')
    .option(...JSON_OPTION)
    .action((userId: string, { until, reason, json }: { until: string; reason: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.put(pathOf(userId), { until, reason })) as PauseView;
        return { data, lines: [formatPause(data)] };
      }),
    );
  users
    .command('resume')
    .description('End the pause of the messages to a user: what was held is decided again at once')
    .argument(...USER)
    .option(...JSON_OPTION)
    .action((userId: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.delete(pathOf(userId))) as PauseView;
        return { data, lines: [formatPause(data)] };
      }),
    );
}

function pathOf(userId: string): string {
  return `/api/v1/users/${encodeURIComponent(userId)}/pause`;
}

function formatPause({ user_id: id, pause }: PauseView): string {
  return pause === null ? `${id}  not paused` : `${id}  paused until ${pause.until}  ${pause.reason}`;
}
