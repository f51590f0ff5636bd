import { DEFAULT_RETRY_MS, type NotificationType } from './catalog.ts';

/** The type of codes that verify an address, for catalogs without one of this name. */
export const ADDRESS_VERIFICATION = 'ADDRESS_VERIFICATION';

/**
 * Notification types that Tidings itself sends where the catalog has no type of their name. They are not listed among those of the tenant, and
 * no caller can ask for one.
 */
export const BUILT_IN_TYPES: ReadonlyMap<string, NotificationType> = new Map([
  [
    ADDRESS_VERIFICATION,
    {
      name: ADDRESS_VERIFICATION,
      category: 'SECURITY',
      channels: ['email', 'sms'],
      priority: 'HIGH',
      inDoubt: 'resend',
      maxAge: DEFAULT_RETRY_MS,
    },
  ],
]);
