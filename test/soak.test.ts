import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { soak } from './torture/soak/soak.ts';

const directory = mkdtempSync(join(tmpdir(), 'tidings-soak-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Longer, and faster: npm run soak. */
test('a soak loses, doubles and leaves nothing, can be continued, and is drawn', async () => {
  const seed = randomInt(2 ** 31);
  const plot = join(directory, 'soak.svg');
  const options = { every: 4, rate: 60, seed, directory };
  const first = await soak({ ...options, minutes: 0.25, plot: undefined });
  const second = await soak({ ...options, minutes: 0.5, plot });
  for (const { findings } of [first, second]) {
    expect(
      findings.filter(({ failed }) => failed > 0),
      `npm run soak -- --minutes 0.5 --every 4 --rate 60 --seed ${seed}`,
    ).toEqual([]);
  }
  expect(second.events).toBeGreaterThan(first.events);
  expect(second.interruptions).toBeGreaterThan(first.interruptions);
  expect(existsSync(plot)).toBe(true);
  const drawn = readFileSync(plot, 'utf8');
  for (const word of ['message p99', 'worker 1', 'PostgreSQL', 'notifications']) expect(drawn).toContain(word);
}, 600_000);
