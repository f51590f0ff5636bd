import pino from 'pino';
import { expect, test } from 'vitest';
import { Circuits } from '../src/delivery/circuits.ts';
import type { SendOutcome } from '../src/model/delivery.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

/** Pauses that a provider asks for: the whole account waits, whatever became of the message that was answered so. */

function openCircuits() {
  const time = { now: 1 };
  const log = pino({ level: 'silent' });
  const circuits = new Circuits({ clock: () => time.now, elapsed: () => time.now, log, sendLimit: 60_000 });
  return { time, circuits, account: fakeProvider(undefined, { tenantId: 'acme', account: 'main' }) };
}

const ASKED: readonly (readonly [code: string, outcome: SendOutcome])[] = [
  ['retry_after', { kind: 'retry', reason: '429', of: 'account', after: 1_800_000 }],
  ['retry_after', { kind: 'in_doubt', reason: '503', after: 1_800_000 }],
  ['misconfigured', { kind: 'misconfigured', reason: '403', after: 1_800_000 }],
];

test.each(ASKED)('%s (%o): nothing goes by the account for as long, then one probe', (code, outcome) => {
  const { time, circuits, account } = openCircuits();
  circuits.report(account, undefined, outcome);
  expect(circuits.startSend(account, undefined)).toBe(1_800_000);
  expect(circuits.listOpen()).toMatchObject([{ code }]);
  time.now += 1_799_999;
  expect(circuits.startSend(account, undefined)).toBe(1);
  time.now += 1;
  expect(circuits.startSend(account, undefined)).toBe(0);
  circuits.report(account, undefined, DELIVERED);
  expect(circuits.state(account)).toBe('closed');
});

test('a message in doubt at the servers of a domain, with a pause, stops no account', () => {
  const { circuits, account } = openCircuits();
  circuits.report(account, 'a.example', { kind: 'in_doubt', of: 'domain', reason: 'gone', after: 1_800_000 });
  expect(circuits.state(account)).toBe('closed');
});

test('an answer in doubt without a pause is one failure of many', () => {
  const { circuits, account } = openCircuits();
  circuits.report(account, undefined, { kind: 'in_doubt', reason: 'no answer' });
  expect(circuits.state(account)).toBe('closed');
});
