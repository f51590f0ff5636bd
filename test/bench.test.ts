import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { makeEvents, makeSignups } from '../bench/events.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

function bench(...args: string[]) {
  return run(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...args], { cwd: ROOT });
}

test('a row is measured, printed and written as JSON', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-bench-test-'));
  try {
    const file = join(folder, 'bench.json');
    const { stdout, stderr } = await bench('batch function', '--events', '2000', '--rounds', '1', '--json', file);
    expect(stdout).toContain('events decided and stored, batch function');
    expect(stderr).toContain('round 1 of 1');
    const { rows, machine } = JSON.parse(readFileSync(file, 'utf8'));
    expect(rows).toEqual([
      {
        name: 'events decided and stored, batch function',
        unit: 'events/s',
        against: expect.any(String),
        direction: 'higher',
        value: expect.any(Number),
        limit: expect.any(Number),
        ratio: expect.any(Number),
        at_least: 0.55,
        goal: 0.8,
        rounds: [expect.any(Number)],
      },
    ]);
    expect(rows[0].ratio).toBe(rows[0].value / rows[0].limit);
    expect(machine).toMatchObject({ cpus: expect.any(Number), node: process.version, postgres: expect.any(String) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a name that no row has is refused with the names there are', { timeout: 30_000 }, async () => {
  await expect(bench('no such row')).rejects.toMatchObject({ stderr: expect.stringContaining('batch function') });
});

test('the traffic is the same each time, of as many people as asked for, and without repeats', () => {
  const traffic = { count: 5000, users: 1000, firstUser: 7, now: Date.parse('2025-11-20T12:00:00Z') };
  const events = makeEvents(traffic);
  expect(events).toEqual(makeEvents(traffic));
  expect(events).toHaveLength(5000);
  expect(new Set(events.map((event) => JSON.stringify(event))).size).toBe(5000);
  expect(new Set(events.map((event) => event.user_id)).size).toBe(1000);
  for (const { event_timestamp } of events) expect(Date.parse(event_timestamp)).toBeLessThan(traffic.now);
  const order = events.map((event) => event.event_timestamp);
  expect(order).not.toEqual([...order].sort());
  expect(makeSignups(traffic).every((event) => event.user_traits.marketing_opt_in)).toBe(true);
});
