import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import type { Receipt, ReceiptFlag, ReceiptState } from '../model/receipt.ts';

/** The fields of a receipt that a state is made of. */
export type StateReceipt = Pick<
  Receipt,
  'id' | 'kind' | 'at' | 'code' | 'enhancedCode' | 'isPermanent' | 'isMachine' | 'part'
>;

/** The state that the receipts of a delivery make together. */
export interface DeliveryReceiptState {
  /** Null: none of them says what became of the message. */
  readonly state: ReceiptState | null;
  /** In order of RECEIPT_FLAGS. */
  readonly flags: readonly ReceiptFlag[];
  /** The receipt that says best why the message did not arrive; a later one without a reason does not replace it. */
  readonly failure: StateReceipt | undefined;
}

/**
 * Returns what a set of receipts says: in whatever order and however often they came, it is the same.
 * @param isOverdue the time in which a receipt usually comes has passed
 */
export function getReceiptState(
  receipts: readonly StateReceipt[],
  { channel, isOverdue = false }: { readonly channel: Channel; readonly isOverdue?: boolean },
): DeliveryReceiptState {
  const has = (...kinds: readonly StateReceipt['kind'][]) => receipts.some(({ kind }) => kinds.includes(kind));
  const byPerson = (kind: StateReceipt['kind']) => receipts.some((one) => one.kind === kind && !one.isMachine);
  const byMachine = (kind: StateReceipt['kind']) => receipts.some((one) => one.kind === kind && one.isMachine);
  const flags: ReceiptFlag[] = [];
  if (byPerson('opened')) flags.push('opened');
  if (byPerson('clicked')) flags.push('clicked');
  if (has('read')) flags.push('read');
  if (has('unsubscribed', 'opted_out')) flags.push('unsubscribed');
  if (byMachine('opened')) flags.push('machine_opened');
  if (byMachine('clicked')) flags.push('machine_clicked');
  // A reader who opens, reads or complains has the message.
  const isDelivered = has('delivered', 'opened', 'clicked', 'read', 'unsubscribed');
  const failure = findFailure(receipts);
  const state = has('complained') ? 'complained' : getOutcome(isDelivered, failure, channel);
  return { state: state ?? (isOverdue ? 'unconfirmed' : null), flags, failure };
}

function getOutcome(
  isDelivered: boolean,
  failure: StateReceipt | undefined,
  channel: Channel,
): ReceiptState | undefined {
  if (!failure) return isDelivered ? 'delivered' : undefined;
  const failed = failure.kind === 'bounced' ? 'bounced' : 'failed';
  if (!isDelivered) return failed;
  // A server that accepted it may return it later. Before it accepted it, a failure was one of its tries.
  if (CHANNEL_DESCRIPTORS[channel].canBounceLater) return failure.isPermanent ? failed : 'delivered';
  return 'partly_delivered';
}

/** Returns the failure with the best reason: one that is permanent, has a code, and is the latest. */
function findFailure(receipts: readonly StateReceipt[]): StateReceipt | undefined {
  return receipts
    .filter(({ kind }) => kind === 'bounced' || kind === 'failed')
    .reduce<StateReceipt | undefined>((best, one) => (!best || compare(one, best) > 0 ? one : best), undefined);
}

function compare(one: StateReceipt, other: StateReceipt): number {
  return (
    Number(one.isPermanent ?? false) - Number(other.isPermanent ?? false) ||
    Number(one.kind === 'bounced') - Number(other.kind === 'bounced') ||
    getDetail(one) - getDetail(other) ||
    one.at - other.at ||
    compareText(one.id, other.id) ||
    // Two reports with one id differ where a provider corrected it: one of them counts, in whatever order they came.
    compareText(
      JSON.stringify([one.code, one.enhancedCode, one.part, one.isMachine]),
      JSON.stringify([other.code, other.enhancedCode, other.part, other.isMachine]),
    )
  );
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

function getDetail({ code, enhancedCode }: StateReceipt): number {
  return (enhancedCode === undefined ? 0 : 2) + (code === undefined ? 0 : 1);
}

/** Returns whether a message reached its reader as far as its type asks for; undefined: that is open. */
export function hasReached(
  { state, flags }: DeliveryReceiptState,
  until: 'sent' | 'delivered' | 'opened',
): boolean | undefined {
  if (state === 'bounced' || state === 'failed') return false;
  if (until === 'sent') return true;
  const isOpened = flags.some((flag) => flag === 'opened' || flag === 'clicked' || flag === 'read');
  if (until === 'opened') return isOpened ? true : undefined;
  return isOpened || state === 'delivered' || state === 'complained' ? true : undefined;
}
