import type { Millis } from '../../src/model/event.ts';
import type { Chance, Draw } from '../chance.ts';
import type { DemoUser } from './users.ts';

export const MINUTE: Millis = 60_000;
export const HOUR: Millis = 3_600_000;
export const DAY: Millis = 86_400_000;

/** An event of the past, or of the hours to come. */
export interface PlannedEvent {
  readonly at: Millis;
  readonly user: string;
  readonly type: string;
  readonly properties: { readonly [name: string]: unknown };
  readonly traits?: { readonly [name: string]: unknown };
}

/** The time that a demo shows. */
export interface Span {
  readonly from: Millis;
  readonly until: Millis;
  /** Midnights (UTC) within, the first before `from` included. */
  readonly days: readonly Millis[];
  /** Days of the span for each day of four weeks: what happened a week before the end of those is as far back, in proportion. */
  readonly scale: number;
}

/** A company that uses Tidings. */
export interface World {
  readonly tenant: string;
  readonly name: string;
  readonly settings: { readonly [name: string]: unknown };
  /** Name of the example whose catalog it has. */
  readonly example: string;
  readonly users: readonly DemoUser[];
  /** Whether it is young: each week there is more traffic than in the one before. */
  readonly grows: boolean;
  /** Returns what happens on a day, and later as a consequence, in no order. */
  planDay(day: Millis, draw: Draw, share: number): readonly PlannedEvent[];
}

/** Collects the events of one day. */
export class DayPlan {
  readonly events: PlannedEvent[] = [];
  readonly #day: Millis;
  readonly draw: Draw;
  readonly #share: number;

  /** @param share how busy the day is, in multiples of the usual */
  constructor(day: Millis, draw: Draw, share: number) {
    this.#day = day;
    this.draw = draw;
    this.#share = share;
  }

  /** Calls `plan` as often as something happens on this day that happens so often on a usual one. */
  times(usual: number, plan: () => void): void {
    for (let left = Math.floor(usual * this.#share + this.draw.next()); left > 0; left--) plan();
  }

  add(at: Millis, { id }: DemoUser, type: string, properties: object = {}, traits?: object): void {
    this.events.push({
      at,
      user: id,
      type,
      properties: properties as PlannedEvent['properties'],
      ...(traits && { traits: traits as PlannedEvent['properties'] }),
    });
  }

  /** Returns a time of the day at which a user is likely up. @param hours the weight of each hour of their day */
  time({ offset }: DemoUser, hours: readonly number[] = AWAKE): Millis {
    const local = this.draw.weighted(hours) * HOUR + Math.floor(this.draw.next() * HOUR);
    return this.#day + local - offset * HOUR;
  }

  get isWeekend(): boolean {
    return [0, 6].includes(new Date(this.#day).getUTCDay());
  }
}

/** Weight of each hour of a day: users sleep, and are busy at noon and in the evening. */
const AWAKE = [1, 0, 0, 0, 0, 1, 3, 6, 9, 10, 10, 11, 13, 11, 9, 9, 10, 12, 15, 18, 19, 15, 8, 3];
/** Hours in which offices work. */
export const OFFICE = [0, 0, 0, 0, 0, 0, 0, 2, 8, 12, 13, 12, 8, 10, 12, 12, 10, 6, 2, 0, 0, 0, 0, 0];

/** Returns all events of a span, in order of time. @param getShare how busy a day is, in multiples of the usual */
export function planEvents(
  world: World,
  { from, until, days }: Span,
  chance: Chance,
  getShare: (day: Millis) => number,
): PlannedEvent[] {
  const events = days.flatMap((day) => world.planDay(day, chance.stream(`${world.tenant} ${day}`), getShare(day)));
  return events.filter(({ at }) => at > from && at <= until).sort((a, b) => a.at - b.at);
}
