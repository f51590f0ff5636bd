import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test, vi } from 'vitest';
import { readTranslations } from '../packages/console/texts.ts';

/** Levels of preferences, which the API says in English, as the console says them in another language. */

const SCOPE = 'category MARKETING / sms';

let formatLevel: typeof import('../packages/console/src/shell/level-words.ts').formatLevel;

beforeAll(async () => {
  // Words are read when the module is loaded, as in the console, which loads texts first.
  vi.resetModules();
  const { setTexts } = await import('../packages/console/src/text/text.ts');
  setTexts(readTranslations('de'), 'de');
  ({ formatLevel } = await import('../packages/console/src/shell/level-words.ts'));
});

test.each([
  [`user: ${SCOPE}`, 'vom Nutzer: Kategorie MARKETING / SMS'],
  ['user: everything', 'vom Nutzer: alles'],
  ['user: channels of type INVOICE', 'vom Nutzer: Kanäle von Typ INVOICE'],
  ['tenant: default of channel push', 'vom Mandanten: Standard von Push'],
  ['tenant: cap of in_app', 'vom Mandanten: Grenze von In-App'],
  ['consent: MARKETING / sms', 'Einwilligung: MARKETING / SMS'],
  ['law: sms in FR', 'per Gesetz: SMS in FR'],
  ['required: type INVOICE', 'erforderlich: Typ INVOICE'],
  ['default', 'standardmäßig'],
  ['a newer level: of something', 'a newer level: of something'],
])('%s is "%s"', (level, words) => {
  expect(formatLevel(level)).toBe(words);
});

test('every level of a policy has words', async () => {
  const folder = fileURLToPath(new URL('../src/plan/', import.meta.url));
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const sources = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  const written = sources.flatMap((source) =>
    [...source.matchAll(/(?:level(?::| =) |off\()(?:'([^']+)'|`([^`]+)`)/g)].map(
      ([, plain, template]) => plain ?? template!,
    ),
  );
  const levels = [...new Set(written)].map((level) =>
    level.replaceAll(/\$\{[^}]*\([^}]*\)[^}]*\}/g, SCOPE).replaceAll(/\$\{[^}]+\}/g, 'sms'),
  );
  expect(levels.length).toBeGreaterThan(14);
  const english =
    /\b(user|tenant|law|consent|required|audience|default|everything|pause|quiet|lock|frequency|cap|channels|category|of)\b/;
  expect(levels.filter((level) => english.test(formatLevel(level)))).toEqual([]);
});
