import type { NotificationType } from './catalog.ts';
import type { Channel, InDoubtPolicy } from './delivery.ts';
import type { DirectPart } from './direct.ts';
import type { Json, Millis, Profile } from './event.ts';
import type { PlanCode } from './plan-codes.ts';
import type { Policy } from './preferences.ts';
import type { ConsentBinding, Terms } from './terms.ts';

/** The planned delivery of one notification on one channel. */
export interface ChannelPlan {
  readonly channel: Channel;
  readonly dueAt: Millis;
  /** End of the retries. */
  readonly retryUntil: Millis;
  /** After this the message is of no use; null: it keeps its use. */
  readonly expiresAt: Millis | null;
  readonly inDoubt: InDoubtPolicy;
  /** 0 to 3; see `getPriorityNumber`. */
  readonly priority: number;
  /** Place among channels that are tried one after the other, from 1; null: all channels are used. */
  readonly step: number | null;
  /** `fallback`: the channels before it come first; otherwise why the plan holds it. */
  readonly holdCode: string | null;
  /** The verdict, where it differs from the ordinary. */
  readonly verdict?: Verdict;
}

/** The verdict of the plan on one channel of a notification. The stored and the public shape are the same. */
export interface Verdict {
  readonly channel: Channel;
  readonly verdict: 'go' | 'hold' | 'fold' | 'drop';
  readonly code: PlanCode;
  /** Level that decided: `user: type ORDER_SHIPPED / sms`, `tenant: lock of category MARKETING`, `law: MARKETING / sms`. */
  readonly level: string;
  /** The value that decided: `off`, `granted`, `22:00-08:00 Europe/Berlin`. */
  readonly value: Json;
  /** When the user said so (ISO 8601); null: it is the policy of the catalog. */
  readonly since: string | null;
  /** End of a `hold`, or when the digest of a `fold` is due, in ISO 8601. */
  readonly until?: string;
}

/** The user of a message, as the plan sees them. */
export interface PlanUser {
  readonly userId: string;
  readonly profile: Profile;
  /** Returns whether the address of a channel is the one that a consent is bound to. */
  isBoundTo(channel: Channel, consent: ConsentBinding): boolean;
}

/** Facts with which the plan folds a message into a digest. */
export interface Folding {
  /** Channels of the type that have a template for digests. */
  readonly channels: ReadonlySet<Channel>;
}

/** Messages of a channel that a user got or that are reserved for them, by the time at which they are due. */
export interface CapUses {
  /** Returns those from one time to another, both included, in order of time. */
  between(from: Millis, to: Millis): readonly { readonly at: Millis }[];
}

/** A place of a planned message in the ledger of limits: under a cap, or for its content. */
export interface Reservation {
  readonly limitKey: string;
  readonly at: Millis;
  /** Absent: that of its time. */
  readonly bucket?: string;
}

/** Earlier messages of a type with the same content. */
export interface Dedupe {
  /** Returns when the latest of them went by a channel; undefined: none did within the window. */
  findAlike(channel: Channel): Millis | undefined;
  /** Returns the place of this message; undefined: so many are remembered that it is not. */
  reserve(channel: Channel): Reservation | undefined;
}

/** Uses of a cap that are looked up for one user, at most. While that many places are taken, a user gets no further message. */
export const MAX_CAP_USES = 4000;
/**
 * Time before a decision from which on the uses of caps are looked up: the longest day, and the time that a decision may take.
 */
export const CAP_LOOK_BACK_MS: Millis = 27 * 3_600_000;

/** The key under which the ledger of limits has the contents of messages of types with `dedupe`. */
export const DEDUPE_KEY = '@dedupe';
/**
 * Contents that are remembered for a user within the longest window of the catalog, at most: later ones go, and are not
 * remembered.
 */
export const MAX_DEDUPE_USES = 1000;

/** Returns the key of a cap in the ledger of limits: rules count by event time, and never under such a key. */
export function toCapKey(channel: Channel): string {
  return `@cap/${channel}`;
}

/** Everything that the plan of one notification depends on. */
export interface PlanQuestion {
  readonly type: NotificationType;
  /** Channels that are asked about, in the order of the type. */
  readonly channels: readonly Channel[];
  readonly terms: Terms;
  readonly policy: Policy;
  readonly user: PlanUser;
  readonly now: Millis;
  /** When the message expires; null: it keeps its use. */
  readonly expiresAt: Millis | null;
  /** Whether the message passes quiet hours: it is urgent. */
  readonly isUrgent: boolean;
  /** Absent: it is not folded into a digest: it is one, or it was decided already. */
  readonly folding?: Folding | undefined;
  /** Absent: the type may repeat itself, or it was decided already. */
  readonly dedupe?: Dedupe | undefined;
  /** Returns the uses of a cap; undefined: it has no uses. Absent: caps do not matter, it was decided already. */
  readonly capUses?: ((limitKey: string) => CapUses | undefined) | undefined;
}

/** A message that becomes an item of digests. */
export interface Fold {
  /** Channels of one digest. */
  readonly channels: readonly Channel[];
  readonly dueAt: Millis;
}

/**
 * The plan of one notification, where it is not the ordinary one: at least one channel is held, folded or dropped, or has a
 * cap.
 */
export interface NotificationPlan {
  /** Without those that are folded or dropped. */
  readonly channels: readonly ChannelPlan[];
  readonly folds: readonly Fold[];
  /** Its places in the ledger of limits. */
  readonly reserved: readonly Reservation[];
  /** One for each channel that was asked about; none if all go at once. */
  readonly verdicts: readonly Verdict[];
  /** The verdicts in words, as the end of a sentence: `the user turned off MARKETING (email)`. */
  readonly text: string;
}

/**
 * Plans a notification on the terms of its user and the policy of the tenant.
 * @param only channels selected by the rule; undefined: all
 * @param direct the request that asked for it; undefined: a rule of the tenant sends it
 * @returns undefined: the plan is the ordinary one
 */
export type PlanOnTerms = (
  question: Omit<PlanQuestion, 'channels' | 'isUrgent' | 'expiresAt'>,
  only: readonly Channel[] | undefined,
  direct: DirectPart | undefined,
) => NotificationPlan | undefined;
