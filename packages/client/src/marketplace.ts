import type { Delivery } from './types.ts';

export { type DomainEvent, DomainEvents, EventRejectedError, OnEvent } from './domain-events.ts';

/** Channels by the names of the marketplace document. Their values are those of the API. */
export const NotificationChannel = {
  EMAIL: 'email',
  SMS: 'sms',
  PUSH: 'push',
  IN_APP: 'in_app',
  WEBHOOK: 'webhook',
} as const satisfies { readonly [name: string]: Delivery['channel'] };

export type NotificationChannel = (typeof NotificationChannel)[keyof typeof NotificationChannel];
