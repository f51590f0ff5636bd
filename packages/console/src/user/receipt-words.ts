import { t } from '../text/text.ts';

/** Returns what a receipt says, or a flag of receipts, in words; a code of a newer API as it is. */
export function formatReceipt(code: string): string {
  return t(
    '{code, select, unconfirmed {unconfirmed} delivered {delivered} partly_delivered {partly delivered} bounced {bounced} complained {complained} failed {failed} opened {opened} clicked {clicked} read {read} unsubscribed {unsubscribed} machine_opened {machine opened} machine_clicked {machine clicked} other {{code}}}',
    { code },
  );
}
