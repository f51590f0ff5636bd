import pino from 'pino';
import { type DemoOptions, readOptions, USAGE } from '../scripts/demo-options.mjs';
import { checkPort } from '../src/http/listen.ts';
import { ROOT } from '../src/lib/package-root.ts';
import { type Running, run } from '../src/main.ts';
import { Chance } from './chance.ts';
import { runLive } from './live.ts';
import { beginState, type DemoState, type Places, readState, toConfig, toPlaces, toPublicUrl } from './places.ts';
import { Progress } from './progress.ts';
import { Reports } from './providers/reports.ts';
import { StandInClient } from './providers/stand-in-client.ts';
import { StandIns } from './providers/stand-ins.ts';
import { seed } from './seed.ts';
import { DAY } from './worlds/world.ts';

/*
 * npm run demo: makes the past of three companies, once, and starts Tidings with it, local stand-ins of the providers and a gentle
 * traffic.
 */

const stopping = new AbortController();

/** Steps that undo what was started; they run in reverse order. */
const cleanup: (() => Promise<unknown>)[] = [];

/** Settings of PostgreSQL while the past is made: one that is cut short is made again. */
const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', autovacuum: 'off' };

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), ROOT);
  if (options === 'help') return console.log(USAGE);
  const places = toPlaces(options.folder);
  // Before the past is made, which takes a while.
  await checkPort('localhost', options.port, '--port');
  const state = takeState(places, options) ?? (await makeState(places, options));
  stopping.signal.throwIfAborted();
  const { running, reports } = await startTidings(places, state, options);
  await say(running, state, options);
  if (!options.once)
    await runLive({ url: running.url as string, state, reports, rate: options.rate, stopping: stopping.signal });
}

/** Returns what an earlier start made, if it is what is asked for. */
function takeState(places: Places, { fresh, weeks, seed: wanted }: DemoOptions): DemoState | undefined {
  const state = fresh ? undefined : readState(places);
  return state?.weeks === weeks && state.seed === wanted ? state : undefined;
}

async function makeState(places: Places, options: DemoOptions): Promise<DemoState> {
  const progress = new Progress(process.stderr, `Playing ${options.weeks} weeks of three companies`);
  const begun = beginState(places, options);
  const onProgress = (part: number, day: number) => progress.show(part, new Date(day).toISOString().slice(0, 10));
  const { port, until } = options;
  const seeding = seed({
    places,
    state: begun,
    port,
    until,
    settings: SETTINGS,
    stopping: stopping.signal,
    onProgress,
  });
  cleanup.push(() => seeding.then(() => {}));
  const state = await seeding;
  progress.end();
  return state;
}

async function startTidings(
  places: Places,
  state: DemoState,
  { port }: DemoOptions,
): Promise<{ readonly running: Running; readonly reports: Reports }> {
  const chance = new Chance(state.seed);
  const clock = {
    get now() {
      return Date.now();
    },
  };
  const reports = new Reports(chance, state.keys, toPublicUrl(port));
  const never = [0, 0] as const;
  const troubles = { emailDown: never, smsRejected: never, endpointFails: 0 };
  const standIns = new StandIns(chance, clock, troubles, reports, false);
  const config = toConfig(places, state, port);
  const log = pino({ level: config.logLevel, base: null }, pino.destination(2));
  const starting = run(
    { api: true, workers: true },
    config,
    log,
    Date.now,
    stopping.signal,
    async () => new StandInClient(standIns),
  );
  cleanup.push(async () => (await starting).stop());
  return { running: await starting, reports };
}

async function say(running: Running, state: DemoState, { json, rate, folder }: DemoOptions): Promise<void> {
  const login = await running.makeOwnerLink();
  const { url } = running;
  if (json) {
    const { apiKey, summary } = state;
    console.log(JSON.stringify({ ready: true, url, login, api_key: apiKey, folder, tenants: summary }));
    return;
  }
  const age = Math.floor((Date.now() - (state.seededUntil as number)) / DAY);
  console.log(
    [
      '',
      `  Log in    ${login}`,
      '            (as an owner of all three companies; once, within 10 minutes)',
      `  Console   ${url}/console/`,
      `  API key   ${state.apiKey}   (with the header x-tidings-tenant: cedar or willow for the other two)`,
      '',
      `  Messages go to stand-ins on this machine. ${rate === 0 ? 'No' : rate} events a minute come from now on; Ctrl-C ends it.`,
      '  docs/demo.md says what to look at first.',
      ...(age >= 2 ? [`  Its past ended ${age} days ago; --fresh makes it again.`] : []),
      '',
    ].join('\n'),
  );
}

let ending: Promise<void> | undefined;
/** Undoes what was started, once, however often it is called: what `main` comes to meanwhile is no end of its own. */
async function end(code: number): Promise<never> {
  ending ??= undo();
  await ending;
  process.exit(code);
}

async function undo(): Promise<void> {
  stopping.abort();
  for (const step of cleanup.reverse()) await step().catch(() => {});
}

/** Time (ms) for which a further signal is taken as the same one: npm passes on what a terminal or a supervisor sent to all. */
const SAME_SIGNAL_MS = 1000;
let firstSignalAt: number | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    firstSignalAt ??= performance.now();
    // A second one does not wait.
    if (performance.now() - firstSignalAt > SAME_SIGNAL_MS) process.exit(1);
    void end(0);
  });
}

main().then(
  () => end(0),
  async (error) => {
    if (ending) return;
    console.error(error instanceof Error ? error.message : error);
    await end(1);
  },
);
