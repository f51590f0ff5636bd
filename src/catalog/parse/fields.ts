import { suggest } from './suggest.ts';
import type { Entry, Text, Tree, YamlFile } from './yaml.ts';

const KINDS: { readonly [kind in Tree['kind']]: string } = {
  map: 'a mapping',
  list: 'a list',
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  null: 'empty',
};

export type Fields = ReadonlyMap<string, Entry>;

/** The fields of one thing by name. A key outside `known` is a problem; nothing at all is no fields. */
export function fields(file: YamlFile, tree: Tree, what: string, known: readonly string[], example: string): Fields {
  const found = new Map<string, Entry>();
  for (const entry of named(file, tree, what, example)) {
    if (known.includes(entry.key)) found.set(entry.key, entry);
    else file.problem(entry.at, `unknown key ${JSON.stringify(entry.key)} in ${what}`, suggest(entry.key, known));
  }
  return found;
}

/** The things of a mapping whose keys are names of their own. */
export function named(file: YamlFile, tree: Tree, what: string, example: string): readonly Entry[] {
  if (tree.kind === 'map') return tree.entries;
  if (tree.kind !== 'null') file.problem(tree.at, `${what} is ${KINDS[tree.kind]}, a mapping is needed`, example);
  return [];
}

/** One text; a number or true/false counts as it is written. */
export function oneText(file: YamlFile, tree: Tree, what: string, example: string): Text | undefined {
  if (tree.kind === 'text' && tree.text.trim() !== '') return tree;
  if (tree.kind === 'number' || tree.kind === 'boolean') {
    return { kind: 'text', at: tree.at, text: tree.source, offsetOf: (i) => tree.at + i, cutByComment: false };
  }
  file.problem(tree.at, `${what} is ${tree.kind === 'text' ? 'empty' : KINDS[tree.kind]}, text is needed`, example);
  return undefined;
}

/** One text or a list of texts; none twice. */
export function someTexts(file: YamlFile, tree: Tree, what: string, example: string): Text[] {
  const items = tree.kind === 'list' ? tree.items : [tree];
  if (items.length === 0) file.problem(tree.at, `${what} is an empty list`, example);
  const texts: Text[] = [];
  for (const item of items) {
    const text = oneText(file, item, what, example);
    if (text === undefined) continue;
    if (texts.some((other) => other.text === text.text)) {
      file.problem(text.at, `${JSON.stringify(text.text)} is in ${what} twice`, 'remove one');
    } else {
      texts.push(text);
    }
  }
  return texts;
}

/** A word of a closed list. */
export function oneOf<T extends string>(
  file: YamlFile,
  text: Text,
  what: string,
  allowed: readonly T[],
): T | undefined {
  const word = allowed.find((candidate) => candidate === text.text);
  if (word === undefined) {
    file.problem(text.at, `${JSON.stringify(text.text)} is not ${what}`, suggest(text.text, allowed));
  }
  return word;
}

/** A name of something the catalog defines, usable in a folder name and in a URL. */
export function isName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/.test(name);
}

/** What is said, when it is said. */
export function description(file: YamlFile, found: Fields): { description?: string } {
  const entry = found.get('description');
  const text = entry && oneText(file, entry.value, '"description"', 'description: One sentence.');
  return text ? { description: text.text.trim() } : {};
}
