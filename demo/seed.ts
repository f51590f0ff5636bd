import type { Millis } from '../src/model/event.ts';
import { writeFiles } from './catalogs.ts';
import { Chance } from './chance.ts';
import { type DemoState, type Places, toConfig, toPublicUrl, writeState } from './places.ts';
import { Reports } from './providers/reports.ts';
import { StandInClient } from './providers/stand-in-client.ts';
import { StandIns, type Troubles } from './providers/stand-ins.ts';
import { setUp } from './set-up.ts';
import { makeMarketCatalogs, planOutages, planRetry, planStory, type Step } from './story.ts';
import { summarize } from './summary.ts';
import { openTimeMachine, type TimeMachine } from './time/machine.ts';
import { makeBooking } from './worlds/booking.ts';
import { makeLender } from './worlds/lender.ts';
import { makeMarket } from './worlds/market.ts';
import { DAY, HOUR, MINUTE, type PlannedEvent, planEvents, type Span, type World } from './worlds/world.ts';

/** Time between two steps of the clock: in the last days and around outages, and before. */
const FINE_STEP_MS: Millis = HOUR;
const STEP_MS: Millis = 4 * HOUR;
/** Time before the end, and around an outage, that is played in fine steps. */
const FINE_MS: Millis = 2 * DAY;
const AROUND_MS: Millis = 4 * HOUR;
/** Grain of the times at which messages are sent, for their reports: those of one step are sent within less. */
const REPORT_GRAIN_MS: Millis = 10 * MINUTE;
/**
 * Time past a step at which its events come, for each hour of the day: no retry time of some hours ends with a later step, where
 * milliseconds would decide whether it has.
 */
const PAST_STEP_MS: Millis = 20_000;
/** Time between two sums of the metrics; those of single minutes are of the last days only, and need not be made before. */
const SUM_UP_MS: Millis = 4 * DAY;

/** Traffic of a company that grows at the start of four weeks, as a share of that at their end. */
const FIRST_SHARE = 0.2;
/** Days before the end on which nothing more comes of the support desk of the market. */
const QUIET_DAYS = 4;
/** Time before the end in which the lender receives no purchases: a little more than the day that is compared with those before. */
const QUIET_TIME: Millis = 26 * HOUR;
/** Traffic of the market on the day before the end, in multiples of the usual. */
const BUSY_DAY = 3;

export interface SeedOptions {
  readonly places: Places;
  readonly state: DemoState;
  readonly port: number;
  /** The present: where the past ends. */
  readonly until: Millis;
  /** Settings of the PostgreSQL server. */
  readonly settings?: { readonly [name: string]: string };
  /** Aborted: it stops what it has started, and throws. */
  readonly stopping: AbortSignal;
  /** Called as it goes on, with a part from 0 to 1. */
  readonly onProgress?: (part: number, day: Millis) => void;
}

/** Makes the weeks before `until`, by playing them on a clock that is moved on. Returns the state of what can be gone on with. */
export async function seed(options: SeedOptions): Promise<DemoState> {
  const { places, state, port, until, settings, stopping, onProgress = () => {} } = options;
  const chance = new Chance(state.seed);
  const span = toSpan(until, state.weeks * 7);
  const clock = { now: span.from };
  const publicUrl = toPublicUrl(port);
  const reports = new Reports(chance, state.keys, publicUrl, REPORT_GRAIN_MS);
  const troubles = toTroubles(span);
  const standIns = new StandIns(chance, clock, troubles, reports, true);
  const config = toConfig(places, state, port);
  const machine = await openTimeMachine({
    config,
    apiKey: state.apiKey,
    publicUrl,
    clock,
    http: new StandInClient(standIns),
    ...(settings && { settings }),
    stopping,
  });
  let summary: DemoState['summary'];
  try {
    const worlds = makeWorlds(chance, {
      tickets: until - QUIET_DAYS * span.scale * DAY,
      purchases: until - QUIET_TIME,
    });
    const catalogs = makeMarketCatalogs();
    await setUp(machine, worlds, chance, state.keys, catalogs.first);
    const [outage, outageEnd] = troubles.emailDown;
    const steps = [
      ...planStory(machine, span, worlds, catalogs),
      ...planOutages(machine, worlds[0] as World, troubles),
      planRetry(machine, outage, outageEnd + 2 * HOUR),
    ];
    const events = planAll(worlds, span, chance, until);
    await play({ machine, span, troubles, steps, reports, events, onProgress });
    await writeFiles(places.catalog, catalogs.second);
    summary = await summarize(machine, worlds, span);
  } finally {
    await machine.close();
  }
  const seeded = { ...state, seededUntil: until, summary };
  writeState(places, seeded);
  return seeded;
}

/** @param until when the support desk of the market, and what reports purchases to the lender, fall silent */
export function makeWorlds(
  chance: Chance,
  until: { readonly tickets: Millis; readonly purchases: Millis },
): readonly World[] {
  return [makeMarket(chance, until.tickets), makeLender(chance, until.purchases), makeBooking(chance)];
}

function toSpan(until: Millis, days: number): Span {
  const from = until - days * DAY;
  const first = Math.floor(from / DAY) * DAY;
  const midnights = Array.from({ length: Math.ceil(days) + 1 }, (_, day) => first + day * DAY);
  return { from, until, days: midnights, scale: days / 28 };
}

function toTroubles({ until, scale }: Span): Troubles {
  const day = (daysBefore: number) => Math.floor(until / DAY - daysBefore * scale) * DAY;
  return {
    emailDown: [day(6) + 9 * HOUR, day(6) + 13 * HOUR],
    smsRejected: [day(3) + 14 * HOUR, day(3) + 18 * HOUR],
    endpointFails: day(3),
  };
}

interface TenantEvent extends PlannedEvent {
  readonly tenant: string;
}

function planAll(worlds: readonly World[], span: Span, chance: Chance, until: Millis): TenantEvent[] {
  const yesterday = Math.floor(until / DAY - 1) * DAY;
  return worlds
    .flatMap((world) => {
      const getShare = (day: Millis) => {
        const usual = world.grows ? toShare(day, span) : 1;
        return world.tenant === 'default' && day === yesterday ? usual * BUSY_DAY : usual;
      };
      return planEvents(world, span, chance, getShare).map((event) => ({ ...event, tenant: world.tenant }));
    })
    .sort((a, b) => a.at - b.at);
}

/** Returns how busy a company that grows is on a day, as a share of the last one; weeks that are fewer than four are the last of these. */
function toShare(day: Millis, { until, scale }: Span): number {
  const passed = Math.max(0, 1 - (until - day) / (28 * DAY * Math.max(1, scale)));
  return FIRST_SHARE + (1 - FIRST_SHARE) * passed ** 2;
}

interface Play {
  readonly machine: TimeMachine;
  readonly span: Span;
  readonly troubles: Troubles;
  readonly steps: readonly Step[];
  readonly reports: Reports;
  readonly events: readonly TenantEvent[];
  readonly onProgress: (part: number, day: Millis) => void;
}

/** Moves the clock from one step to the next: receipts come, then events, then what members did. */
async function play({ machine, span, troubles, steps: given, reports, events, onProgress }: Play): Promise<void> {
  const steps = [...given].sort((a, b) => a.at - b.at);
  let nextEvent = 0;
  let nextStep = 0;
  let summedUpAt = span.from;
  for (let time = span.from; time < span.until; ) {
    const until = findNextStep(time, span, troubles);
    await machine.moveTo(until);
    time = until;
    // Due by the step, whatever its sends have added to the clock.
    for (const { path, headers, body } of reports.take(until)) await machine.tryCall('POST', path, { headers, body });
    await machine.moveTo(Math.min(span.until, until + PAST_STEP_MS * new Date(until).getUTCHours()));
    const due: TenantEvent[] = [];
    for (; (events[nextEvent]?.at ?? Number.POSITIVE_INFINITY) <= until; nextEvent++)
      due.push(events[nextEvent] as TenantEvent);
    await post(machine, due, nextEvent);
    for (; (steps[nextStep]?.at ?? Number.POSITIVE_INFINITY) <= until; nextStep++)
      await runStep(steps[nextStep] as Step);
    await machine.settle();
    onProgress((until - span.from) / (span.until - span.from), until);
    if (until - summedUpAt < SUM_UP_MS && until < span.until) continue;
    await machine.sumUp();
    summedUpAt = until;
  }
}

function findNextStep(time: Millis, span: Span, { emailDown, smsRejected }: Troubles): Millis {
  const isFine =
    time >= span.until - FINE_MS ||
    [emailDown, smsRejected].some(([from, to]) => time >= from - AROUND_MS && time < to + AROUND_MS);
  const step = isFine ? FINE_STEP_MS : STEP_MS;
  return Math.min(span.until, (Math.floor(time / step) + 1) * step);
}

async function runStep({ what, run }: Step): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

/** Posts the events of a step: they came one after the other, a moment ago. */
async function post(machine: TimeMachine, events: readonly TenantEvent[], number: number): Promise<void> {
  const posts = [...new Set(events.map((event) => event.tenant))].map((tenant) => {
    const own = events.filter((event) => event.tenant === tenant);
    return machine.ingest(
      tenant,
      own.map(({ user, type, properties, traits }, place) => ({
        event_id: `${tenant}-${number}-${place}`,
        user_id: user,
        event_type: type,
        event_timestamp: new Date(machine.clock.now - (own.length - place) * 700).toISOString(),
        properties,
        ...(traits && { user_traits: traits }),
      })),
    );
  });
  await Promise.all(posts);
}
