import type { Provider } from '../channels/provider.ts';
import type {
  Cost,
  DeliveryReasonCode,
  Message,
  MessageLocale,
  SendOutcome,
  ShownTemplate,
} from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { DeliveryHoldCode } from '../model/hold-codes.ts';

/** The result of one attempt. */
export interface DispatchResult {
  readonly provider: Provider;
  readonly outcome: AttemptOutcome;
  /** The message as it was sent; absent if the attempt ended before it was rendered. */
  readonly message?: Message;
  /** Absent: there is no message, or it has no template. */
  readonly locale?: MessageLocale;
  /** Present with a message from a template of the API, or in a test of variants. */
  readonly template?: ShownTemplate;
  /** Why it went by its account; absent: there was no choice. */
  readonly choice?: string;
  /** Whether other accounts may send it: a pause of this one does not hold it up. Default false. */
  readonly hasOthers?: boolean;
  /** Cost of the message; absent: it is not known. */
  readonly cost?: Cost;
}

export type AttemptOutcome = SendOutcome | Undeliverable;

/** The message has nowhere to go. */
export interface Undeliverable {
  readonly kind: 'undeliverable';
  readonly reasonCode: DeliveryReasonCode;
  /** A sentence. */
  readonly reason: string;
}

/** The outcome of an attempt that ended before the provider was called. */
export interface Unsent {
  /** Absent: the account that was chosen. */
  readonly provider?: Provider;
  readonly outcome: AttemptOutcome;
}

/**
 * A delivery that was not started. `lost`: another worker has it. Otherwise it returns to the queue, due at `dueAt` (null: as
 * before).
 */
export type Unstarted =
  | { readonly unstarted: 'lost' }
  | { readonly unstarted: 'returned'; readonly dueAt: Millis | null; readonly holdCode?: DeliveryHoldCode };

export const LOST: Unstarted = { unstarted: 'lost' };

/** The delivery returns to the queue, due as before. */
export const RETURNED: Unstarted = { unstarted: 'returned', dueAt: null };

/**
 * The delivery returns to the queue, due at this time.
 * @param dueAt rounded to whole ms
 * @param holdCode why it waits until then; absent: it only waits for its turn
 */
export function returnUntil(dueAt: Millis, holdCode?: DeliveryHoldCode): Unstarted {
  return { unstarted: 'returned', dueAt: Math.round(dueAt), ...(holdCode === undefined ? {} : { holdCode }) };
}

/** Longest time in ms after which a delivery comes back whose account is paused: the pause may end before. */
export const MAX_ACCOUNT_PAUSE_MS: Millis = 60_000;

/** Reason of an outcome that an error in our own code caused. */
export const INTERNAL_ERROR_REASON = 'internal error in Tidings; see its log';

/** Bounded by the retry time of the delivery. A message with masks in the place of values is never sent. */
export function toUnopened(what: string): Unsent {
  return { outcome: { kind: 'retry', reason: `${what} cannot be opened with the current key`, fault: 'us' } };
}
