/* Notification types of the catalog with their sums. */
import type { MetricGroups } from '@tidings/client/types';
import type { CatalogNotification } from '../api/types.ts';
import { countOut } from '../overview/series.ts';
import { t } from '../text/text.ts';

/** A type, with its sums; undefined: nothing happened, or it is not known. */
export interface TypeRow {
  readonly type: CatalogNotification;
  readonly sums: MetricGroups['groups'][number] | undefined;
}

/** Returns the types of the catalog with their sums. */
export function mergeTypes(types: readonly CatalogNotification[], groups: MetricGroups['groups']): TypeRow[] {
  const byName = new Map(groups.map((group) => [group.key, group]));
  return types.map((type) => ({ type, sums: byName.get(type.name) }));
}

const rate = (read: (metrics: MetricGroups['groups'][number]['metrics']) => number | null) => (row: TypeRow) =>
  row.sums === undefined ? -1 : (read(row.sums.metrics) ?? -1);

/** Orders of the list; the largest number first. */
export const SORTS = {
  sent: { label: t('Most sent first'), read: rate(countOut) },
  name: { label: t('By name'), read: null },
  undelivered: {
    label: t('Least delivered first'),
    read: rate(({ delivery_rate: share }) => (share === null ? null : 1 - share)),
  },
  opened: { label: t('Most opened first'), read: rate(({ open_rate: share }) => share) },
  unsubscribed: { label: t('Most unsubscribed first'), read: rate(({ unsubscribe_rate: share }) => share) },
} as const;

/** Returns the rows in an order; an unknown one is the first. Equal ones stand by name. */
export function sortTypes(rows: readonly TypeRow[], sort: string | null): TypeRow[] {
  const { read } = sort !== null && Object.hasOwn(SORTS, sort) ? SORTS[sort as keyof typeof SORTS] : SORTS.sent;
  return rows.toSorted((a, b) => (read === null ? 0 : read(b) - read(a)) || (a.type.name < b.type.name ? -1 : 1));
}
