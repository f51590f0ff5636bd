import type { RefusedEvent } from '../api.ts';

/** What can be said of an event that may be anything: "payment_failed of maria", as far as it has these. */
export function eventName({ event, event_id: id }: RefusedEvent): string {
  const type = textIn(event, 'event_type') ?? id ?? 'an event';
  const user = textIn(event, 'user_id');
  return user === undefined ? type : `${type} of ${user}`;
}

/** Of the person, unless an address in it is hidden. */
export function getUser({ event }: RefusedEvent): string | undefined {
  const id = textIn(event, 'user_id');
  return id?.includes('…') ? undefined : id;
}

function textIn(event: RefusedEvent['event'], field: string): string | undefined {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
  const value = event[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
