import type { Command } from 'commander';
import { runApiCommand } from '../run-command.ts';

/** Entries that are printed: a page of the API. */
const MAX_ENTRIES = 200;

interface Trace {
  readonly entries: readonly {
    readonly kind: 'event' | 'notification';
    readonly at: string;
    readonly user_id: string;
    readonly event?: { readonly event_type: string; readonly event_id: string };
    readonly decisions?: readonly { readonly rule: string; readonly outcome: string; readonly reason: string }[];
    readonly notification?: {
      readonly notification_type: string;
      readonly deliveries: readonly { readonly channel: string; readonly status: string }[];
    };
  }[];
  readonly next: string | null;
}

/** Adds the command `trace CORRELATION_ID`. */
export function addTraceCommand(program: Command): void {
  program
    .command('trace')
    .description('Show what a correlation id led to: events, decisions, notifications and deliveries (TIDINGS_URL)')
    .argument('<correlation-id>', 'the correlation id of the events')
    .option('--json', 'print one line of JSON')
    .action((id: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.get(
          `/api/v1/audit?correlation_id=${encodeURIComponent(id)}&limit=${MAX_ENTRIES}`,
        )) as Trace;
        return { data, lines: formatTrace(data) };
      }),
    );
}

function formatTrace({ entries, next }: Trace): string[] {
  if (entries.length === 0) return ['Nothing is stored under this correlation id.'];
  const lines = entries.flatMap(({ at, user_id, event, decisions = [], notification }) => {
    if (!notification) {
      const shown = decisions.map(({ rule, outcome, reason }) => `    ${rule}  ${outcome}  ${reason}`);
      return [`${at}  ${user_id}  event ${event?.event_type} (${event?.event_id})`, ...shown];
    }
    const shown = notification.deliveries.map(({ channel, status }) => `    ${channel}  ${status}`);
    return [`${at}  ${user_id}  notification ${notification.notification_type}`, ...shown];
  });
  return next === null ? lines : [...lines, `… and earlier ones: only the latest ${MAX_ENTRIES} are shown.`];
}
