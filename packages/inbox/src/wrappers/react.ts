/* Generated from custom-elements.json by generate.mjs: change those. */

import type {
  Action,
  Counts,
  Filter,
  GetToken,
  InboxClient,
  InboxProblem,
  Item,
  ItemAction,
  PreferenceChange,
} from '../client/inbox-client.ts';
import type {
  TidingsBell as Bell,
  TidingsInbox as Inbox,
  TidingsProvider as Provider,
  TidingsToast as Toast,
} from '../elements/all.ts';
import type { RenderItem } from '../elements/inbox.ts';
import type { TidingsPreferences as Preferences } from '../elements/preferences.ts';
import type { OwnTexts } from '../strings/texts.ts';
import { type Wrapper, type WrapperProps, wrap } from './wrap-react.ts';

export interface TidingsProviderProps extends WrapperProps {
  /** URL of Tidings; default: the origin of the page. */
  readonly api?: string | undefined;
  /** URL of your backend that answers with a token of the user. */
  readonly tokenUrl?: string | undefined;
  /** Tenant, for issuers that several tenants share. */
  readonly tenant?: string | undefined;
  /** Locale of texts, dates and numbers. */
  readonly locale?: string | undefined;
  /** `off`: this page has a stream of its own. */
  readonly share?: 'off' | undefined;
  /** Returns a token of the user, in the place of `token-url`. */
  readonly getToken?: GetToken | undefined;
  /** Texts of your own, by key. */
  readonly strings?: OwnTexts | undefined;
  /** The client of the elements within. */
  readonly client?: InboxClient | undefined;
  /** The server has counted anew. */
  readonly onCounts?: ((event: CustomEvent<Counts>) => void) | undefined;
  /** Something failed. */
  readonly onError?: ((event: CustomEvent<{ readonly problem: InboxProblem }>) => void) | undefined;
}

/** The user whose inbox the elements within show. */
export const TidingsProvider: Wrapper<TidingsProviderProps, Provider> = wrap(
  'tidings-provider',
  ['api', 'token-url', 'tenant', 'locale', 'share'],
  ['getToken', 'strings', 'client'],
  { onCounts: 'tidings-counts', onError: 'tidings-error' },
);

export interface TidingsBellProps extends WrapperProps {
  /** Number that the badge shows. */
  readonly badge?: 'unseen' | 'unread' | 'dot' | 'none' | undefined;
  /** Name of the button, in the place of that with the count. */
  readonly label?: string | undefined;
  /** Before the panel opens; can be prevented. */
  readonly onOpen?: ((event: CustomEvent<undefined>) => void) | undefined;
  /** The panel was closed. */
  readonly onClose?: ((event: CustomEvent<undefined>) => void) | undefined;
}

/** A button with the number of new items, which opens a panel. */
export const TidingsBell: Wrapper<TidingsBellProps, Bell> = wrap('tidings-bell', ['badge', 'label'], [], {
  onOpen: 'tidings-open',
  onClose: 'tidings-close',
});

export interface TidingsInboxProps extends WrapperProps {
  /** Tabs, such as `all,unread,Orders:category=TRANSACTIONAL`. */
  readonly tabs?: string | undefined;
  /** Items that are loaded at a time. */
  readonly pageSize?: number | undefined;
  /** Value of `target` of links. */
  readonly linkTarget?: string | undefined;
  /** The filter of the list, in the place of that of the tab. */
  readonly filter?: Filter | undefined;
  /** Returns the content of an item. */
  readonly renderItem?: RenderItem | undefined;
  /** Before a click navigates; can be prevented. */
  readonly onItemClick?: ((event: CustomEvent<{ readonly item: Item }>) => void) | undefined;
  /** Before an action navigates; can be prevented. */
  readonly onAction?:
    | ((event: CustomEvent<{ readonly item: Item; readonly action: Action; readonly index: number }>) => void)
    | undefined;
  /** Before items are marked; can be prevented. */
  readonly onRead?:
    | ((
        event: CustomEvent<{
          readonly item?: Item;
          readonly action?: ItemAction;
          readonly until?: Date | null;
          readonly all?: true;
        }>,
      ) => void)
    | undefined;
  /** Before an item is archived or moved back; can be prevented. */
  readonly onArchive?:
    | ((
        event: CustomEvent<{
          readonly item?: Item;
          readonly action?: ItemAction;
          readonly until?: Date | null;
          readonly all?: true;
        }>,
      ) => void)
    | undefined;
  /** Before an item is snoozed or shown again; can be prevented. */
  readonly onSnooze?:
    | ((
        event: CustomEvent<{
          readonly item?: Item;
          readonly action?: ItemAction;
          readonly until?: Date | null;
          readonly all?: true;
        }>,
      ) => void)
    | undefined;
}

/** The list of notifications. */
export const TidingsInbox: Wrapper<TidingsInboxProps, Inbox> = wrap(
  'tidings-inbox',
  ['tabs', 'page-size', 'link-target'],
  ['filter', 'renderItem'],
  {
    onItemClick: 'tidings-item-click',
    onAction: 'tidings-action',
    onRead: 'tidings-read',
    onArchive: 'tidings-archive',
    onSnooze: 'tidings-snooze',
  },
);

export interface TidingsToastProps extends WrapperProps {
  /** Corner of the window, such as `top-right` or `bottom-center`. */
  readonly position?: string | undefined;
  /** Toasts at a time. */
  readonly max?: number | undefined;
  /** Seconds until one goes; 0: it stays. */
  readonly duration?: number | undefined;
  /** Value of `target` of links. */
  readonly linkTarget?: string | undefined;
  /** Before a toast is shown; can be prevented. */
  readonly onToast?: ((event: CustomEvent<{ readonly item: Item }>) => void) | undefined;
  /** Before a click navigates; can be prevented. */
  readonly onItemClick?: ((event: CustomEvent<{ readonly item: Item }>) => void) | undefined;
}

/** Shows what arrives for a moment, above everything. */
export const TidingsToast: Wrapper<TidingsToastProps, Toast> = wrap(
  'tidings-toast',
  ['position', 'max', 'duration', 'link-target'],
  [],
  { onToast: 'tidings-toast', onItemClick: 'tidings-item-click' },
);

export interface TidingsPreferencesProps extends WrapperProps {
  /** Table or list. */
  readonly layout?: 'matrix' | 'list' | undefined;
  /** Whether types are grouped. */
  readonly groups?: 'category' | 'none' | undefined;
  /** Parts: `general,category,frequency,quiet-hours,digest`. */
  readonly show?: string | undefined;
  /** Channels to show, such as `email,sms`. */
  readonly channels?: string | undefined;
  /** Before a change is saved, which can be prevented, and after it. */
  readonly onPreferenceChange?:
    | ((event: CustomEvent<{ readonly change: PreferenceChange; readonly phase: 'before' | 'after' }>) => void)
    | undefined;
}

/** The messages that a user gets, and by which channel. */
export const TidingsPreferences: Wrapper<TidingsPreferencesProps, Preferences> = wrap(
  'tidings-preferences',
  ['layout', 'groups', 'show', 'channels'],
  [],
  { onPreferenceChange: 'tidings-preference-change' },
);
