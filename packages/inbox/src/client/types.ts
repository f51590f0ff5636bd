/** Resources of the API, as `/api/v1/me` answers with them. */

export type View = 'active' | 'unread' | 'read' | 'unseen' | 'archived' | 'snoozed' | 'all';

export interface Action {
  readonly label: string;
  readonly url: string;
}

export interface Message {
  readonly title?: string;
  readonly subject?: string;
  readonly text: string;
  readonly image?: string;
  readonly actions?: readonly Action[];
  readonly data?: { readonly [name: string]: unknown };
}

/** An item of the inbox. Times are ISO 8601 in UTC. */
export interface Item {
  readonly notification_id: string;
  readonly notification_type: string;
  readonly category: string | null;
  /** Order of arrival. */
  readonly sequence: number;
  /** Number of its latest change: of two copies, the greater one is newer. */
  readonly change: number;
  readonly created_at: string;
  readonly seen_at: string | null;
  readonly read_at: string | null;
  readonly archived_at: string | null;
  readonly snoozed_until: string | null;
  readonly expires_at: string | null;
  readonly group: string | null;
  readonly severity: 'info' | 'success' | 'warning' | 'critical';
  readonly icon: string | null;
  readonly url: string | null;
  /** Null: the server cannot show it. */
  readonly message: Message | null;
}

/** Numbers as the server counted them; 1000 means at least so many. */
export interface Counts {
  readonly unread: number;
  readonly unseen: number;
  /** Number of the latest change of the inbox. */
  readonly position: number;
  /** Seconds until an item returns from its snooze, or expires. */
  readonly stale_in: number | null;
}

export interface Page {
  readonly items: readonly Item[];
  readonly counts: Counts;
  readonly next: string | null;
}

/** Items that a list has. */
export interface Filter {
  readonly view?: View;
  readonly category?: string;
  readonly notification_type?: string;
}

export type ItemAction = 'read' | 'unread' | 'seen' | 'archive' | 'unarchive' | 'snooze' | 'unsnooze';

export interface Cell {
  readonly on: boolean;
  readonly decided_by: { readonly code: string; readonly level: string; readonly since: string | null };
  readonly changeable: boolean;
}

export interface TypePreferences {
  readonly type: string;
  readonly description: string | null;
  readonly category: string;
  readonly channels: { readonly [channel: string]: Cell };
  readonly frequency: string;
}

/** A cell of choices: `enabled`, a channel, `channels` or `frequency`; in a change, null takes it back. */
export interface ChosenCell {
  readonly [field: string]: boolean | string | readonly string[] | null;
}

export interface PreferenceChange {
  readonly all?: boolean | 'only_listed' | null;
  readonly channels?: { readonly [channel: string]: boolean | null };
  readonly categories?: { readonly [category: string]: ChosenCell };
  readonly types?: { readonly [type: string]: ChosenCell };
  readonly quiet_hours?: {
    readonly enabled?: boolean;
    readonly start?: string;
    readonly end?: string;
    readonly zone?: string;
  } | null;
  readonly digest_time?: { readonly at?: string | null; readonly day?: string | null } | null;
}

export interface Preferences {
  readonly user_id: string;
  readonly types: readonly TypePreferences[];
  readonly quiet_hours: { readonly hours: string } | null;
  readonly digest_time: { readonly at: string; readonly day: string; readonly zone: string };
  readonly chosen: PreferenceChange;
}
