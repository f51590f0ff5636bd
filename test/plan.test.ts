import { expect, test } from 'vitest';
import type { NotificationType } from '../src/model/catalog.ts';
import { planNotification } from '../src/plan/plan.ts';

const NOW = Date.parse('2025-11-20T12:00:00Z');
const TYPE: NotificationType = {
  name: 'N',
  category: 'SYSTEM',
  channels: ['email', 'sms', 'internal'],
  priority: 'HIGH',
  inDoubt: 'hold',
  maxAge: 1000,
};

test('plans every channel of the type, due now and retried until the type is too old', () => {
  const same = {
    dueAt: NOW,
    retryUntil: NOW + 1000,
    expiresAt: null,
    inDoubt: 'hold',
    priority: 1,
    step: null,
    holdCode: null,
  };
  expect(planNotification(TYPE, undefined, NOW)).toEqual([
    { channel: 'email', ...same },
    { channel: 'sms', ...same },
    { channel: 'internal', ...same },
  ]);
});

test.each([
  [
    ['internal', 'email'],
    ['email', 'internal'],
  ],
  [['sms'], ['sms']],
  [[], []],
] as const)('of the channels %j that the rule names, plans those of the type in its order', (only, planned) => {
  expect(planNotification(TYPE, only, NOW).map(({ channel }) => channel)).toEqual(planned);
  expect(planNotification({ ...TYPE, channels: [] }, only, NOW)).toEqual([]);
});

test('holds each later channel of first_of until the wait of those before it is over', () => {
  const type: NotificationType = { ...TYPE, firstOf: { wait: 500, until: 'sent' }, expiresAfter: 5000 };
  expect(planNotification(type, ['internal', 'email'], NOW)).toMatchObject([
    { channel: 'email', dueAt: NOW, retryUntil: NOW + 1000, expiresAt: NOW + 5000, step: 1, holdCode: null },
    {
      channel: 'internal',
      dueAt: NOW + 500,
      retryUntil: NOW + 1500,
      expiresAt: NOW + 5000,
      step: 2,
      holdCode: 'fallback',
    },
  ]);
});
