import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { RecentDecision } from '../../store/recent-decisions.ts';
import { color } from '../output/color.ts';
import { escapeJson, escapeTerminal } from '../output/escape-terminal.ts';
import { runApiCommand } from '../run-command.ts';
import { type ApiClient, ApiError } from './api-client.ts';

/** Pause (ms) between two looks, and after a failed one. */
const POLL_MS = 1000;
const RETRY_MS = 2000;

/** Time (ms) that each look goes back before the one before it: a transaction may commit that long after its decisions. */
const OVERLAP_MS = 10_000;

/** Most events of one look. */
const PAGE_EVENTS = 200;

/** Most decisions that are remembered, so that none is printed twice. */
const MAX_KNOWN_DECISIONS = 20_000;

interface TailOptions {
  readonly user?: string;
  readonly rule?: string;
  readonly json?: boolean;
}

interface Look {
  readonly decisions: readonly RecentDecision[];
  readonly has_more: boolean;
  readonly as_of: string;
}

/** Adds the command `tail`. */
export function addTailCommand(program: Command): void {
  program
    .command('tail')
    .description('Print the decisions of a running Tidings as they are made, until Ctrl-C (TIDINGS_URL)')
    .option('--user <id>', 'only about this user_id')
    .option('--rule <name>', 'only of this rule')
    .option('--json', 'print one line of JSON for each decision')
    .action(async (options: TailOptions) => {
      const stopping = new AbortController();
      const stop = () => stopping.abort();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
      await runApiCommand(options.json, (api) => follow(api, options, stopping.signal));
    });
}

/** Prints decisions until the signal. The first look must succeed; later ones are repeated while Tidings cannot be reached. */
async function follow(api: ApiClient, options: TailOptions, stopping: AbortSignal) {
  const known = new Set<string>();
  const first = await look(api, options, null);
  // The past is known, and not printed.
  for (const { decision_id } of first.decisions) known.add(decision_id);
  if (!options.json) console.error('Waiting for decisions; Ctrl-C to stop.');
  let since = first.as_of;
  let isLost = false;
  while (await sleep(isLost ? RETRY_MS : POLL_MS, stopping)) {
    try {
      const { decisions, has_more, as_of } = await look(api, options, since);
      if (isLost) console.error('Connected again.');
      isLost = false;
      const added = decisions.filter(({ decision_id }) => !known.has(decision_id));
      // All of a full page are new: there may be others before them.
      if (has_more && added.length > 0 && added.length === decisions.length) {
        console.error('… more decisions than can be shown; name a rule or a user to see fewer');
      }
      for (const decision of added.reverse()) {
        known.add(decision.decision_id);
        console.log(options.json ? escapeJson(decision) : formatDecision(decision));
      }
      forgetOldest(known);
      since = as_of;
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (!isLost) console.error(`${escapeTerminal(error.message)}; trying again`);
      isLost = true;
    }
  }
  return { data: undefined, lines: [] };
}

function look(api: ApiClient, { user, rule }: TailOptions, before: string | null): Promise<Look> {
  const since = new Date((before === null ? Date.now() : Date.parse(before)) - OVERLAP_MS).toISOString();
  const query = new URLSearchParams({
    limit: `${PAGE_EVENTS}`,
    ...(before !== null && { since }),
    ...(user !== undefined && { user_id: user }),
    ...(rule !== undefined && { rule }),
  });
  return api.get(`/api/v1/decisions?${query}`) as Promise<Look>;
}

/** Whether the server is away or overloaded, and not the request wrong or the key rejected. */
function mayPass(error: unknown): error is ApiError {
  if (!(error instanceof ApiError)) return false;
  const { status } = error.problem ?? {};
  return typeof status !== 'number' || status >= 500 || status === 429;
}

/** Returns false at once when the signal is set. */
async function sleep(ms: number, stopping: AbortSignal): Promise<boolean> {
  if (stopping.aborted) return false;
  await pause(ms, undefined, { signal: stopping }).catch(() => {});
  return !stopping.aborted;
}

/** A set lists its values in the order in which they were added. */
function forgetOldest(known: Set<string>): void {
  for (const id of known) {
    if (known.size <= MAX_KNOWN_DECISIONS) return;
    known.delete(id);
  }
}

const STYLE_BY_OUTCOME: { readonly [outcome: string]: Parameters<typeof color>[0] } = {
  send: 'green',
  acted: 'green',
  scheduled: 'cyan',
  failed: 'red',
  suppressed: 'yellow',
};

function formatDecision({ decided_at, outcome, rule, user_id, reason }: RecentDecision): string {
  const style = STYLE_BY_OUTCOME[outcome] ?? 'gray';
  return `${decided_at}  ${color(style, outcome.padEnd(11))}  ${escapeTerminal(`${rule}  ${user_id}  ${reason}`)}`;
}
