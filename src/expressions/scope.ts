import { joinWords } from '../lib/text/join-words.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { type Frame, newFrame, ROOTS, type Root, type Unavailable, type Variables } from './cel/code.ts';
import { type Type, toType } from './type.ts';

/**
 * Variables available at the place of an expression. `event`, `traits` and `user` are JSON Schemas (objects with
 * `properties`); an absent schema allows any field.
 */
export interface Declared {
  readonly event?: JsonObject;
  readonly traits?: JsonObject;
  readonly user?: JsonObject;
  /**
   * Event types of the rule's pattern, each with the schema of its properties (`{}`: no restriction). Absent: the rule has
   * no pattern, and `matched` is not available. Empty: any type may be named.
   */
  readonly matched?: { readonly [eventType: string]: JsonObject };
  /** The message that a route is chosen for, as a JSON Schema. Absent: it is not available. */
  readonly message?: JsonObject;
  /** True if the rule waits, so that `now` is available. */
  readonly now?: boolean;
  /** Restricts the available variables; absent: all. `matched`, `message` and `now` must be declared in any case. */
  readonly roots?: readonly Root[];
}

export interface Scope {
  readonly event: JsonObject;
  readonly traits: JsonObject;
  readonly user: JsonObject;
  /** Correlation and causation ids, source, and what else the envelope says. Absent: nothing. */
  readonly context?: JsonObject | undefined;
  /** Properties of the events that matched the pattern, by event type. Absent: no event matched. */
  readonly matched?: JsonObject | undefined;
  /** The message that a route is chosen for, or that a source has. */
  readonly message?: JsonObject | undefined;
  /** Time of the evaluation. Absent: `now` is missing. */
  readonly now?: Millis | undefined;
}

export function toVariables(declared: Declared): Variables {
  const { event, traits, user, matched, message, now, roots = ROOTS } = declared;
  const here = (root: Root, type: Type | Unavailable) => (roots.includes(root) ? type : unavailableAt(root, roots));
  return {
    event: here('event', toMapType(event)),
    traits: here('traits', toMapType(traits)),
    user: here('user', toMapType(user)),
    context: here('context', toMapType(undefined)),
    matched: here('matched', matched ? toMatchedType(matched) : NO_MATCHED),
    message: here('message', message ? toMapType(message) : NO_MESSAGE),
    now: here('now', now ? { kind: 'timestamp' } : NO_NOW),
  };
}

const EMPTY_OBJECT: JsonObject = Object.freeze({});
const frame: Frame = newFrame();

/** Returns the frame for the next evaluation. A single frame is reused, since evaluations are synchronous and never nest. */
export function bindFrame(scope: Scope): Frame {
  frame.event = scope.event;
  frame.traits = scope.traits;
  frame.user = scope.user;
  frame.context = scope.context ?? EMPTY_OBJECT;
  frame.matched = scope.matched ?? EMPTY_OBJECT;
  frame.message = scope.message ?? EMPTY_OBJECT;
  frame.now = scope.now;
  frame.steps = 0;
  return frame;
}

const NO_MATCHED: Unavailable = { absent: 'there is no matched event: the rule has no after', hint: 'add after' };
const NO_MESSAGE: Unavailable = { absent: 'message is known only in routes.yaml and sources.yaml' };
const NO_NOW: Unavailable = {
  absent: 'now is known only where the rule waits',
  hint: 'add delay, at, unless, debounce or every',
};

function unavailableAt(root: Root, roots: readonly Root[]): Unavailable {
  return { absent: `${root} is not known here: only ${joinWords(roots)} ${roots.length === 1 ? 'is' : 'are'}` };
}

function toMapType(schema: JsonObject | undefined): Type {
  const type = toType(schema);
  return { kind: 'map', ...(schema && (type.kind === 'map' || schema.type === undefined) && { schema }) };
}

function toMatchedType(schemas: { readonly [eventType: string]: JsonObject }): Type {
  const types = Object.entries(schemas);
  if (types.length === 0) return toMapType(undefined);
  const properties = types.map(([type, schema]) => [type, { ...schema, type: 'object' }] as const);
  return toMapType({ type: 'object', properties: Object.fromEntries(properties) });
}
