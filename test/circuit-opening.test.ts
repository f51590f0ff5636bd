import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { Circuits } from '../src/delivery/circuits.ts';
import type { SendOutcome } from '../src/model/delivery.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

/** Failures that open the circuit of an account, for how long, and the send that probes it. */

const DOWN: SendOutcome = { kind: 'retry', reason: 'down' };
const TIMED_OUT: SendOutcome = { kind: 'in_doubt', reason: 'no response', timedOut: true };
const THROTTLED: SendOutcome = {
  kind: 'retry',
  of: 'account',
  code: '429',
  reason: 'too many requests',
  after: 60_000,
  isUnstated: true,
};

function openCircuits() {
  const time = { now: 1_000_000 };
  const log = pino({ level: 'silent' });
  const circuits = new Circuits({ clock: () => time.now, elapsed: () => time.now, log, sendLimit: 60_000 });
  const account = fakeProvider(undefined, { tenantId: 'acme', account: 'main' });
  const report = (outcome: SendOutcome, times = 1, domain?: string) => {
    for (let n = 0; n < times; n++) circuits.report(account, domain, outcome);
  };
  return { time, circuits, account, report, state: () => circuits.state(account) };
}

describe('a failure rate of half of the calls within a minute', () => {
  test('opens the circuit from the twentieth call on, although no 20 fail in a row', () => {
    const { report, state, circuits } = openCircuits();
    for (let n = 0; n < 9; n++) {
      report(DELIVERED);
      report(DOWN);
    }
    report(DELIVERED);
    expect(state()).toBe('closed');
    report(DOWN);
    expect(state()).toBe('open');
    expect(circuits.listOpen()).toMatchObject([{ code: 'failures', cause: 'down' }]);
  });

  test('counts the calls before the first failure: a short series among many calls that succeed opens nothing', () => {
    const { report, state } = openCircuits();
    report(DELIVERED, 100);
    for (let n = 0; n < 19; n++) {
      report(DOWN, 2);
      report(DELIVERED);
    }
    expect(state()).toBe('closed');
  });

  test('forgets calls after a minute', () => {
    const { time, report, state } = openCircuits();
    for (let n = 0; n < 30; n++) {
      report(DOWN);
      report(DELIVERED);
      time.now += 8000;
    }
    expect(state()).toBe('closed');
  });

  test('counts a send without a response, and nothing that concerns a recipient, a message or a domain', () => {
    const { report, state } = openCircuits();
    for (let n = 0; n < 30; n++) {
      report(DELIVERED);
      for (const of of ['recipient', 'message', 'domain'] as const) report({ ...DOWN, of }, 1, `d${n}.example`);
    }
    expect(state()).toBe('closed');
    const other = openCircuits();
    for (let n = 0; n < 10; n++) {
      other.report(DELIVERED);
      other.report(TIMED_OUT);
    }
    expect(other.state()).toBe('open');
  });

  test('begins again when the circuit has closed', () => {
    const { time, report, state } = openCircuits();
    for (let n = 0; n < 10; n++) {
      report(DELIVERED);
      report(DOWN);
    }
    expect(state()).toBe('open');
    report(DOWN, 50);
    time.now += 2000;
    report(DELIVERED);
    expect(state()).toBe('closed');
    report(DOWN);
    report(DELIVERED);
    report(DOWN);
    expect(state()).toBe('closed');
  });
});

describe('a rate limit without Retry-After', () => {
  test('pauses the account for 60 s, doubles with each probe that has the same answer, up to an hour', () => {
    const { time, circuits, account, report } = openCircuits();
    const pauses: number[] = [];
    for (let n = 0; n < 8; n++) {
      report(THROTTLED);
      // Sends under way say the same.
      report(THROTTLED, 5);
      const pause = circuits.getPause(account);
      pauses.push(pause / 1000);
      time.now += pause;
    }
    expect(pauses).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600]);
    report(DELIVERED);
    report(THROTTLED);
    expect(circuits.getPause(account)).toBe(60_000);
  });

  test('is not shortened, and one that the provider names is kept as it says', () => {
    const { time, circuits, account, report } = openCircuits();
    for (let n = 0; n < 3; n++) {
      report({ ...THROTTLED, after: 5000, isUnstated: false });
      expect(circuits.getPause(account)).toBe(5000);
      time.now += 5000;
    }
    report(THROTTLED);
    report({ ...THROTTLED, after: 5000, isUnstated: false });
    expect(circuits.getPause(account)).toBe(60_000);
  });
});

test('a send that began before the circuit opened gives no probe back that another has', () => {
  const { time, circuits, account, report } = openCircuits();
  const [early, prober, third] = [{}, {}, {}];
  expect(circuits.startSend(account, undefined, early)).toBe(0);
  report(DOWN, 20);
  time.now += 2000;
  expect(circuits.startSend(account, undefined, prober)).toBe(0);
  circuits.cancelSend(account, undefined, early);
  expect(circuits.startSend(account, undefined, third)).toBe(60_000);
  circuits.report(account, undefined, { kind: 'rejected', reason: 'not rendered' }, early);
  expect(circuits.startSend(account, undefined, third)).toBe(60_000);
  circuits.cancelSend(account, undefined, prober);
  expect(circuits.startSend(account, undefined, third)).toBe(0);
});
