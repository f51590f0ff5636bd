import type { JsonObject, Millis } from '../model/event.ts';
import { type Frame, newFrame, ROOTS, type Root, type Unavailable, type Variables } from './code.ts';
import { type Type, typeOfSchema } from './type.ts';

/**
 * What may be named where the expression stands. `event`, `traits` and `user` are JSON Schemas (objects with
 * `properties`); one that is absent means: anything.
 */
export interface Declared {
  readonly event?: JsonObject;
  readonly traits?: JsonObject;
  readonly user?: JsonObject;
  /**
   * The event types of the rule's pattern, each with the schema of its properties (`{}`: anything). Absent: the rule
   * has no pattern, and `matched` may not be named. Without a type in it: any type may be.
   */
  readonly matched?: { readonly [eventType: string]: JsonObject };
  /** The rule waits, so that `now` may be named. */
  readonly now?: boolean;
  /** The only variables that this place knows; absent: all. `matched` and `now` must be declared all the same. */
  readonly roots?: readonly Root[];
}

export interface Scope {
  readonly event: JsonObject;
  readonly traits: JsonObject;
  readonly user: JsonObject;
  /** By event type, the properties of the event that matched the pattern. Absent: none did. */
  readonly matched?: JsonObject | undefined;
  /** The time of judging. Absent: `now` is missing. */
  readonly now?: Millis | undefined;
}

export function variablesOf(declared: Declared): Variables {
  const { event, traits, user, matched, now, roots = ROOTS } = declared;
  const here = (root: Root, type: Type | Unavailable) => (roots.includes(root) ? type : elsewhere(root, roots));
  return {
    event: here('event', mapOf(event)),
    traits: here('traits', mapOf(traits)),
    user: here('user', mapOf(user)),
    matched: here('matched', matched ? matchedOf(matched) : UNMATCHED),
    now: here('now', now ? { kind: 'timestamp' } : TIMELESS),
  };
}

const NOTHING: JsonObject = Object.freeze({});
const frame: Frame = newFrame();

/** The frame of the next evaluation. There is one for all: an evaluation never waits and never nests. */
export function bindFrame(scope: Scope): Frame {
  frame.event = scope.event;
  frame.traits = scope.traits;
  frame.user = scope.user;
  frame.matched = scope.matched ?? NOTHING;
  frame.now = scope.now;
  frame.steps = 0;
  return frame;
}

const UNMATCHED: Unavailable = { absent: 'there is no matched event: the rule has no after', hint: 'add after' };
const TIMELESS: Unavailable = {
  absent: 'now is known only where the rule waits',
  hint: 'add delay, at, unless, debounce or every',
};

function elsewhere(root: Root, roots: readonly Root[]): Unavailable {
  return { absent: `${root} is not known here: only ${roots.join(' and ')} ${roots.length === 1 ? 'is' : 'are'}` };
}

function mapOf(schema: JsonObject | undefined): Type {
  const type = typeOfSchema(schema);
  return { kind: 'map', ...(schema && (type.kind === 'map' || schema.type === undefined) && { schema }) };
}

function matchedOf(schemas: { readonly [eventType: string]: JsonObject }): Type {
  const types = Object.entries(schemas);
  if (types.length === 0) return mapOf(undefined);
  const properties = types.map(([type, schema]) => [type, { ...schema, type: 'object' }] as const);
  return mapOf({ type: 'object', properties: Object.fromEntries(properties) });
}
