import type { Event, LimitUse, Profile } from '../model.ts';

/**
 * What is known of one person while a batch is decided. `decide` reads it and adds what it decided, so that the next
 * event of the person sees it; the transaction that loaded it writes it.
 */
export interface PersonFacts {
  readonly userId: string;
  profile: Profile;
  /** Known events, by type: loaded ones as far as the rules asked for them, and those of this batch. */
  readonly known: Map<string, KnownEvent[]>;
  /** Sends that limits counted, by limit key. */
  readonly uses: Map<string, CountedUse[]>;
  /** Triggers whose pattern is complete, as `rule event-key`: they had their decision. */
  readonly completed: Set<string>;
}

/** An earlier event. `event` has the whole content where a rule may yet fire for it. */
export interface KnownEvent {
  readonly key: string;
  readonly eventId: string;
  readonly time: number;
  readonly event?: Event;
  /**
   * For a stored trigger: the patterns (`patternKey`) it still waits to see completed. Absent for the events of this
   * batch, which wait for whatever `completed` does not say.
   */
  readonly waitsFor?: ReadonlySet<string>;
}

export interface CountedUse extends LimitUse {
  readonly bucket: string;
  readonly slot: number;
}

/** Events of one person that the rules must see before they can decide. Both ends of the span count. */
export type HistoryNeed =
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
    };

/** Names the earlier half of a pattern: what a stored trigger may wait for. */
export function patternKey(earlier: string, within: number): string {
  return `${within} ${earlier}`;
}

/** Uses of one limit whose bucket lies between `from` and `to` (bytewise order, both ends count). */
export interface LimitNeed {
  readonly limitKey: string;
  readonly from: string;
  readonly to: string;
}

export function stranger(userId: string): PersonFacts {
  return { userId, profile: { traits: {}, traitTimes: {} }, known: new Map(), uses: new Map(), completed: new Set() };
}

export function remember(person: PersonFacts, type: string, known: KnownEvent): void {
  const list = person.known.get(type);
  if (list) list.push(known);
  else person.known.set(type, [known]);
}
