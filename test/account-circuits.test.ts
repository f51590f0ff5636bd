import pino from 'pino';
import { expect, test } from 'vitest';
import { Circuits } from '../src/delivery/circuits.ts';
import type { SendOutcome } from '../src/model/delivery.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

/** Circuits of accounts of tenants: each account, and each domain by it, has its own. */

const WRONG: SendOutcome = { kind: 'misconfigured', reason: 'the key is wrong' };
const UNREACHABLE: SendOutcome = { kind: 'retry', reason: 'its servers do not respond', of: 'domain' };

function openCircuits() {
  const time = { now: 1 };
  const log = pino({ level: 'silent' });
  const circuits = new Circuits({ clock: () => time.now, elapsed: () => time.now, log, sendLimit: 60_000 });
  const accountOf = (tenantId: string) => fakeProvider(undefined, { tenantId, account: 'main' });
  return { time, circuits, acme: accountOf('acme'), other: accountOf('other') };
}

test('accounts of the same name of two tenants do not share a circuit, nor one of a domain', () => {
  const { circuits, acme, other } = openCircuits();
  circuits.report(acme, 'a.example', WRONG);
  expect([circuits.state(acme), circuits.state(other)]).toEqual(['open', 'closed']);
  for (let n = 0; n < 20; n++) circuits.report(other, 'down.example', UNREACHABLE);
  expect(circuits.startSend(other, 'down.example')).toBe(2000);
  expect(circuits.startSend(fakeProvider(undefined, { tenantId: 'third', account: 'main' }), 'down.example')).toBe(0);
});

test('a tenant sees its own circuits and those of the installation', () => {
  const { circuits, acme, other } = openCircuits();
  circuits.report(acme, undefined, WRONG);
  circuits.report(other, undefined, WRONG);
  circuits.report(fakeProvider(), undefined, WRONG);
  expect(circuits.listOpen('acme').map(({ account }) => account)).toEqual(['main', null]);
  expect(circuits.listOpen().length).toBe(3);
});

test('an account that is half open gets one send, until its outcome is known, it is taken back, or its time is over', () => {
  const { time, circuits, acme } = openCircuits();
  circuits.report(acme, undefined, WRONG);
  expect(circuits.startSend(acme, undefined)).toBe(2000);
  time.now += 2000;
  expect(circuits.mayProbe(acme)).toBe(true);
  expect(circuits.startSend(acme, undefined)).toBe(0);
  expect(circuits.mayProbe(acme)).toBe(false);
  expect(circuits.startSend(acme, undefined)).toBe(60_000);
  circuits.cancelSend(acme, undefined);
  expect(circuits.startSend(acme, undefined)).toBe(0);
  time.now += 60_000;
  expect(circuits.startSend(acme, undefined)).toBe(0);
  circuits.report(acme, undefined, DELIVERED);
  expect(circuits.state(acme)).toBe('closed');
  expect(circuits.startSend(acme, undefined)).toBe(0);
});

test('a pause that a provider asks for is kept to a day, and is not shortened by another answer', () => {
  const { circuits, acme } = openCircuits();
  const ask = (after: number) =>
    circuits.report(acme, undefined, { kind: 'retry', of: 'account', reason: 'busy', after });
  ask(30_000);
  ask(10_000);
  expect(circuits.getPause(acme)).toBe(30_000);
  ask(1e12);
  expect(circuits.getPause(acme)).toBe(24 * 3_600_000);
});

test('a pause that concerns a recipient or a message stops no other', () => {
  const { circuits, acme } = openCircuits();
  for (const of of ['recipient', 'message'] as const) {
    circuits.report(acme, undefined, { kind: 'retry', of, reason: 'busy', after: 30_000 });
  }
  expect(circuits.state(acme)).toBe('closed');
});

test('those of the installation alone are listed however many accounts of tenants fail, and a cause is that of its own account', () => {
  const { circuits, acme } = openCircuits();
  for (let n = 0; n < 30; n++) {
    circuits.report(fakeProvider(undefined, { tenantId: `t${n}`, account: 'main' }), undefined, WRONG);
  }
  circuits.report(acme, 'a.example', { kind: 'misconfigured', reason: 'acme has no credit' });
  circuits.report(fakeProvider(), undefined, WRONG);
  expect(circuits.listOpen(null)).toMatchObject([{ account: null, of: 'installation' }]);
  expect(circuits.findCause(acme)).toBe('acme has no credit');
  expect(circuits.findCause(fakeProvider(undefined, { tenantId: 'none', account: 'main' }))).toBeUndefined();
});
