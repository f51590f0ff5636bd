import type { RejectedEvent } from '@tidings/client/types';
import { t } from '../text/text.ts';

/** Returns a display name of an event of any shape, such as "payment_failed of maria". Missing fields are left out. */
export function formatEventName({ event, event_id: id }: RejectedEvent): string {
  const type = getText(event, 'event_type') ?? id ?? t('an event');
  const user = getText(event, 'user_id');
  return user === undefined ? type : t('{event} of {user}', { event: type, user });
}

/** Returns the user ID; undefined if the event has no valid one, or if it contains a masked address. */
export function getUser({ event }: RejectedEvent): string | undefined {
  const id = getText(event, 'user_id');
  return id?.includes('…') ? undefined : id;
}

function getText(event: RejectedEvent['event'], field: string): string | undefined {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
  const value = event[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
