import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';

/**
 * `scheduled`: it is stored, with its time, and only a cancellation or a change of preferences prevents it.
 * `if_nothing_else_happens`: a rule decides it then, by what is known then.
 */
export const CERTAINTIES = ['scheduled', 'if_nothing_else_happens'] as const;
export type Certainty = (typeof CERTAINTIES)[number];

export const ENTRY_OUTCOMES = ['send', 'held_back'] as const;
export type EntryOutcome = (typeof ENTRY_OUTCOMES)[number];

/**
 * `goes`: at `at`. `waits`: it goes then, because a policy moves it there, or is tried again then. `digest`: it becomes an item of a
 * digest. `fallback`: only if the channels before it fail. `held`: it waits until someone acts, for which there is no time. `held_back`:
 * it does not go.
 */
export const CHANNEL_STATES = ['goes', 'waits', 'digest', 'fallback', 'held', 'held_back'] as const;
export type ChannelState = (typeof CHANNEL_STATES)[number];

/** A channel of a message that is forecast. */
export interface ForecastChannel {
  readonly channel: Channel;
  readonly state: ChannelState;
  /** When it goes; of `digest` when the digest is due; of `held` and `held_back` when that is found. */
  readonly at: Millis;
  /** The policy or the lack that decided; null: nothing is in its way. */
  readonly code: string | null;
  readonly reason: string | null;
}

/**
 * The bound that ended a forecast early. `waits`: the user has more than are loaded at once; `work`: it would take too long; `entries`:
 * there are more. `queue`: more messages wait in the queue than were looked at, so some may be missing.
 */
export const REACHED_BOUNDS = ['waits', 'work', 'entries', 'queue'] as const;
export type ReachedBound = (typeof REACHED_BOUNDS)[number];

export const SOURCES = ['delivery', 'request', 'wait', 'schedule', 'event'] as const;
export type ForecastSource = (typeof SOURCES)[number];

/** A message that a user will get, or that something will hold back. */
export interface ForecastEntry {
  readonly at: Millis;
  readonly type: string;
  /** Null: a request asked for it. */
  readonly rule: string | null;
  readonly source: ForecastSource;
  readonly waitId: string | null;
  /** Null: it is not stored yet. */
  readonly notificationId: string | null;
  readonly certainty: Certainty;
  readonly outcome: EntryOutcome;
  /** A sentence. */
  readonly why: string;
  /** Reason code of the decision; of what is held back afterwards, that of the policy or of what is missing. */
  readonly code: string;
  readonly reason: string;
  readonly channels: readonly ForecastChannel[];
}
