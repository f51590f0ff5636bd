import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';

const RECEIPT_TIME_MS: { readonly [channel in Channel]?: Millis } = { email: 6 * 3_600_000, sms: 3_600_000 };
const OTHER_RECEIPT_TIME_MS: Millis = 3_600_000;

/** Returns the time in ms within which a receipt of a message on a channel usually comes. */
export function getReceiptTime(channel: Channel): Millis {
  return RECEIPT_TIME_MS[channel] ?? OTHER_RECEIPT_TIME_MS;
}
