import type { Random } from './random.ts';

/** Events of the present, which rules wait for; each belongs to one story, named in `properties.story`. */

/** A request, `after` milliseconds behind the answer to the one before. */
export interface Step {
  readonly after: number;
  readonly events: (now: number) => readonly StoryEvent[];
}

export interface StoryEvent {
  readonly type: string;
  /** Event time; absent: now. */
  readonly at?: number;
  readonly properties: { readonly [name: string]: unknown };
}

/** The rules that they trigger are in catalog/timed.yaml. */
export function makeStory(story: string, random: Random): readonly Step[] {
  const make = random.pick([question, cart, cart, burst, notes, visit, visit]);
  return make(story, random);
}

/** Both ends included. */
export const CART_WITHIN = 3000;

function question(story: string): readonly Step[] {
  return [{ after: 0, events: () => [{ type: 'asked', properties: { story } }] }];
}

/** Never paid, paid in the same request (in time, in the last millisecond, or one millisecond too late), or in a later one. */
function cart(story: string, random: Random): readonly Step[] {
  const filled = { type: 'cart_filled', properties: { story } };
  const paid = { type: 'cart_paid', properties: { story } };
  const end = random.next();
  if (end < 0.3) return [{ after: 0, events: () => [filled] }];
  if (end < 0.6) {
    const at = random.pick([0, random.between(1, CART_WITHIN), CART_WITHIN, CART_WITHIN + 1]);
    const paidFirst = random.chance(0.5);
    const both = (now: number) => [filled, { ...paid, at: now + at }];
    return [{ after: 0, events: (now) => (paidFirst ? both(now).reverse() : both(now)) }];
  }
  return [
    { after: 0, events: () => [filled] },
    { after: random.between(0, CART_WITHIN + 500), events: () => [paid] },
  ];
}

/** Events within a second by event time: one burst, however late some of them arrive. */
function burst(story: string, random: Random): readonly Step[] {
  let began = 0;
  const times = Array.from({ length: random.between(1, 6) }, (_, i) => (i === 0 ? 0 : random.between(1, 950)));
  const steps: Step[] = [];
  for (let from = 0; from < times.length; ) {
    const part = times.slice(from, from + random.between(1, 3));
    steps.push({
      after: random.between(0, 400),
      events: (now) => {
        began ||= now;
        return part.map((at) => ({ type: 'typed', at: began + at, properties: { story } }));
      },
    });
    from += part.length;
  }
  return steps;
}

function notes(_story: string, random: Random): readonly Step[] {
  return Array.from({ length: random.between(1, 4) }, () => {
    const count = random.between(1, 4);
    return {
      after: random.between(0, 1200),
      events: () => Array.from({ length: count }, () => ({ type: 'noted', properties: {} })),
    };
  });
}

/** Booked, moved at most twice, perhaps cancelled; or moved so far into the future that no reminder is due in this run. */
function visit(story: string, random: Random): readonly Step[] {
  const at = (type: string, from: number, to: number): Step => {
    const ahead = random.between(from, to);
    const properties = (now: number) => ({ story, at: new Date(now + ahead).toISOString() });
    return { after: random.between(0, 2500), events: (now) => [{ type, properties: properties(now) }] };
  };
  const steps = [{ ...at('visit_booked', 500, 3000), after: 0 }];
  for (let i = random.between(0, 2); i > 0; i--) steps.push(at('visit_moved', 500, 3000));
  if (random.chance(0.15)) steps.push(at('visit_moved', 3_600_000, 7_200_000));
  else if (random.chance(0.4)) {
    steps.push({
      after: random.between(0, 2500),
      events: () => [{ type: 'visit_cancelled', properties: { story } }],
    });
  }
  return steps;
}
