import type { Decision, Evidence, LimitUse, Outcome, WaitKind, WaitStatus } from '../model/decision.ts';
import type { Event, JsonObject, Millis, Profile } from '../model/event.ts';

/**
 * What is known of one person while a batch is decided. `decide` reads it and adds what it decided, so that the next
 * event of the person sees it; the transaction that loaded it writes it.
 */
export interface UserState {
  readonly userId: string;
  profile: Profile;
  /** Known events, by type: loaded ones as far as the rules asked for them, and those of this batch. */
  readonly events: Map<string, KnownEvent[]>;
  /** Sends that limits counted, by limit key. */
  readonly uses: Map<string, CountedUse[]>;
  /** Triggers whose pattern is complete, as `rule event-key`: they had their decision. */
  readonly completed: Set<string>;
  /** By id: the open waits of the person, and the latest ended ones of the rules and keys that were asked for. */
  readonly waits: Map<string, Wait>;
  /** Events of this batch that are not known yet, the one that is decided now last; absent: nobody looks. */
  pending: Event[] | undefined;
  /** Changes of traits whose pattern was incomplete when they became known; absent: none is known. */
  changes: TraitChangeTrigger[] | undefined;
  /**
   * By `rule event-id`: the latest event time whose decisions say that the rule acted on that event (see told.ts). Absent:
   * none loaded.
   */
  firedAt: Map<string, Millis> | undefined;
}

/** An event changed a trait that a rule listens to. */
export interface TraitChangeTrigger {
  readonly rule: string;
  readonly trigger: Event;
  readonly change: NonNullable<Evidence['change']>;
}

/** A rule that waits for one person and key. Mutable while a batch is decided; `stored` says what must be written. */
export interface Wait {
  readonly waitId: string;
  readonly userId: string;
  readonly rule: string;
  /** The value of the rule's key as text; empty without one. */
  readonly key: string;
  readonly kind: WaitKind;
  /** The catalog it began with, and ends by. */
  readonly catalogVersion: number;
  readonly beganAt: Millis;
  status: WaitStatus;
  dueAt: Millis;
  /** Event time of the trigger. */
  triggerTime: Millis;
  state: WaitState;
  endedAt: Millis | null;
  stored: 'same' | 'changed' | 'new';
}

/** What a wait remembers; JSON. */
export interface WaitState {
  /** The event that is told; of a burst the latest. */
  readonly trigger: Trigger;
  /** Events of the pattern, by type. */
  readonly matched?: JsonObject;
  /** Why it began: the events, the trigger first, and what was seen of the pattern. */
  readonly begun?: {
    readonly eventIds: readonly string[];
    readonly evidence: Pick<Evidence, 'pattern' | 'count' | 'change'>;
  };
  /** Of a burst: event times of its first and last event. */
  readonly first?: Millis;
  readonly last?: Millis;
  /** Of a digest: how many items there were, and the latest of them. */
  readonly total?: number;
  readonly items?: readonly DigestItem[];
  /** How many of the `unless` events have come. */
  readonly seen?: number;
  /** The event that ended it. */
  readonly endedBy?: { readonly event_id: string; readonly event_type: string; readonly at: Millis };
  /** Whether it was told when it fired. */
  readonly fired?: boolean;
}

/** The event that a rule acts on. */
export type Trigger = Pick<Event, 'key' | 'eventId' | 'type' | 'time' | 'properties' | 'traits'> & {
  /** How many emitted events led to it. */
  readonly depth?: number;
};

export type DigestItem = {
  readonly event: JsonObject;
  readonly traits: JsonObject;
  readonly event_type: string;
  readonly event_id: string;
  readonly at: string;
};

/** Ids for what a decision makes. */
export interface Ids {
  /** A new UUIDv7. */
  fresh(): string;
  /** A UUID that depends on the text alone: the same wherever the same is decided again. */
  fromText(text: string): string;
}

/** An earlier event. `event` has the whole content where a rule may yet fire for it. */
export interface KnownEvent {
  readonly key: string;
  readonly eventId: string;
  readonly time: number;
  readonly event?: Event;
  /**
   * For a stored event: the patterns (`patternKey`) it still waits to see completed; none, when it was loaded for another
   * reason. Absent for the events of this batch, which wait for whatever `completed` does not say.
   */
  readonly waitsFor?: ReadonlySet<string>;
}

export interface CountedUse extends LimitUse {
  readonly bucket: string;
  readonly slot: number;
}

/** Events of one person that the rules must see before they can decide. Both ends of the span count. */
export type HistoryLookup =
  /** The latest event of this type in the span, its time only: has A happened before B? */
  | { readonly kind: 'latest'; readonly type: string; readonly from: number; readonly to: number }
  /** Triggers that came before the A they wait for: whole events, those with no `earlier` in the `within` before them. */
  | {
      readonly kind: 'waiting';
      readonly type: string;
      readonly from: number;
      readonly to: number;
      readonly earlier: string;
      readonly within: number;
    }
  /** All events of this type in the span, whole. */
  | { readonly kind: 'span'; readonly type: string; readonly from: number; readonly to: number }
  /** Changes of traits in the span whose pattern was incomplete by then, as their decisions say. */
  | { readonly kind: 'changes'; readonly from: number; readonly to: number };

/** The latest waits of a rule for one key, ended ones included. */
export interface WaitLookup {
  readonly rule: string;
  readonly key: string;
}

/** Names the earlier half of a pattern: what a stored trigger may wait for. */
export function patternKey(earlier: string, within: number): string {
  return `${within} ${earlier}`;
}

/** Uses of one limit whose bucket lies between `from` and `to` (bytewise order, both ends count). */
export interface LimitLookup {
  readonly limitKey: string;
  readonly from: string;
  readonly to: string;
}

export function newUserState(userId: string): UserState {
  return {
    userId,
    profile: { traits: {}, traitTimes: {} },
    events: new Map(),
    uses: new Map(),
    completed: new Set(),
    waits: new Map(),
    pending: undefined,
    changes: undefined,
    firedAt: undefined,
  };
}

export function addEvent(user: UserState, type: string, known: KnownEvent): void {
  const list = user.events.get(type);
  if (list) list.push(known);
  else user.events.set(type, [known]);
}

/** The same, but an event that is known already is not known twice: it waits for what either of them says. */
export function mergeEvent(user: UserState, type: string, known: KnownEvent): void {
  const list = user.events.get(type);
  const at = list?.findIndex((one) => one.key === known.key) ?? -1;
  const before = list?.[at];
  if (!list || !before) addEvent(user, type, known);
  else if (!before.event && known.event) list[at] = known;
  // Of this batch, which has no such set, it waits for whatever it is not told to have completed.
  else if (before.waitsFor && known.waitsFor && known.waitsFor.size > 0) {
    list[at] = { ...before, waitsFor: new Set([...before.waitsFor, ...known.waitsFor]) };
  }
}

export function addUse(user: UserState, limitKey: string, use: CountedUse): void {
  const list = user.uses.get(limitKey);
  if (list) list.push(use);
  else user.uses.set(limitKey, [use]);
}

/** The same, but a use that is known already is not known twice. */
export function mergeUse(user: UserState, limitKey: string, use: CountedUse): void {
  const { bucket, slot } = use;
  const isKnown = user.uses.get(limitKey)?.some((one) => one.bucket === bucket && one.slot === slot);
  if (!isKnown) addUse(user, limitKey, use);
}

/** Outcomes of a rule that fired: it sent, acted, or started a wait. */
export const FIRED_OUTCOMES: ReadonlySet<Outcome> = new Set<Outcome>(['send', 'acted', 'scheduled']);

/** Where to look for what was told of triggers; both ends count. */
export interface FiredLookup {
  readonly from: Millis;
  readonly to: Millis;
}

/** Adds what the decisions on an event of this time say. */
export function recordFired(user: UserState, time: Millis, decisions: readonly Decision[]): void {
  for (const { rule, outcome, event_ids: ids } of decisions) {
    if (!FIRED_OUTCOMES.has(outcome)) continue;
    user.firedAt ??= new Map();
    const name = `${rule} ${ids[0]}`;
    user.firedAt.set(name, Math.max(user.firedAt.get(name) ?? time, time));
  }
}

/** The order in which waits end, wherever they do: live, replayed or simulated. */
export function compareByDueTime(a: Wait, b: Wait): number {
  return a.dueAt - b.dueAt || a.triggerTime - b.triggerTime || (a.waitId < b.waitId ? -1 : 1);
}
