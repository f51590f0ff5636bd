import { readdirSync, readFileSync } from 'node:fs';
import { lintCatalog } from '../../src/catalog/lint/lint-catalog.ts';
import { parseCatalogFiles } from '../../src/catalog/parse/parse-catalog-files.ts';
import { parseCases } from '../../src/simulate/cases/parse-cases.ts';
import { compileCaseRules, runCase } from '../../src/simulate/cases/run-case.ts';

/** The stories of test/stories: each file has rules, and the cases that they must pass, in the form of a catalog. */
const folder = new URL('../stories/', import.meta.url);

const NAMES = ['a', 'b', 'c', 'd', 'x', 'y', 'booked', 'cancelled', 'vip'];
/** Nearly all events are without properties. */
const EVENTS = `events:
${NAMES.map((name) => `  ${name}: {}`).join('\n')}
  paid: { properties: { amount: integer, state: { enum: [open, done] } }, required: [amount] }
`;
const NOTIFICATIONS = ['N', 'M', 'P', 'A', 'B'].map((name) => `  ${name}: { category: SYSTEM, channels: [internal] }`);

export interface StoryCase {
  readonly name: string;
  run(): ReturnType<typeof runCase>;
}

/** Returns the names of the story files. */
export function listStoryFiles(): string[] {
  return readdirSync(folder);
}

/** Returns the cases of a story file. Throws if its rules are not valid. */
export async function readStoryCases(file: string): Promise<StoryCase[]> {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const found: StoryCase[] = [];
  for (const story of text.split(/^---$/m).map((part) => part.trim())) {
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
    if (!data) throw new Error(`${file}: ${JSON.stringify(problems.filter(({ severity }) => severity === 'error'))}`);
    const line = text.slice(0, text.indexOf(cases)).split('\n').length - 1;
    for (const one of parseCases(file, '\n'.repeat(line) + cases, data)) {
      found.push({ name: one.name, run: () => runCase(compileCaseRules(data), one, () => 0) });
    }
  }
  return found;
}
