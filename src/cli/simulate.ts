import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { styleText } from 'node:util';
import { type Command, InvalidArgumentError } from 'commander';
import { compileSchemas } from '../catalog/schemas/validate-event.ts';
import { isRejection, parseEvent, type ReceivedEvent } from '../events/envelope.ts';
import type { Millis, ValidateEvent } from '../model/event.ts';
import { RUNS_ON } from '../simulate/cases.ts';
import { countingIds } from '../simulate/counting-ids.ts';
import { rulesFor } from '../simulate/run-case.ts';
import { runSimulation } from '../simulate/run-simulation.ts';
import { type SimulationStep, Simulator } from '../simulate/simulator.ts';
import { plainLine, type TimelineLine, timelineOf } from '../simulate/timeline.ts';
import { readTimestamp } from '../time/timestamp.ts';
import { checkFolder, counted } from './check.ts';
import { escapeTerminal } from './escape-terminal.ts';
import { problemLines } from './problems.ts';

interface Options {
  readonly events: string;
  readonly speed: number;
  readonly until?: Millis;
  readonly json?: boolean;
}

/** `simulate [DIR] --events FILE`: watch a catalog at work in a virtual clock. */
export function simulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('Feed events to a catalog and watch what it does, in a virtual clock')
    .argument('[dir]', 'the folder of the catalog (TIDINGS_CATALOG, or this one)')
    .requiredOption('--events <file>', 'events as they are posted: a JSON array, or one a line')
    .option('--speed <n>', 'so many times faster than life: 86400 is a day a second', speedOf, Number.POSITIVE_INFINITY)
    .option('--until <time>', 'how long the clock runs on; 30 days after the last event if it is not said', timeOf)
    .option('--json', 'one line of JSON for all that happens in a moment to a person')
    .action(async (dir: string | undefined, options: Options) => {
      const { data, problems } = await checkFolder(dir);
      if (!data) return fail(problemLines(problems.filter(({ severity }) => severity === 'error')));
      const text = await readFile(options.events, 'utf8').catch((error: Error) => error);
      if (text instanceof Error) return fail([`tidings: the events cannot be read: ${text.message}`]);
      const items = itemsIn(text);
      if (!Array.isArray(items)) return fail([`${options.events}: ${items.problem}`]);
      const { events, rejected } = readAll(items, compileSchemas(data));
      if (rejected.length > 0) fail(rejected.map((reason) => `${options.events}: ${reason}`));
      const totals = await watch(new Simulator(rulesFor(data), countingIds()), events, options);
      if (!options.json) console.log(totals);
    });
}

async function watch(
  world: Simulator,
  events: readonly ReceivedEvent[],
  { speed, until, json }: Options,
): Promise<string> {
  const arrivals = events.map((event) => ({ at: event.time, event })).sort((a, b) => a.at - b.at);
  const last = arrivals.at(-1)?.at ?? 0;
  let clock = arrivals[0]?.at ?? 0;
  let sends = 0;
  for (const { at, happened } of runSimulation(world, arrivals, until ?? last + RUNS_ON)) {
    if (Number.isFinite(speed) && at > clock) await pause(Math.min((at - clock) / speed, LONGEST_PAUSE));
    clock = at;
    for (const one of happened) {
      sends += one.sends.length;
      if (json) console.log(JSON.stringify(viewOf(one)));
      else for (const line of timelineOf(one)) console.log(coloured(line));
    }
  }
  return `\n${counted(events.length, 'event')}, ${counted(world.users.size, 'person').replace('persons', 'people')}, ${counted(sends, 'notification')}`;
}

/** A timer cannot wait longer. */
const LONGEST_PAUSE = 2 ** 31 - 1;

function viewOf({ at, userId, cause, decisions, sends }: SimulationStep) {
  const because =
    cause.kind === 'event'
      ? { kind: cause.kind, event_id: cause.event.eventId, event_type: cause.event.type }
      : cause.kind === 'wait'
        ? { kind: cause.kind, wait_id: cause.wait.waitId, rule: cause.wait.rule }
        : { kind: cause.kind, rule: cause.rule, occurrence: cause.localTimeKey };
  return {
    at: new Date(at).toISOString(),
    user_id: userId,
    cause: because,
    decisions,
    sends: sends.map(({ decision, data, items, total }) => ({
      notification_id: decision.notification_id,
      notification_type: decision.notification_type,
      ...(data && { data }),
      ...(items && { items, total }),
    })),
  };
}

const COLOURS: { readonly [mark: string]: Parameters<typeof styleText>[0] } = {
  send: 'green',
  acted: 'green',
  scheduled: 'cyan',
  cancelled: 'yellow',
  suppressed: 'yellow',
  not_matched: 'gray',
  failed: 'red',
};

function coloured(line: TimelineLine): string {
  const colour = COLOURS[line.mark] ?? 'bold';
  const text = escapeTerminal(plainLine(line));
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(colour, text) : text;
}

function itemsIn(text: string): unknown[] | { readonly problem: string } {
  if (/^\s*\[/.test(text)) {
    try {
      return JSON.parse(text) as unknown[];
    } catch (error) {
      return { problem: `this is not JSON: ${(error as Error).message.split('\n', 1)[0]}` };
    }
  }
  const items: unknown[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      items.push(JSON.parse(line));
    } catch {
      return { problem: `line ${index + 1} is not JSON` };
    }
  }
  return items;
}

function readAll(items: readonly unknown[], check: ValidateEvent) {
  const events: ReceivedEvent[] = [];
  const rejected: string[] = [];
  for (const [index, item] of items.entries()) {
    const read = parseEvent('', item, check);
    if (isRejection(read)) rejected.push(`event ${index + 1}: ${read.code}: ${read.message}`);
    else events.push(read);
  }
  return { events, rejected };
}

function fail(lines: readonly string[]): void {
  process.exitCode = 1;
  for (const line of lines) console.error(escapeTerminal(line));
}

function speedOf(text: string): number {
  const speed = text === 'max' ? Number.POSITIVE_INFINITY : Number(text);
  if (!(speed > 0)) throw new InvalidArgumentError('a number above 0, or max.');
  return speed;
}

function timeOf(text: string): Millis {
  const read = readTimestamp(text);
  if ('problem' in read) throw new InvalidArgumentError(`"${text}" ${read.problem}.`);
  return read.time;
}
