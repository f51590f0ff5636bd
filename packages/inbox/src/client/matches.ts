import type { Filter, Item } from './types.ts';

/** Whether a list shows an item, by the clock of the device. */
export function matches(
  item: Item,
  { view = 'active', category, notification_type: type }: Filter,
  now: number,
): boolean {
  if (category !== undefined && item.category !== category) return false;
  if (type !== undefined && item.notification_type !== type) return false;
  const isSnoozed = item.snoozed_until !== null && Date.parse(item.snoozed_until) > now;
  switch (view) {
    case 'all':
      return true;
    case 'archived':
      return item.archived_at !== null;
    case 'snoozed':
      return item.archived_at === null && isSnoozed;
    default: {
      const isExpired = item.expires_at !== null && Date.parse(item.expires_at) <= now;
      if (item.archived_at !== null || isSnoozed || isExpired) return false;
      if (view === 'unread') return item.read_at === null;
      if (view === 'unseen') return item.seen_at === null;
      return view !== 'read' || item.read_at !== null;
    }
  }
}
