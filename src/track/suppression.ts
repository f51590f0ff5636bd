import type { Category } from '../model/catalog.ts';
import type { DeadAddressKind } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { Receipt } from '../model/receipt.ts';
import type { SuppressionReason } from '../model/suppression.ts';
import { getBounceClass } from './bounce-class.ts';

/** Soft bounces of an address, without a delivery between them, after which it gets nothing for a while. */
export const MAX_SOFT_BOUNCES = 3;
const DAY: Millis = 86_400_000;
/** Time in ms in which they count, and for which the address then gets nothing. */
export const SOFT_BOUNCE_WINDOW_MS: Millis = 14 * DAY;
export const SOFT_SUPPRESSION_MS: Millis = 30 * DAY;

/** A possible reason to suppress an address: a receipt, or the outcome of an attempt. */
export type SuppressionCause =
  | {
      readonly receipt: Pick<Receipt, 'kind' | 'at' | 'code' | 'enhancedCode' | 'isPermanent'>;
      readonly provider: string;
      /** Category of the message; absent: it is not about one. */
      readonly category?: Category;
    }
  | { readonly outcome: DeadAddressKind; readonly at: Millis };

/** Earlier receipts of an address. */
export interface AddressHistory {
  /** Times of its soft bounces since it last received a message, in any order, without the present one. */
  readonly softBounces: readonly Millis[];
}

/** Scope, reason and end of a suppression to add. */
export interface SuppressionVerdict {
  readonly scope: string;
  readonly reason: SuppressionReason;
  /** Absent: until it is lifted. */
  readonly until?: Millis;
}

/** Returns whether a receipt is a soft bounce: the address fails for now. */
export function isSoftBounce({
  kind,
  ...report
}: Omit<Extract<SuppressionCause, { receipt: unknown }>['receipt'], 'at'> & { readonly provider: string }): boolean {
  return (kind === 'bounced' || kind === 'failed') && getBounceClass({ ...report, kind }) === 'soft';
}

/** Returns how an address is to be suppressed for a cause; undefined: it is not. */
export function getSuppression(cause: SuppressionCause, history: AddressHistory): SuppressionVerdict | undefined {
  if ('outcome' in cause) {
    if (cause.outcome === 'opted_out') return { scope: 'all', reason: 'opted_out' };
    if (cause.outcome !== 'weak') return { scope: 'all', reason: 'hard_bounce' };
    return { scope: 'all', reason: 'soft_bounces', until: cause.at + SOFT_SUPPRESSION_MS };
  }
  const { receipt, provider, category } = cause;
  switch (receipt.kind) {
    case 'complained':
      return { scope: 'all', reason: 'complaint' };
    case 'opted_out':
      return { scope: 'all', reason: 'opted_out' };
    case 'unsubscribed':
      return { scope: getUnsubscribeScope(category), reason: 'unsubscribed' };
    case 'bounced':
    case 'failed':
      break;
    default:
      return undefined;
  }
  switch (getBounceClass({ provider, ...receipt, kind: receipt.kind })) {
    case 'dead':
      return { scope: 'all', reason: 'hard_bounce' };
    case 'opted_out':
      return { scope: 'all', reason: 'opted_out' };
    case 'soft': {
      const { at } = receipt;
      const counted = history.softBounces.filter((time) => Math.abs(at - time) <= SOFT_BOUNCE_WINDOW_MS).length;
      if (counted + 1 < MAX_SOFT_BOUNCES) return undefined;
      return { scope: 'all', reason: 'soft_bounces', until: at + SOFT_SUPPRESSION_MS };
    }
    default:
      return undefined;
  }
}

/** Returns the scope that a reader of a message of this category leaves: what is needed for the service itself stays. */
export function getUnsubscribeScope(category: Category | undefined): string {
  const isNeeded = category === undefined || category === 'TRANSACTIONAL' || category === 'SECURITY';
  return `category:${isNeeded ? 'MARKETING' : category}`;
}
