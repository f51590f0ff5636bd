import type { Filter, View } from '../client/inbox-client.ts';

export interface Tab {
  /** Key of its label, or the label. */
  readonly name: string;
  readonly filter: Filter;
}

const VIEWS: readonly string[] = ['active', 'unread', 'read', 'unseen', 'archived', 'snoozed', 'all'];

/**
 * Reads the attribute `tabs`: `all,unread,orders:category=TRANSACTIONAL`. A name alone is a view, `all` what is neither archived nor
 * snoozed; after a colon follow `view`, `category` and `type`, with `&` between them.
 */
export function parseTabs(text: string): readonly Tab[] {
  const tabs = text
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
    .map((one): Tab => {
      const at = one.indexOf(':');
      if (at < 0) return { name: one, filter: one === 'all' || !VIEWS.includes(one) ? {} : { view: one as View } };
      const { view, category, type } = Object.fromEntries(new URLSearchParams(one.slice(at + 1)));
      return {
        name: one.slice(0, at),
        filter: {
          ...(view && VIEWS.includes(view) && { view: view as View }),
          ...(category && { category }),
          ...(type && { notification_type: type }),
        },
      };
    });
  return tabs.length > 0 ? tabs : [{ name: 'all', filter: {} }];
}
