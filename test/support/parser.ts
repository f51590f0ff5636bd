import { parseCatalogFiles } from '../../src/catalog/parse/parse-catalog-files.ts';
import { CatalogError } from '../../src/errors.ts';
import type { CatalogData } from '../../src/model/catalog.ts';
import { parseCases } from '../../src/simulate/cases/parse-cases.ts';
import { EVENTS, NOTIFICATIONS, RULES, SEGMENTS, TEMPLATES } from './every-key.ts';

/** The parser as an oracle for one file of a catalog, or for many things in one file. */

export type CatalogFile =
  | 'events.yaml'
  | 'notifications.yaml'
  | 'rules.yaml'
  | 'segments.yaml'
  | 'routes.yaml'
  | 'sources.yaml'
  | 'sinks.yaml'
  | 'preferences.yaml'
  | 'connectors.yaml'
  | 'cases.yaml';

/** A mistake that keeps a file from being read. */
export interface Mistake {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

const OTHERS: { readonly [file: string]: string } = {
  'events.yaml': EVENTS,
  'notifications.yaml': NOTIFICATIONS,
  'rules.yaml': RULES,
  'segments.yaml': SEGMENTS,
  ...TEMPLATES,
};
/** The parser stops at 200 mistakes, and does not report later ones. */
const MAX_MISTAKES = 199;
class TooManyMistakes extends Error {}

let catalog: Promise<CatalogData> | undefined;

/**
 * Returns the mistakes in `text`, read as this file of a catalog whose other files are right.
 *
 * @throws TooManyMistakes when the parser stopped before the end
 */
export async function mistakesIn(file: CatalogFile, text: string): Promise<readonly Mistake[]> {
  const mistakes = file === 'cases.yaml' ? await mistakesInCases(text) : await mistakesInCatalog(file, text);
  if (mistakes.length > MAX_MISTAKES) throw new TooManyMistakes(`${mistakes.length} mistakes with this ${file}`);
  return mistakes.filter((mistake) => mistake.file === file);
}

async function mistakesInCatalog(file: string, text: string): Promise<readonly Mistake[]> {
  // Without rules: they would name things that are gone.
  const others = file === 'rules.yaml' ? OTHERS : { ...OTHERS, 'rules.yaml': 'rules:' };
  const { problems } = await parseCatalogFiles(new Map(Object.entries({ ...others, [file]: text })));
  return problems;
}

async function mistakesInCases(text: string): Promise<readonly Mistake[]> {
  catalog ??= parseCatalogFiles(new Map(Object.entries(OTHERS))).then(({ data, problems }) => {
    if (!data) throw new Error(JSON.stringify(problems));
    return data;
  });
  try {
    parseCases('cases.yaml', text, await catalog);
    return [];
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return error.problems;
  }
}

/** The part of a file before things of one kind, and the start of the line of each. */
const HOSTS = {
  event: { file: 'events.yaml', before: 'events:\n', prefix: (index: number) => `  e${index}: ` },
  trait: { file: 'events.yaml', before: 'events:\ntraits:\n', prefix: (index: number) => `  t${index}: ` },
  notification: { file: 'notifications.yaml', before: 'notifications:\n', prefix: (index: number) => `  N${index}: ` },
  rule: { file: 'rules.yaml', before: RULES, prefix: (index: number) => `  R${index}: ` },
  group: { file: 'rules.yaml', before: 'rules:\ngroups:\n', prefix: (index: number) => `  G${index}: ` },
  case: { file: 'cases.yaml', before: 'cases:\n', prefix: () => '  - ' },
} as const satisfies {
  [kind: string]: { file: CatalogFile; before: string; prefix: (index: number) => string };
};
export type Kind = keyof typeof HOSTS;

/** Things that are parsed in one go: parsing the rest of the catalog takes as long. */
const MAX_TOGETHER = 100;

/** Returns, for each of these things, whether the parser accepts it. */
export async function areAccepted(kind: Kind, things: readonly unknown[]): Promise<boolean[]> {
  const accepted: boolean[] = [];
  for (let from = 0; from < things.length; from += MAX_TOGETHER) {
    accepted.push(...(await areAcceptedTogether(kind, things.slice(from, from + MAX_TOGETHER))));
  }
  return accepted;
}

async function areAcceptedTogether(kind: Kind, things: readonly unknown[]): Promise<boolean[]> {
  const { file, before, prefix } = HOSTS[kind];
  const first = before.split('\n').length;
  // JSON is YAML, on one line.
  const lines = things.map((thing, index) => `${prefix(index)}${JSON.stringify(thing)}\n`);
  try {
    const wrong = new Set((await mistakesIn(file, before + lines.join(''))).map(({ line }) => line - first));
    return things.map((_, index) => !wrong.has(index));
  } catch (error) {
    if (!(error instanceof TooManyMistakes) || things.length === 1) throw error;
    const half = Math.floor(things.length / 2);
    return [
      ...(await areAcceptedTogether(kind, things.slice(0, half))),
      ...(await areAcceptedTogether(kind, things.slice(half))),
    ];
  }
}

/** A word that no file has. */
const MADE_UP = 'qqqqq';

/**
 * Returns, for each line of `template`, the words that the parser knows: those for which it does not report the mistake that
 * it reports for a made-up word.
 *
 * @param template a part of the file for one word, of the same number of lines for each
 */
export async function findKnownWords(
  file: CatalogFile,
  before: string,
  words: readonly string[],
  template: (word: string, index: number) => string,
): Promise<Set<string>[]> {
  const first = before.split('\n').length;
  const height = template(MADE_UP, 0).split('\n').length - 1;
  const known = Array.from({ length: height }, () => new Set<string>());
  const mistakesPerWord = (await mistakesIn(file, before + template(MADE_UP, 0))).length;
  const together = Math.floor((MAX_MISTAKES * 0.8) / mistakesPerWord);
  for (let from = 0; from < words.length; from += together) {
    const some = [...words.slice(from, from + together), MADE_UP];
    const messages = new Map<number, string[]>();
    for (const { line, message } of await mistakesIn(file, before + some.map(template).join(''))) {
      messages.set(line - first, [...(messages.get(line - first) ?? []), message]);
    }
    for (const [line, found] of known.entries()) {
      const unknown = messages.get((some.length - 1) * height + line) ?? [];
      for (const [index, word] of some.slice(0, -1).entries()) {
        const said = messages.get(index * height + line) ?? [];
        if (!unknown.some((message) => said.includes(message.replaceAll(MADE_UP, word)))) found.add(word);
      }
    }
  }
  return known;
}
