import { expect, test } from 'vitest';
import type { DeliveryStatus } from '../src/model/delivery.ts';
import { type CountedDelivery, getStateOfDeliveries } from '../src/model/notification-state.ts';

/** The one state of a notification by what became of its deliveries, for the API and each page of the console. */

const one = (channel: string, status: DeliveryStatus, more: Partial<CountedDelivery> = {}): CountedDelivery => ({
  channel,
  status,
  target: '',
  provider: 'fake',
  receipt_state: null,
  ...more,
});

test.each([
  ['sent', 'both were sent', [one('email', 'sent'), one('push', 'sent')]],
  ['partly', 'the email is dead, the push message sent', [one('email', 'dead'), one('push', 'sent')]],
  ['partly', 'the email may have been sent', [one('email', 'in_doubt'), one('push', 'sent')]],
  ['partly', 'the email bounced', [one('email', 'sent', { receipt_state: 'bounced' }), one('push', 'sent')]],
  ['failed', 'all that was sent bounced', [one('email', 'sent', { receipt_state: 'bounced' })]],
  ['failed', 'a sandboxed message reached no one', [one('email', 'dead'), one('sms', 'sandboxed')]],
  ['sent', 'all is sandboxed', [one('email', 'sandboxed'), one('sms', 'sandboxed')]],
  ['sent', 'the user has no phone', [one('email', 'sent'), one('sms', 'undeliverable')]],
  ['failed', 'the user has no address at all', [one('email', 'undeliverable'), one('sms', 'dropped')]],
  ['sent', 'a later channel reached the user', [one('email', 'dead', { step: 1 }), one('sms', 'sent', { step: 2 })]],
  ['failed', 'no channel of those in turn did', [one('email', 'dead', { step: 1 }), one('sms', 'dead', { step: 2 })]],
  [
    'sent',
    'another device got it',
    [one('push', 'dead', { target: 'old phone' }), one('push', 'sent', { target: 'new phone' })],
  ],
  [
    'partly',
    'one of two endpoints failed',
    [one('webhook', 'dead', { target: 'e1' }), one('webhook', 'sent', { target: 'e2' })],
  ],
  ['accepted', 'one is still queued', [one('email', 'dead'), one('push', 'queued')]],
  ['in_doubt', 'it may have been sent', [one('email', 'in_doubt'), one('sms', 'dead')]],
  ['cancelled', 'it was cancelled', [one('email', 'cancelled'), one('sms', 'dropped')]],
  ['dropped', 'the plan dropped it', [one('email', 'dropped')]],
] as const)('%s: %s', (state, _, deliveries) => {
  expect(getStateOfDeliveries(deliveries)).toBe(state);
});
