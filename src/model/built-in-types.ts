import { DEFAULT_RETRY_MS, type NotificationType } from './catalog.ts';
import { CHANNEL_DESCRIPTORS } from './channels/channels.ts';
import { CHANNELS } from './delivery.ts';

/** The type of codes that verify an address, for catalogs without one of this name. */
export const ADDRESS_VERIFICATION = 'ADDRESS_VERIFICATION';

/** The type by which a new link to the page of preferences is sent, if the catalog has it. */
export const PREFERENCES_LINK = 'PREFERENCES_LINK';

/** Names of notification types that Tidings itself sends, by the catalog's type of this name. */
export const SENT_BY_TIDINGS: ReadonlySet<string> = new Set([ADDRESS_VERIFICATION, PREFERENCES_LINK]);

/**
 * Notification types that Tidings itself sends where the catalog has no type of their name. They are not listed among those of
 * the tenant, and no caller can ask for one.
 */
export const BUILT_IN_TYPES: ReadonlyMap<string, NotificationType> = new Map([
  [
    ADDRESS_VERIFICATION,
    {
      name: ADDRESS_VERIFICATION,
      category: 'SECURITY',
      channels: CHANNELS.filter((channel) => CHANNEL_DESCRIPTORS[channel].addressKind !== undefined),
      priority: 'HIGH',
      inDoubt: 'resend',
      maxAge: DEFAULT_RETRY_MS,
    },
  ],
]);
