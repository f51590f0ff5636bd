import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { styleText } from 'node:util';
import { type Command, InvalidArgumentError } from 'commander';
import { checkCatalogFolder } from '../../catalog/check-folder.ts';
import { compileCatalog } from '../../catalog/compile/compile-catalog.ts';
import { compileSchemas } from '../../catalog/schemas/validate-event.ts';
import type { ReceivedEvent } from '../../events/envelope.ts';
import { compileMappings } from '../../events/envelopes/mappings.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import type { Millis } from '../../model/event.ts';
import { DEFAULT_RUN_AFTER_MS } from '../../simulate/cases/parse-cases.ts';
import { compileCaseRules } from '../../simulate/cases/run-case.ts';
import { countingIds } from '../../simulate/counting-ids.ts';
import { EventFileError, parseEventFile } from '../../simulate/parse-event-file.ts';
import { runSimulation } from '../../simulate/run-simulation.ts';
import { type SimulationStep, Simulator } from '../../simulate/simulator.ts';
import { toStepView } from '../../simulate/step-view.ts';
import { plainLine, type TimelineLine, toTimeline } from '../../simulate/timeline.ts';
import { parseTimestamp } from '../../time/timestamp.ts';
import { escapeTerminal } from '../output/escape-terminal.ts';
import { formatProblems } from '../output/format-problems.ts';
import { FOLDER_ARGUMENT, resolveCatalogFolder } from './catalog-folder.ts';
import { formatRenderedSend, type RenderedSend, renderSends } from './render-sends.ts';

interface Options {
  readonly events: string;
  /** Times real time; absent: infinite. */
  readonly speed?: number;
  readonly until?: Millis;
  readonly messages?: boolean;
  readonly json?: boolean;
}

/** Adds the command `simulate [DIR] --events FILE`. */
export function addSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('Feed events to a catalog and show what it does, in a virtual clock')
    .argument('[dir]', FOLDER_ARGUMENT)
    .requiredOption('--events <file>', 'events as they are posted: a JSON array, or one event per line')
    .option(
      '--speed <n>',
      'times real time: 86400 is a day per second; max, which does not wait, by default',
      parseSpeed,
    )
    .option('--until <time>', 'when the clock stops; 30 days after the last event by default', parseTime)
    .option('--messages', 'render each message, with all its parts')
    .option('--json', 'print one line of JSON for each user and time at which something happens')
    .action(async (dir: string | undefined, options: Options) => {
      const { data, problems } = await checkCatalogFolder(resolveCatalogFolder(dir));
      if (!data) return printErrors(formatProblems(problems.filter(({ severity }) => severity === 'error')));
      const text = await readFile(options.events, 'utf8').catch((error: Error) => error);
      if (text instanceof Error) return printErrors([`tidings: the events cannot be read: ${text.message}`]);
      try {
        const { events, rejections } = parseEventFile(text, {
          validate: compileSchemas(data),
          mappings: compileMappings(data),
        });
        if (rejections.length > 0) printErrors(rejections.map((reason) => `${options.events}: ${reason}`));
        const simulator = new Simulator(compileCaseRules(data), countingIds());
        const catalog = options.messages ? compileCatalog(1, 0, data) : undefined;
        const render = catalog && ((step: SimulationStep) => renderSends(catalog, simulator, step));
        await simulate(simulator, events, options, render);
      } catch (error) {
        if (!(error instanceof EventFileError)) throw error;
        printErrors([`${options.events}: ${error.message}`]);
      }
    });
}

/**
 * Runs the events through the simulator, and prints each step when it is due and then the totals.
 * @param render returns the messages of a step; absent: they are not shown
 */
async function simulate(
  simulator: Simulator,
  events: readonly ReceivedEvent[],
  { speed = Number.POSITIVE_INFINITY, until, json }: Options,
  render: ((step: SimulationStep) => readonly RenderedSend[]) | undefined,
): Promise<void> {
  const arrivals = events.map((event) => ({ at: event.time, event })).sort((a, b) => a.at - b.at);
  const last = arrivals.at(-1)?.at ?? 0;
  let clock = arrivals[0]?.at ?? 0;
  let sends = 0;
  for (const { at, happened } of runSimulation(simulator, arrivals, until ?? last + DEFAULT_RUN_AFTER_MS)) {
    if (Number.isFinite(speed) && at > clock) await pause(Math.min((at - clock) / speed, MAX_TIMER_MS));
    clock = at;
    for (const step of happened) {
      sends += step.sends.length;
      printStep(step, render?.(step), json ?? false);
    }
  }
  if (json) return;
  const totals = [
    formatCount(events.length, 'event'),
    formatCount(simulator.users.size, 'user'),
    formatCount(sends, 'notification'),
  ];
  console.log(`\n${totals.join(', ')}`);
}

/** A timer of Node.js cannot wait longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function printStep(step: SimulationStep, messages: readonly RenderedSend[] | undefined, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify({ ...toStepView(step), ...(messages ? { messages } : {}) }));
    return;
  }
  for (const line of toTimeline(step)) console.log(colorize(line));
  for (const line of (messages ?? []).flatMap(formatRenderedSend))
    console.log(escapeTerminal(`${MESSAGE_INDENT}${line}`));
}

/** Below the decisions. */
const MESSAGE_INDENT = ' '.repeat(21);

const COLORS: { readonly [mark: string]: Parameters<typeof styleText>[0] } = {
  send: 'green',
  acted: 'green',
  scheduled: 'cyan',
  cancelled: 'yellow',
  suppressed: 'yellow',
  not_matched: 'gray',
  failed: 'red',
};

function colorize(line: TimelineLine): string {
  const text = escapeTerminal(plainLine(line));
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(COLORS[line.mark] ?? 'bold', text) : text;
}

function printErrors(lines: readonly string[]): void {
  process.exitCode = 1;
  for (const line of lines) console.error(escapeTerminal(line));
}

function parseSpeed(text: string): number {
  const speed = text === 'max' ? Number.POSITIVE_INFINITY : Number(text);
  if (!(speed > 0)) throw new InvalidArgumentError('Write a number above 0, or max.');
  return speed;
}

function parseTime(text: string): Millis {
  const parsed = parseTimestamp(text);
  if ('problem' in parsed) throw new InvalidArgumentError(`"${text}" ${parsed.problem}.`);
  return parsed.time;
}
