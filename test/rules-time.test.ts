import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lintCatalog } from '../src/catalog/lint/lint-catalog.ts';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import { parseCases } from '../src/simulate/cases.ts';
import { rulesFor, runCase } from '../src/simulate/run-case.ts';

/**
 * What the rules do in time, as stories: each file of test/stories has rules and the cases they must pass, in the form in
 * which everybody tests a catalog of their own.
 */
const folder = new URL('./stories/', import.meta.url);

const NAMES = ['a', 'b', 'c', 'd', 'x', 'y', 'booked', 'cancelled', 'vip'];
/** What is said of nearly all of them is nothing. */
const EVENTS = `events:
${NAMES.map((name) => `  ${name}: {}`).join('\n')}
  paid: { properties: { amount: integer, state: { enum: [open, done] } }, required: [amount] }
`;
const NOTIFICATIONS = ['N', 'M', 'P', 'A', 'B'].map((name) => `  ${name}: { category: SYSTEM, channels: [internal] }`);

for (const name of readdirSync(folder)) {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const stories = text.split(/^---$/m).map((part) => part.trim());
  describe(name, async () => {
    for (const story of stories) {
      const [rules = '', cases = ''] = story.split(/^(?=cases:)/m);
      const { data, problems } = await lintCatalog(
        await parseCatalogFiles(
          new Map([
            ['events.yaml', EVENTS],
            ['notifications.yaml', `notifications:\n${NOTIFICATIONS.join('\n')}`],
            ['rules.yaml', rules],
          ]),
        ),
      );
      if (!data) throw new Error(`${name}: ${JSON.stringify(problems.filter(({ severity }) => severity === 'error'))}`);
      const line = text.slice(0, text.indexOf(cases)).split('\n').length - 1;
      for (const one of parseCases(name, '\n'.repeat(line) + cases, data)) {
        test(one.name, () => {
          const { failures, timeline } = runCase(rulesFor(data), one, () => 0);
          expect(failures, [...failures.map((failure) => JSON.stringify(failure)), ...timeline].join('\n')).toEqual([]);
        });
      }
    }
  });
}
