/* The filter of deliveries, as the address, the API and jobs have it. */

import type { DeliveryCounts, JsonObject } from '@tidings/client/types';
import { type FilterField, withTimes } from '../filters/filter.ts';
import type { DeliveryFilter } from '../route.ts';
import { CHANNELS, getLook, STATUSES } from '../shell/outcome.ts';
import { formatReason } from '../shell/reason-words.ts';
import { t } from '../text/text.ts';
import { formatReceipt } from '../user/receipt-words.ts';

/** Returns the filter as parameters of the API. @param now in ms */
export function toApiFilter(filter: DeliveryFilter, now: number): Record<string, string | null> {
  const { type, reason, receipt, held, ...others } = withTimes(filter, now);
  return { ...others, notification_type: type, reason_code: reason, receipt_state: receipt, hold_code: held };
}

/** Returns the filter of a job on what is shown now, without the status, whose form is that of the action. Jobs ask for neither receipts nor holds. */
export function toJobFilter(filter: DeliveryFilter, now: number): JsonObject {
  const { status, receipt_state: _, hold_code: __, ...others } = toApiFilter(filter, now);
  return Object.fromEntries(Object.entries(others).filter(([, value]) => value !== null)) as JsonObject;
}

/** Returns the fields of the bar with the counts of their values. The status has links of its own. */
export function toFields(counts: DeliveryCounts['counts'] | undefined): readonly FilterField[] {
  return [
    { name: 'type', label: t('Type'), values: counts && (counts.notification_type ?? []) },
    {
      name: 'channel',
      label: t('Channel'),
      values: counts && (counts.channel ?? []),
      toLabel: (value) => CHANNELS[value as keyof typeof CHANNELS]?.label ?? value,
    },
    { name: 'provider', label: t('Provider'), values: counts && (counts.provider ?? []) },
    { name: 'reason', label: t('Reason'), values: counts && (counts.reason_code ?? []), toLabel: formatReason },
    { name: 'receipt', label: t('Receipt'), values: counts && (counts.receipt_state ?? []), toLabel: formatReceipt },
    { name: 'held', label: t('Held by'), values: counts && (counts.hold_code ?? []), toLabel: formatReason },
    {
      name: 'status',
      label: t('Status'),
      hasMenu: false,
      values: counts && (counts.status ?? []),
      toLabel: (value) => getLook(STATUSES, value as keyof typeof STATUSES).label,
    },
  ];
}
