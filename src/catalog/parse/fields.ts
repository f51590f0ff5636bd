import { findInvisibleOutsideQuotes } from '../../lib/text/invisible-characters.ts';
import { suggest } from './suggest.ts';
import type { Entry, Text, Tree, YamlFile } from './yaml.ts';

/**
 * Parsers of small YAML values. Each reports a value of the wrong kind to the file and returns nothing for it. `what` names
 * the value in messages, such as `"limit"`; `example` becomes the hint.
 */

const KIND_NAMES: { readonly [kind in Tree['kind']]: string } = {
  map: 'a mapping',
  list: 'a list',
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  null: 'empty',
};

/** Entries of a mapping by key. */
export type Fields = ReadonlyMap<string, Entry>;

/** Parses a mapping with a fixed set of keys. Any other key is reported and left out. An empty value has no fields. */
export function parseFields(
  file: YamlFile,
  tree: Tree,
  what: string,
  known: readonly string[],
  example: string,
): Fields {
  const found = new Map<string, Entry>();
  for (const entry of parseEntries(file, tree, what, example)) {
    if (known.includes(entry.key)) found.set(entry.key, entry);
    else file.report(entry.at, `unknown key ${JSON.stringify(entry.key)} in ${what}`, suggest(entry.key, known));
  }
  return found;
}

/** Parses a mapping with a fixed set of keys, and reports an empty value. */
export function parseFilledFields(
  file: YamlFile,
  tree: Tree,
  what: string,
  known: readonly string[],
  example: string,
): Fields {
  checkFilled(file, tree, what, example);
  return parseFields(file, tree, what, known, example);
}

/** Reports an empty value. */
export function checkFilled(file: YamlFile, tree: Tree, what: string, example: string): void {
  if (tree.kind === 'null') file.report(tree.at, `${what} is empty`, example);
}

/** Parses a mapping whose keys are names that the author chose, in the order of the file. */
export function parseEntries(file: YamlFile, tree: Tree, what: string, example: string): readonly Entry[] {
  if (tree.kind === 'map') return tree.entries;
  if (tree.kind !== 'null') {
    file.report(tree.at, `${what} must be a mapping, not ${KIND_NAMES[tree.kind]}`, example);
  }
  return [];
}

/**
 * Parses a text that is not empty. A number, `true` and `false` count as the text that is written. Outside quotes, an
 * invisible character is reported by name.
 */
export function parseText(file: YamlFile, tree: Tree, what: string, example: string): Text | undefined {
  const text = parseFreeText(file, tree, what, example);
  const odd = text && findInvisibleOutsideQuotes(text.text);
  if (!text || !odd) return text;
  file.report(text.offsetOf(odd.index), `${what} has ${odd.name} here`, odd.hint);
  return undefined;
}

/** Parses a text in which every character may be meant, such as a description. */
export function parseFreeText(file: YamlFile, tree: Tree, what: string, example: string): Text | undefined {
  if (tree.kind === 'text' && tree.text.trim() !== '') return tree;
  if (tree.kind === 'number' || tree.kind === 'boolean') {
    return { kind: 'text', at: tree.at, text: tree.source, offsetOf: (i) => tree.at + i, cutByComment: false };
  }
  const isEmpty = tree.kind === 'text' || tree.kind === 'null';
  file.report(tree.at, `${what} ${isEmpty ? 'is empty' : `must be text, not ${KIND_NAMES[tree.kind]}`}`, example);
  return undefined;
}

/** Parses one text or a list of texts. An empty list and repeated texts are reported. */
export function parseTexts(file: YamlFile, tree: Tree, what: string, example: string): Text[] {
  const items = tree.kind === 'list' ? tree.items : [tree];
  if (items.length === 0) file.report(tree.at, `${what} is an empty list`, example);
  const texts: Text[] = [];
  for (const item of items) {
    const text = parseText(file, item, what, example);
    if (text === undefined) continue;
    if (texts.some((other) => other.text === text.text)) {
      file.report(text.at, `${JSON.stringify(text.text)} is in ${what} twice`, 'remove one of them');
    } else {
      texts.push(text);
    }
  }
  return texts;
}

/** Checks that a text is one of the allowed words. `what` is a noun phrase, such as `a channel`. */
export function parseKeyword<T extends string>(
  file: YamlFile,
  text: Text,
  what: string,
  allowed: readonly T[],
): T | undefined {
  const word = allowed.find((candidate) => candidate === text.text);
  if (word === undefined) {
    file.report(text.at, `${JSON.stringify(text.text)} is not ${what}`, suggest(text.text, allowed));
  }
  return word;
}

/** Parses a key whose value is one of the allowed words; undefined: it is not there, or was reported. */
export function parseWord<T extends string>(
  file: YamlFile,
  entry: Entry | undefined,
  what: string,
  allowed: readonly T[],
): T | undefined {
  const text = entry && parseText(file, entry.value, `"${entry.key}"`, `${entry.key}: ${allowed[0]}`);
  return text && parseKeyword(file, text, what, allowed);
}

/** Whether a name can be given to a rule, a notification type or a group: it is used in folder names and URLs. */
export function isName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/.test(name);
}

/** Reports a key that is not a name by `isName`. */
export function checkName(file: YamlFile, { key, at }: Entry, example: string): void {
  if (isName(key)) return;
  const message = `${JSON.stringify(key.slice(0, 60))} is not a valid name`;
  file.report(at, message, `start with a letter, then use letters, digits, _ . and -: ${example}`);
}

/** Parses the optional field `description`. */
export function parseDescription(file: YamlFile, found: Fields): { description?: string } {
  const entry = found.get('description');
  const text = entry && parseFreeText(file, entry.value, '"description"', 'description: One sentence.');
  return text ? { description: text.text.trim() } : {};
}
