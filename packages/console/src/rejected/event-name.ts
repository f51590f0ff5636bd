import type { RefusedEvent } from '../api.ts';

/** Returns a name for an event of any shape: "payment_failed of maria", as far as it has these fields. */
export function eventName({ event, event_id: id }: RefusedEvent): string {
  const type = textIn(event, 'event_type') ?? id ?? 'an event';
  const user = textIn(event, 'user_id');
  return user === undefined ? type : `${type} of ${user}`;
}

/** Returns the user ID, unless it contains a masked address. */
export function getUser({ event }: RefusedEvent): string | undefined {
  const id = textIn(event, 'user_id');
  return id?.includes('…') ? undefined : id;
}

function textIn(event: RefusedEvent['event'], field: string): string | undefined {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
  const value = event[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
