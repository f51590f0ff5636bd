import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A part of the code, and the test files beside it that must notice when it is changed. */
export interface Room {
  readonly name: string;
  /** Folders or files, relative to the root. A file belongs to the room that names it most closely. */
  readonly code: readonly string[];
  /** Test files, relative to the root, the quickest first. No database and no other process: each mutant runs them. */
  readonly tests: readonly string[];
}

export const ROOMS: readonly Room[] = [
  { name: 'plan', code: ['src/plan'], tests: ['test/plan.test.ts'] },
  { name: 'limits', code: ['src/rules/evaluate/limits.ts'], tests: ['test/limit-counting.test.ts'] },
  {
    name: 'known facts',
    code: ['src/rules/known'],
    tests: ['test/pattern-index.test.ts', 'test/limit-index.test.ts', 'test/wait-cancellation.test.ts'],
  },
  {
    name: 'track',
    code: ['src/track'],
    tests: ['test/receipt-state.test.ts', 'test/bounce-class.test.ts'],
  },
  { name: 'keys', code: ['src/rules/evaluate/key.ts'], tests: ['test/keys.test.ts'] },
  {
    name: 'patterns',
    code: ['src/rules/patterns', 'src/rules/event-order.ts', 'src/rules/evaluate/triggers.ts'],
    tests: [
      'test/event-order.test.ts',
      'test/event-counts.test.ts',
      'test/pattern-steps.test.ts',
      'test/notification-filters.test.ts',
      'test/wait-cancellation.test.ts',
      'test/stored-wait-cancellation.test.ts',
      'test/pattern-chains.test.ts',
      'test/pattern-index.test.ts',
    ],
  },
  {
    name: 'cancel',
    code: ['src/rules/waits/cancel.ts', 'src/rules/waits/ending.ts'],
    tests: ['test/wait-cancellation.test.ts', 'test/stored-wait-cancellation.test.ts'],
  },
  {
    name: 'rules',
    code: ['src/rules', 'src/rules/patterns/pattern-lookups.ts'],
    tests: [
      'test/simulator.test.ts',
      'test/rule-stories.test.ts',
      'test/required-facts.test.ts',
      'test/timed-arrival-order.test.ts',
    ],
  },
  {
    name: 'expressions',
    code: ['src/expressions'],
    tests: [
      'test/condition-results.test.ts',
      'test/condition-problems.test.ts',
      'test/expression-values.test.ts',
      'test/condition-evidence.test.ts',
      'test/condition-fuzz.test.ts',
    ],
  },
  {
    name: 'templates',
    code: ['src/templates'],
    tests: [
      'test/template-language.test.ts',
      'test/template-escaping.test.ts',
      'test/template-text.test.ts',
      'test/template-data-access.test.ts',
      'test/template-mistakes.test.ts',
      'test/template-bounds.test.ts',
      'test/template-fuzz.test.ts',
    ],
  },
  {
    name: 'events',
    code: ['src/events', 'src/users'],
    tests: [
      'test/event-envelope.test.ts',
      'test/event-identity.test.ts',
      'test/event-rejections.test.ts',
      'test/event-size.test.ts',
      'test/canonical-json.test.ts',
      'test/profile.test.ts',
    ],
  },
  {
    name: 'time',
    code: ['src/time'],
    tests: ['test/calendar.test.ts', 'test/timestamp.test.ts', 'test/duration.test.ts'],
  },
  { name: 'explain', code: ['src/explain'], tests: ['test/explain.test.ts'] },
  {
    name: 'outcomes',
    code: [
      'src/delivery/backoff.ts',
      'src/delivery/settlement.ts',
      'src/lib/concurrency/circuit-breaker.ts',
      'src/lib/concurrency/semaphore.ts',
    ],
    tests: [
      'test/backoff.test.ts',
      'test/circuit-breaker.test.ts',
      'test/semaphore.test.ts',
      'test/settlement.test.ts',
    ],
  },
  { name: 'token bucket', code: ['src/lib/concurrency/token-bucket.ts'], tests: ['test/token-bucket.test.ts'] },
];

/**
 * The files of a room whose path contains one of `words` (without words: all files), in order of path. Throws if an entry
 * does not exist.
 */
export function filesOf(room: Room, words: readonly string[]): string[] {
  const others = ROOMS.filter((one) => one !== room).flatMap(({ code }) => code);
  const files = room.code.flatMap((entry) =>
    sourcesIn(entry).filter((file) => !others.some((other) => other.length > entry.length && isIn(other, file))),
  );
  return files.filter((file) => words.length === 0 || words.some((word) => file.includes(word))).sort();
}

function sourcesIn(entry: string): string[] {
  if (!statSync(entry).isDirectory()) return [entry];
  const names = readdirSync(entry, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(entry, name).replaceAll('\\', '/'));
}

function isIn(entry: string, file: string): boolean {
  return file === entry || file.startsWith(`${entry}/`);
}
