import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { testDatabase } from './support/database.ts';
import { Program } from './support/program.ts';

/**
 * The code that one event runs through, from HTTP to the provider: a reader has to follow it. A file with fewer lines
 * than MIN_LINES is a detail on the way; the others are the way.
 */
const MIN_LINES = 20;

/**
 * Rooms that run by a clock, for all tenants: what they do while the event passes is not on its way, and whether they do it
 * then differs from run to run.
 */
const CLOCK_ROOMS = ['timers/'];

/**
 * Bounds just above what was measured when they were set: 77 files and 5,074 lines. Some 330 lines came with tenants (who
 * asks, with which rights, for which tenant, with which catalog), some 400 with real providers (which account, by which
 * route, within which limits), some 60 with what their failures need (whose token and probe it is, what is counted as
 * ended), and some 590 with the terms of users (consent and its confirmation, which the policy of the example asks for: in
 * the decision and again at the claim; locales, layouts and the variables of templates; the sender that marketing emails
 * name), and some 260 since then: what metrics, traces, connectors and streams ask at their places, whether an address can be
 * used, the link that each marketing email needs; and the compiler of templates stands in four files instead of one; and some 50 that count what a
 * batch decided, and some 100 that find which version decides about a user. Raise them only with a reason; the goal is fewer files on the way of one event.
 */
const MAX_FILES = 81;
const MAX_LINES = 5400;

test('one event runs through few files and lines, from HTTP to the provider', async () => {
  const database = await testDatabase();
  const program = fileURLToPath(new URL('support/walk-program.ts', import.meta.url));
  const walk = new Program(['--import', 'tsx', program, database.url], {});
  try {
    expect(await walk.ended, walk.output).toBe(0);
  } finally {
    walk.kill('SIGKILL');
    await walk.ended;
    await database.drop();
  }
  const counted = Object.entries(JSON.parse(walk.stdout) as { [file: string]: number });
  const lines = counted
    .filter(([file]) => !CLOCK_ROOMS.some((room) => file.startsWith(room)))
    .sort((a, b) => b[1] - a[1]);
  const main = lines.filter(([, count]) => count >= MIN_LINES);
  const total = lines.reduce((sum, [, count]) => sum + count, 0);
  const table = lines.map(([file, count]) => `${String(count).padStart(5)} ${file}`).join('\n');
  console.log(
    `${main.length} of ${lines.length} files have ${MIN_LINES} executed lines or more, ${total} in all:\n${table}`,
  );
  expect(main.length, table).toBeLessThanOrEqual(MAX_FILES);
  expect(total, table).toBeLessThanOrEqual(MAX_LINES);
});
