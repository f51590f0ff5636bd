import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { Circuits } from '../src/delivery/circuits.ts';
import type { SendOutcome } from '../src/model/delivery.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

const DAY_MS = 24 * 3_600_000;
const UNREACHABLE: SendOutcome = { kind: 'retry', reason: 'its servers do not respond', of: 'domain' };

/** Circuits with a clock of their own, and the messages of their log. */
function openCircuits() {
  const provider = fakeProvider();
  const time = { now: 1 };
  const messages: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => messages.push(JSON.parse(line).msg) });
  const circuits = new Circuits({
    clock: () => time.now,
    elapsed: () => time.now,
    log,
    sendLimit: 60_000,
  });
  return {
    time,
    circuits,
    said: (words: string) => messages.filter((message) => message.includes(words)).length,
    fail(domain: string, times: number) {
      for (let n = 0; n < times; n++) circuits.report(provider, domain, UNREACHABLE);
    },
    succeed: (domain: string) => circuits.report(provider, domain, DELIVERED),
    pauseOf: (domain: string) => circuits.startSend(provider, domain),
  };
}

describe('the open circuit of a domain', () => {
  test('stays open whatever fails elsewhere, and closes with a line in the log', () => {
    const { circuits, time, said, fail, succeed, pauseOf } = openCircuits();
    fail('down.example', 20);
    for (let n = 0; n < 3000; n++) fail(`other${n}.example`, 1);
    expect(pauseOf('down.example')).toBe(2000);
    expect(circuits.listOpen()).toMatchObject([{ domain: 'down.example' }]);
    time.now += 2000;
    expect(pauseOf('down.example')).toBe(0);
    succeed('down.example');
    expect(circuits.listOpen()).toEqual([]);
    expect(said('circuit closed')).toBe(1);
    fail('down.example', 19);
    expect(pauseOf('down.example')).toBe(0);
  });

  test('keeps its place among 10,000: a further domain is tried at its own retry times, and the log says so once', () => {
    const { time, said, fail, succeed, pauseOf } = openCircuits();
    for (let n = 0; n < 10_000; n++) fail(`down${n}.example`, 20);
    fail('further.example', 100);
    expect(pauseOf('further.example')).toBe(0);
    expect(pauseOf('down0.example')).toBe(2000);
    expect(said('too many are open')).toBe(1);
    // A domain that recovers makes room.
    succeed('down1.example');
    fail('further.example', 20);
    expect(pauseOf('further.example')).toBe(2000);
    // So does one without deliveries for a day, but none with them.
    time.now += DAY_MS - 1;
    fail('late.example', 20);
    expect(pauseOf('late.example')).toBe(0);
    pauseOf('down2.example');
    time.now += 1;
    fail('late.example', 20);
    expect(pauseOf('late.example')).toBe(2000);
    expect(said('circuit forgotten')).toBe(1);
    time.now += 1;
    fail('down2.example', 1);
    expect(pauseOf('down2.example')).toBeGreaterThan(0);
  });
});
