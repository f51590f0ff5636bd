/*
 * The texts of the console: those in the source, those without a translation, and words that are not a text yet.
 *
 *   npm run texts                     counts, by language and by folder
 *   npm run texts -- --missing de     the texts without a German translation, as JSON to fill in, by file
 *   npm run texts -- --plain user     words of the folder `user` that do not go through `t` or `T`
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseSync } from 'oxc-parser';
import { listFailureWords, readFailureTexts } from './failure-texts.ts';

const SOURCE = join(import.meta.dirname, 'src');

/** A node of a syntax tree, of any of its hundred types. */
interface Node {
  readonly type: string;
  readonly start: number;
  // biome-ignore lint/suspicious/noExplicitAny: which fields a node has follows from its type, which is a string here.
  readonly [field: string]: any;
}

interface SourceFile {
  /** Below src/, with slashes. */
  readonly path: string;
  readonly texts: string[];
  /** Texts that are keys of one object: headings of the columns of a table, but those that have values. */
  readonly headings: string[][];
  readonly plain: { readonly line: number; readonly words: string }[];
}

interface Context {
  readonly file: SourceFile;
  addPlain(node: Node, words: string): void;
}

export const LANGUAGES = ['de', 'es', 'pt'];

/** Attributes and properties whose values a user never reads. */
const SILENT_NAMES = new Set(
  (
    'className class id key type href to d viewBox fill stroke style color c variant size method role rel target autoComplete inputMode ' +
    'component as position align justify testId data-testid queryKey mutationKey accept scope fw ff wrap tt w h radius orientation fontFamily fontFamilyMonospace'
  ).split(' '),
);
/** Attributes and properties whose values a user reads, also a word in small letters; `children`: what stands in an element. */
const SHOWN_NAMES = new Set('children label title description aria-label'.split(' '));
/** Nodes whose words a user never reads. */
const NOT_SHOWN = new Set(
  'ImportDeclaration ExportAllDeclaration ImportExpression TSLiteralType TSTypeAliasDeclaration TSInterfaceDeclaration'.split(
    ' ',
  ),
);
/** Names that are the same in every language: of the product, of keys of the keyboard, of values, and of languages in themselves. */
const NAMES = /^(Tidings|Ctrl K|UTC|true|false|English|Deutsch|Español|Português)$|· Tidings$/;
/** Calls whose arguments a user never reads. */
const SILENT_CALLS = new Set(
  (
    'import fetch get post call useState querySelector getElementById matchMedia addEventListener removeEventListener getItem setItem ' +
    'setParameter getParameter querySelectorAll get has set append join split replace replaceAll includes startsWith endsWith indexOf Error lazy'
  ).split(' '),
);

/** Returns the texts of the source by their English form, each with the first file that has it. */
export function readTexts(): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const file of readFiles()) {
    for (const text of file.texts) if (!texts.has(text)) texts.set(text, file.path);
  }
  return texts;
}

/** Returns the words that do not go through `t` or `T`: a path below src/, a line, and the words. */
export function readPlainWords(): { path: string; line: number; words: string }[] {
  return readFiles().flatMap(({ path, plain }) => plain.map((one) => ({ path, ...one })));
}

/** Returns the headings of each table: those of one must differ in every language, because columns are kept by their heading. */
export function readHeadings(): string[][] {
  return readFiles().flatMap(({ headings }) => headings);
}

/** Returns the translations of a language by their English text. */
export function readTranslations(language: string): Record<string, string> {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'texts', `${language}.json`), 'utf8'));
}

function readFiles(): SourceFile[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => readFile(join(SOURCE, name)));
}

function readFile(path: string): SourceFile {
  const source = readFileSync(path, 'utf8');
  const { program, errors } = parseSync(path, source);
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const file: SourceFile = { path: relative(SOURCE, path).replaceAll('\\', '/'), texts: [], headings: [], plain: [] };
  const addPlain = (node: Node, words: string) => {
    const cleaned = words.replace(/\s+/g, ' ').trim();
    if (cleaned !== '' && !NAMES.test(cleaned))
      file.plain.push({ line: source.slice(0, node.start).split('\n').length, words: cleaned });
  };
  walk(program, null, { file, addPlain });
  return file;
}

/** Visits a node and what is in it; `name`: the attribute or property that it is the value of, or null. */
function walk(node: unknown, name: string | null, context: Context): void {
  if (node === null || typeof node !== 'object') return;
  if (Array.isArray(node)) {
    for (const one of node) walk(one, name, context);
    return;
  }
  if ('type' in node) walkNode(node as Node, name, context);
}

function walkNode(node: Node, name: string | null, context: Context): void {
  if (NOT_SHOWN.has(node.type) || isComparison(node) || isFault(node)) return;
  if (node.type === 'CallExpression') walkCall(node, context);
  else if (node.type === 'JSXElement') walkElement(node, context);
  else if (node.type === 'JSXAttribute') walk(node.value, nameOf(node.name), context);
  else if (node.type === 'Property') walkProperty(node, context);
  else if (node.type === 'ObjectExpression') walkObject(node, context);
  else if (node.type === 'SwitchCase') walk(node.consequent, null, context);
  else if (node.type === 'MemberExpression') walk(node.object, null, context);
  else if (node.type === 'JSXText') addIf(/\p{L}/u.test(node.value), node, node.value, context);
  else if (node.type === 'Literal') {
    const isShown = typeof node.value === 'string' && !SILENT_NAMES.has(name ?? '');
    const isPlain = isShown && (SHOWN_NAMES.has(name ?? '') ? /\p{L}{2}/u.test(node.value) : isWords(node.value));
    addIf(isPlain, node, node.value, context);
  } else if (node.type === 'TemplateLiteral') {
    const words = node.quasis.map(({ value }: Node) => value.cooked).join('…');
    addIf(!SILENT_NAMES.has(name ?? '') && isSentence(words) && !isCode(words), node, words, context);
    walk(node.expressions, name, context);
  } else {
    for (const [key, value] of Object.entries(node)) if (!/^type/.test(key)) walk(value, name, context);
  }
}

function walkObject({ properties }: Node, context: Context): void {
  const keys: Node[] = properties.filter(
    ({ computed, key }: Node) => computed && key.callee?.name === 't' && key.arguments.length === 1,
  );
  if (keys.length > 1) {
    context.file.headings.push(
      keys.flatMap(({ key }) => literalsOf(key.arguments[0]).filter((text) => text !== undefined)),
    );
  }
  walk(properties, null, context);
}

/** Visits a property. A capitalised key of a function is the heading of a column. */
function walkProperty({ key, value, computed }: Node, context: Context): void {
  const name = nameOf(key);
  if (computed) walk(key, null, context);
  else addIf(value.type === 'ArrowFunctionExpression' && isWords(name ?? ''), key, name ?? '', context);
  walk(value, computed ? null : name, context);
}

function addIf(isPlain: boolean, node: Node, words: string, { addPlain }: Context): void {
  if (isPlain) addPlain(node, words);
}

/** Whether an expression compares: its words are not shown. */
function isComparison({ type, operator }: Node): boolean {
  return type === 'BinaryExpression' && /^([=!]==?|in)$/.test(operator);
}

/** Whether an error is made that says that the program is wrong: one for users has a text. */
function isFault({ type, callee, arguments: values }: Node): boolean {
  return type === 'NewExpression' && callee.name === 'Error' && values[0]?.callee?.name !== 't';
}

function walkCall(node: Node, context: Context): void {
  const called = node.callee.type === 'MemberExpression' ? node.callee.property.name : node.callee.name;
  if (called === 't' && node.callee.type === 'Identifier') {
    for (const text of literalsOf(node.arguments[0])) {
      if (text === undefined) throw new Error(`${context.file.path}: the first argument of t must be a literal`);
      context.file.texts.push(text);
    }
    walk(node.arguments.slice(1), null, context);
    return;
  }
  walk(node.callee, null, context);
  if (!SILENT_CALLS.has(called)) walk(node.arguments, null, context);
  else for (const one of node.arguments) if (!/Literal$/.test(one.type)) walk(one, null, context);
}

function walkElement(node: Node, context: Context): void {
  const { name, attributes } = node.openingElement;
  if (name.name === 'T') {
    const text = attributes.find((one: Node) => one.name?.name === 'text')?.value;
    for (const one of literalsOf(text?.type === 'JSXExpressionContainer' ? text.expression : text)) {
      if (one === undefined) throw new Error(`${context.file.path}: the text of T must be a literal`);
      context.file.texts.push(one);
    }
    walk(
      attributes.filter((one: Node) => one.name?.name !== 'text'),
      null,
      context,
    );
  } else {
    walk(attributes, null, context);
  }
  // Code, and names of the catalog, are the same in every language.
  const isName = /^[cC]ode$/.test(name.name) || attributes.some(isNameClass);
  walk(
    isName ? node.children.filter(({ type }: Node) => type !== 'JSXText') : node.children,
    isName ? null : 'children',
    context,
  );
}

function isNameClass({ name, value }: Node): boolean {
  return name?.name === 'className' && /\bname\b/.test(value?.value);
}

/** Returns the literals of an expression: one, or those of a choice; undefined for what is no literal. */
function literalsOf(node: Node | undefined): (string | undefined)[] {
  if (node?.type === 'ConditionalExpression') return [...literalsOf(node.consequent), ...literalsOf(node.alternate)];
  if (node?.type === 'Literal' && typeof node.value === 'string') return [node.value];
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) return [node.quasis[0].value.cooked];
  return [undefined];
}

function nameOf(node: Node): string | null {
  if (node.type === 'JSXNamespacedName') return `${node.namespace.name}:${node.name.name}`;
  return node.name ?? node.value ?? null;
}

/** Whether a string looks like what a user reads: a capitalised word, or words with spaces between them. */
function isWords(text: string): boolean {
  if (isCode(text)) return false;
  return /^\p{Lu}\p{Ll}+([ ,.:…?!]|$)/u.test(text) || isSentence(text);
}

/** Whether a string is a computed value of CSS, or a command to copy. */
function isCode(text: string): boolean {
  return /^([a-z-]+\(.*\)|curl .*|tidings [a-z].*)$/s.test(text);
}

/** Whether a word of two letters or more stands beside a space. */
function isSentence(text: string): boolean {
  return /(^|\s)\p{L}\p{Ll}+[,.:;?!]?\s|\s\p{L}\p{Ll}+[,.:;?!]?($|\s|…)/u.test(text);
}

/** Prints the texts without a translation as one document of JSON, by the file below texts/ that is to have them. */
async function printMissing(language: string): Promise<void> {
  const toMissing = (texts: readonly string[], known: Record<string, string>) =>
    Object.fromEntries(texts.filter((text) => !Object.hasOwn(known, text)).map((text) => [text, '']));
  const missing = {
    [`${language}.json`]: toMissing([...readTexts().keys()], readTranslations(language)),
    [`failures/${language}.json`]: toMissing(await listFailureWords(), readFailureTexts(language)),
  };
  console.log(JSON.stringify(missing, null, 2));
}

function printPlain(folder: string): void {
  for (const { path, line, words } of readPlainWords()) {
    if (path.startsWith(folder)) console.log(`${path}:${line}: ${words}`);
  }
}

async function printCounts(): Promise<void> {
  const texts = readTexts();
  const failures = await listFailureWords();
  console.log(`${texts.size} texts, ${failures.length} of failures`);
  for (const language of LANGUAGES) {
    const known = readTranslations(language);
    const missing = [...texts.keys()].filter((text) => !Object.hasOwn(known, text)).length;
    const unused = Object.keys(known).filter((text) => !texts.has(text)).length;
    const ofFailures = readFailureTexts(language);
    const missingOfFailures = failures.filter((words) => !Object.hasOwn(ofFailures, words)).length;
    console.log(`${language}: ${missing} missing, ${unused} not used; ${missingOfFailures} of failures missing`);
  }
  const counts = new Map<string, number>();
  for (const { path } of readPlainWords()) {
    const [folder = ''] = path.split('/');
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  for (const [folder, count] of counts) console.log(`${folder}: ${count} not a text yet`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [option, value = ''] = process.argv.slice(2);
  if (option === '--missing') await printMissing(value);
  else if (option === '--plain') printPlain(value);
  else await printCounts();
}
