/* The filter of deliveries, as the address, the API and jobs have it. */

import type { DeliveryCounts, JsonObject } from '@tidings/client/types';
import { type FilterField, withTimes } from '../filters/filter.ts';
import type { DeliveryFilter } from '../route.ts';
import { CHANNELS, getLook, STATUSES } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

/** Returns the filter as parameters of the API. @param now in ms */
export function toApiFilter(filter: DeliveryFilter, now: number): Record<string, string | null> {
  const { status, type, channel, provider, reason, since, until } = withTimes(filter, now);
  return { status, notification_type: type, channel, provider, reason_code: reason, since, until };
}

/** Returns the filter of a job on what is shown now, without the status, whose form is that of the action. */
export function toJobFilter(filter: DeliveryFilter, now: number): JsonObject {
  const { status, ...others } = toApiFilter(filter, now);
  return Object.fromEntries(Object.entries(others).filter(([, value]) => value !== null)) as JsonObject;
}

/** Returns the fields of the bar with the counts of their values. The status has links of its own. */
export function toFields(counts: DeliveryCounts['counts'] | undefined): readonly FilterField[] {
  return [
    { name: 'type', label: t('Type'), values: counts && (counts.notification_type ?? []) },
    {
      name: 'channel',
      label: t('Channel'),
      values: counts?.channel?.map((one) => ({
        ...one,
        label: CHANNELS[one.value as keyof typeof CHANNELS]?.label ?? one.value,
      })),
    },
    { name: 'provider', label: t('Provider'), values: counts && (counts.provider ?? []) },
    { name: 'reason', label: t('Reason'), values: counts && (counts.reason_code ?? []) },
    {
      name: 'status',
      label: t('Status'),
      hasMenu: false,
      values: counts?.status?.map((one) => ({
        ...one,
        label: getLook(STATUSES, one.value as keyof typeof STATUSES).label,
      })),
    },
  ];
}
