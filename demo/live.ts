import { setTimeout as pause } from 'node:timers/promises';
import type { Millis } from '../src/model/event.ts';
import { Chance } from './chance.ts';
import type { DemoState } from './places.ts';
import type { Reports } from './providers/reports.ts';
import { makeWorlds } from './seed.ts';
import { DAY, type PlannedEvent } from './worlds/world.ts';

const REPORT_MS: Millis = 1000;

export interface LiveOptions {
  readonly url: string;
  readonly state: DemoState;
  readonly reports: Reports;
  /** Events a minute; 0: none. */
  readonly rate: number;
  readonly stopping: AbortSignal;
}

/** Posts events of all companies, and what the providers report, until it is stopped. */
export async function runLive(options: LiveOptions): Promise<void> {
  await Promise.all([postEvents(options), postReports(options)]);
}

async function postEvents({ url, state, rate, stopping }: LiveOptions): Promise<void> {
  if (rate <= 0) return;
  const startedAt = Date.now();
  let number = 0;
  for (const { tenant, user, type, properties } of listEvents(state, startedAt)) {
    await wait(60_000 / rate, stopping);
    if (stopping.aborted) return;
    const event = {
      event_id: `live-${startedAt}-${number++}`,
      user_id: user,
      event_type: type,
      event_timestamp: new Date().toISOString(),
      properties,
    };
    await post(
      `${url}/api/v1/events`,
      { 'content-type': 'application/json', 'x-api-key': state.apiKey, 'x-tidings-tenant': tenant },
      JSON.stringify(event),
    );
  }
}

async function postReports({ url, reports, stopping }: LiveOptions): Promise<void> {
  while (!stopping.aborted) {
    await wait(REPORT_MS, stopping);
    for (const { path, headers, body } of reports.take(Date.now())) await post(`${url}${path}`, headers, body);
  }
}

/** Posts, whatever comes of it: a Tidings that is busy or stopping is no end of the demo. */
async function post(url: string, headers: { readonly [name: string]: string }, body: string): Promise<void> {
  await fetch(url, { method: 'POST', headers, body }).then(
    (response) => response.arrayBuffer(),
    () => {},
  );
}

function wait(ms: Millis, signal: AbortSignal): Promise<void> {
  return pause(ms, undefined, { signal }).catch(() => {});
}

/** Yields what happens from now on, one day of the companies after the other, as fast as it is taken. */
function* listEvents(state: DemoState, now: Millis): Generator<PlannedEvent & { readonly tenant: string }> {
  // The support desk is back; of purchases there is still nothing.
  const worlds = makeWorlds(new Chance(state.seed), { tickets: Number.POSITIVE_INFINITY, purchases: 0 });
  const chance = new Chance(`${state.seed} ${now}`);
  for (let day = Math.floor(now / DAY) * DAY; ; day += DAY) {
    const events = worlds.flatMap(({ tenant, planDay }) =>
      planDay(day, chance.stream(`${tenant} ${day}`), 1).map((event) => ({ ...event, tenant })),
    );
    yield* events.sort((a, b) => a.at - b.at);
  }
}
