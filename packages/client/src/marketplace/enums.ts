import type { PreferenceChange, SendRequest } from '../types.ts';

/* Names of the marketplace document in capitals. Their values are those of the API. */

/** Channels. */
export const NotificationChannel = {
  EMAIL: 'email',
  SMS: 'sms',
  PUSH: 'push',
  IN_APP: 'in_app',
  WEBHOOK: 'webhook',
} as const satisfies { readonly [name: string]: NonNullable<SendRequest['channels']>[number] };

export type NotificationChannel = (typeof NotificationChannel)[keyof typeof NotificationChannel];

/** Priorities of a message; URGENT needs a key with the scope `notifications:urgent`. */
export const NotificationPriority = {
  LOW: 'LOW',
  MEDIUM: 'MEDIUM',
  HIGH: 'HIGH',
  URGENT: 'URGENT',
} as const satisfies { readonly [name: string]: NonNullable<SendRequest['priority']> };

export type NotificationPriority = (typeof NotificationPriority)[keyof typeof NotificationPriority];

/** Categories of notification types. */
export const NotificationCategory = {
  TRANSACTIONAL: 'TRANSACTIONAL',
  MARKETING: 'MARKETING',
  SYSTEM: 'SYSTEM',
  SECURITY: 'SECURITY',
  OPERATIONAL: 'OPERATIONAL',
} as const satisfies { readonly [name in keyof NonNullable<PreferenceChange['categories']>]-?: name };

export type NotificationCategory = (typeof NotificationCategory)[keyof typeof NotificationCategory];

type Frequency = NonNullable<NonNullable<PreferenceChange['types']>[string]['frequency']>;

/** Frequencies at which a user wants a notification type at most. */
export const PreferenceFrequency = {
  IMMEDIATE: 'IMMEDIATE',
  HOURLY: 'HOURLY',
  DAILY: 'DAILY',
  WEEKLY: 'WEEKLY',
  NEVER: 'NEVER',
} as const satisfies { readonly [name in Frequency]: name };

export type PreferenceFrequency = (typeof PreferenceFrequency)[keyof typeof PreferenceFrequency];

/**
 * Notification types of the example catalog `marketplace`. The methods take any text: `npx tidings generate types` writes the
 * names of your own catalog.
 */
export const NotificationType = {
  ORDER_CONFIRMATION: 'ORDER_CONFIRMATION',
  ORDER_PAID: 'ORDER_PAID',
  ORDER_SHIPPED: 'ORDER_SHIPPED',
  ORDER_DELIVERED: 'ORDER_DELIVERED',
  ORDER_CANCELLED: 'ORDER_CANCELLED',
  ORDER_REFUNDED: 'ORDER_REFUNDED',
  PAYMENT_RECEIPT: 'PAYMENT_RECEIPT',
  PAYMENT_FAILED: 'PAYMENT_FAILED',
  PAYMENT_REFUND: 'PAYMENT_REFUND',
  SELLER_NEW_ORDER: 'SELLER_NEW_ORDER',
  SELLER_PAYOUT: 'SELLER_PAYOUT',
  SELLER_LOW_STOCK: 'SELLER_LOW_STOCK',
  SELLER_NEW_REVIEW: 'SELLER_NEW_REVIEW',
  SELLER_VERIFIED: 'SELLER_VERIFIED',
  SELLER_REJECTED: 'SELLER_REJECTED',
  PROMOTION_STARTED: 'PROMOTION_STARTED',
  PROMOTION_REMINDER: 'PROMOTION_REMINDER',
  PRICE_DROPS: 'PRICE_DROPS',
  BACK_IN_STOCK: 'BACK_IN_STOCK',
  ABANDONED_CART: 'ABANDONED_CART',
  REGULAR_THANKS: 'REGULAR_THANKS',
  NEW_LOGIN: 'NEW_LOGIN',
  PASSWORD_CHANGED: 'PASSWORD_CHANGED',
  SUSPICIOUS_LOGINS: 'SUSPICIOUS_LOGINS',
  ACCOUNT_AT_RISK: 'ACCOUNT_AT_RISK',
  TICKET_CREATED: 'TICKET_CREATED',
  TICKET_ANSWERED: 'TICKET_ANSWERED',
  TICKET_CLOSED: 'TICKET_CLOSED',
  MESSAGE_NOT_DELIVERED: 'MESSAGE_NOT_DELIVERED',
} as const;

export type NotificationType = (typeof NotificationType)[keyof typeof NotificationType];
