import type { Evidence, LimitUse, Outcome, WaitKind, WaitStatus } from '../model/decision.ts';
import type { Event, JsonObject, Millis } from '../model/event.ts';

/** An event that changed a trait to which a rule listens. */
export interface TraitChangeTrigger {
  readonly rule: string;
  readonly trigger: Event;
  readonly change: NonNullable<Evidence['change']>;
}

/** A rule that waits, for one user and key. Mutable while a batch is decided; `stored` says what must be written. */
export interface Wait {
  readonly waitId: string;
  readonly userId: string;
  readonly rule: string;
  /** The value of the rule's key as text, see key.ts; empty without one. */
  key: string;
  readonly kind: WaitKind;
  /** The catalog version that it began with, or was migrated to, and ends under. */
  catalogVersion: number;
  readonly beganAt: Millis;
  status: WaitStatus;
  dueAt: Millis;
  /** Event time of the trigger. */
  triggerTime: Millis;
  state: WaitState;
  endedAt: Millis | null;
  stored: 'same' | 'changed' | 'new';
  /** The timer does not fire it before this time, because that failed; the year 9999: it is set aside. */
  readonly heldUntil?: Millis;
}

/** The stored state of a wait, as JSON. */
export interface WaitState {
  /** The event that the notification is about; of a burst the latest. */
  readonly trigger: Trigger;
  /** Properties of the events of the pattern, by type. */
  readonly matched?: JsonObject;
  /** Why it began: the events, the trigger first, and the evidence of the pattern. */
  readonly begun?: {
    readonly eventIds: readonly string[];
    readonly evidence: Pick<Evidence, 'pattern' | 'count' | 'change'>;
  };
  /** Event times of the first and last event of a burst or digest. */
  readonly first?: Millis;
  readonly last?: Millis;
  /** Number of items of a digest, and the latest of them. */
  readonly total?: number;
  readonly items?: readonly DigestItem[];
  /** Number of `unless` events so far, where several are needed. */
  readonly seen?: number;
  /** The event that ended it. */
  readonly endedBy?: { readonly event_id: string; readonly event_type: string; readonly at: Millis };
  /** When it was migrated to other catalog versions, in order of time. */
  readonly migrated?: readonly { readonly at: Millis; readonly version: number }[];
  /** Whether the rule acted when the wait fired. */
  readonly fired?: boolean;
}

/** The event that triggers a rule. */
export type Trigger = Pick<
  Event,
  'key' | 'eventId' | 'type' | 'time' | 'properties' | 'traits' | 'context' | 'unreadable'
> & {
  /** Number of emitted events that led to it; absent for a posted event. */
  readonly depth?: number;
};

export type DigestItem = {
  readonly event: JsonObject;
  readonly traits: JsonObject;
  readonly event_type: string;
  readonly event_id: string;
  readonly at: string;
  /** Variables of the message that it would have been by itself; absent: it had none. */
  readonly variables?: JsonObject;
};

/** A source of ids for what a decision creates. */
export interface Ids {
  /** Returns a new UUIDv7. */
  fresh(): string;
  /** Returns a UUID that depends on the text alone, so that a replay gives the same one. */
  fromText(text: string): string;
  /**
   * Returns a keyed hash of the text, 32 characters of base64url: the same for the same text and key. For texts with
   * addresses, which a plain hash does not hide.
   */
  keyed(text: string): string;
}

/** An event that is known. `event` is its content; absent where only its time is required. */
export interface KnownEvent {
  readonly key: string;
  readonly eventId: string;
  readonly time: number;
  readonly event?: Event;
  /**
   * The patterns (`patternKey`) of which a stored event waits for the earlier half; empty if it was loaded for another
   * reason. Absent for an event of this batch, which waits for every pattern that `completed` does not name.
   */
  readonly waitsFor?: ReadonlySet<string>;
}

/** One send that a limit counted, in a bucket (a day, an instant, `ever`) and a numbered slot of it. */
export interface CountedUse extends LimitUse {
  readonly bucket: string;
  readonly slot: number;
}

/** Events of one user that the rules require before they can decide. Both ends of the span are included. */
export type HistoryLookup =
  /** The latest event of this type in the span, without its content: has A happened before B? */
  | { readonly kind: 'latest'; readonly type: string; readonly from: number; readonly to: number }
  /**
   * Triggers that arrived before the A they wait for, with their content: those without an `earlier` in `within` before them.
   */
  | {
      readonly kind: 'waiting';
      readonly type: string;
      readonly from: number;
      readonly to: number;
      readonly earlier: string;
      readonly within: number;
    }
  /** All events of this type in the span, with their content. */
  | { readonly kind: 'span'; readonly type: string; readonly from: number; readonly to: number }
  /** Trait changes in the span whose pattern was incomplete then, as their decisions say. */
  | { readonly kind: 'changes'; readonly from: number; readonly to: number };

/** The latest waits of a rule for one key, ended ones included. */
export interface WaitLookup {
  readonly rule: string;
  readonly key: string;
}

/** Names the earlier half of a pattern, for which a stored trigger may wait. */
export function patternKey(earlier: string, within: number): string {
  return `${within} ${earlier}`;
}

/** Uses of one limit with a bucket from `from` to `to` (bytewise order, both included). */
export interface LimitLookup {
  readonly limitKey: string;
  readonly from: string;
  readonly to: string;
}

/** Facts about a user that a bound of the look-ups left out. */
export interface LeftOut {
  /** `contents`: of large events, of which only the small fields are known. */
  readonly facts: 'events' | 'contents' | 'decisions' | 'waits';
  /** Type of the events; empty: of any type. */
  readonly type: string;
  /** Number of facts that are known. */
  readonly examined: number;
  /** The bound, with its unit. */
  readonly bound: string;
}

/** Outcomes of a rule that fired: it sent, acted, or started a wait. It does not fire again for the same trigger. */
export const FIRED_OUTCOMES: ReadonlySet<Outcome> = new Set<Outcome>(['send', 'acted', 'scheduled']);

/** Event times between which to load the decisions on triggers, both included. */
export interface FiredLookup {
  readonly from: Millis;
  readonly to: Millis;
}

/** Compares in the order in which waits fire; two of the same due time by trigger, then by id. */
export function compareByDueTime(a: Wait, b: Wait): number {
  return a.dueAt - b.dueAt || a.triggerTime - b.triggerTime || (a.waitId < b.waitId ? -1 : 1);
}
