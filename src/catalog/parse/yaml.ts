import {
  Composer,
  type CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  Scalar,
} from 'yaml';
import { CatalogError } from '../../errors.ts';
import type { Json } from '../../model/event.ts';
import type { Problems } from './problems.ts';

/** YAML as plain data that knows its place: `at` is an offset into the file. */
export type Tree =
  | { readonly kind: 'map'; readonly at: number; readonly entries: readonly Entry[] }
  | { readonly kind: 'list'; readonly at: number; readonly items: readonly Tree[] }
  | Text
  | { readonly kind: 'number'; readonly at: number; readonly value: number; readonly source: string }
  | { readonly kind: 'boolean'; readonly at: number; readonly value: boolean; readonly source: string }
  | { readonly kind: 'null'; readonly at: number };

export interface Entry {
  readonly key: string;
  readonly at: number;
  readonly value: Tree;
}

export interface Text {
  readonly kind: 'text';
  readonly at: number;
  readonly text: string;
  /** The offset in the file of a character of `text`, through quotes, escapes, folding and indentation. */
  offsetOf(index: number): number;
  /** Written without quotes and cut short by ` #`, which begins a comment. */
  readonly cutByComment: boolean;
}

export interface YamlFile {
  readonly name: string;
  /** Null when the file is not YAML; that has been told. */
  readonly root: Tree | null;
  problem(at: number, message: string, hint?: string): void;
}

const LARGEST = 256 * 1024;
const DEEPEST = 40;
const MOST_OPEN = 2 * DEEPEST + 10;
// A file this small has fewer nodes; only aliases can make more.
const MOST_NODES = 300_000;
const MOST_SYNTAX_PROBLEMS = 10;

/** Reads one YAML 1.2 file. What is wrong is added to `problems`. */
export function parseYaml(name: string, source: string, problems: Problems): YamlFile {
  const lines = new LineCounter();
  const problem = (at: number, message: string, hint?: string) => {
    const { line, col } = lines.linePos(at);
    problems.add({ file: name, line: Math.max(1, line), column: Math.max(1, col), message, ...(hint && { hint }) });
  };
  const broken: YamlFile = { name, root: null, problem };
  if (source.length > LARGEST) {
    problem(0, `the file has ${source.length} characters`, `at most ${LARGEST}`);
    return broken;
  }
  try {
    // Keys are compared by the walk below: the library's own check takes quadratic time.
    const composer = new Composer({ lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
    const [document, second] = [...composer.compose(tokens(source, lines), true, source.length)];
    if (document === undefined) return { name, root: { kind: 'null', at: 0 }, problem };
    const errors = [...document.errors, ...document.warnings];
    if (errors.length > 0) {
      for (const error of errors.slice(0, MOST_SYNTAX_PROBLEMS)) {
        problem(error.pos[0], firstLine(error.message), hintFor(error.code, error.message, source[error.pos[0]]));
      }
      return broken;
    }
    if (second !== undefined) {
      problem(second.range[0], 'the file has a second YAML document', 'remove the line ---');
      return broken;
    }
    const walk = new Walk(source, problem);
    return { name, root: walk.tree(document.contents, 0, 0), problem };
  } catch (error) {
    if (error instanceof CatalogError) throw error;
    if (error instanceof TooMuch) problem(error.at, error.message, error.hint);
    else if (error instanceof RangeError) problem(0, 'the file is nested too deep', `at most ${DEEPEST} levels`);
    else problem(0, `this cannot be read as YAML: ${firstLine(String((error as Error).message))}`);
    return broken;
  }
}

/** As JSON. Numbers are finite by then. */
export function toJson(tree: Tree): Json {
  switch (tree.kind) {
    case 'map':
      return Object.fromEntries(tree.entries.map((entry) => [entry.key, toJson(entry.value)]));
    case 'list':
      return tree.items.map(toJson);
    case 'text':
      return tree.text;
    case 'null':
      return null;
    default:
      return tree.value;
  }
}

/** The library's parser, stopped when it is nested too deep: what follows it is recursive, and can end the process. */
function tokens(source: string, lines: LineCounter): CST.Token[] {
  const parser = new Parser(lines.addNewLine);
  const found: CST.Token[] = [];
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(source)) {
    for (const token of parser.next(lexeme)) found.push(token);
    if (parser.stack.length > MOST_OPEN) {
      throw new TooMuch(parser.offset, 'the file is nested too deep', `at most ${DEEPEST} levels`);
    }
  }
  for (const token of parser.end()) found.push(token);
  return found;
}

class TooMuch extends Error {
  readonly at: number;
  readonly hint: string;
  constructor(at: number, message: string, hint: string) {
    super(message);
    this.at = at;
    this.hint = hint;
  }
}

class Walk {
  readonly #anchors = new Map<string, Node>();
  readonly #source: string;
  readonly #problem: YamlFile['problem'];
  #nodes = 0;

  constructor(source: string, problem: YamlFile['problem']) {
    this.#source = source;
    this.#problem = problem;
  }

  tree(node: Node | null | undefined, depth: number, nearby: number): Tree {
    const at = node?.range?.[0] ?? nearby;
    if (++this.#nodes > MOST_NODES) throw new TooMuch(at, 'aliases make this file too large', 'write it out');
    if (depth > DEEPEST) throw new TooMuch(at, 'the file is nested too deep', `at most ${DEEPEST} levels`);
    if (isAlias(node)) return this.tree(this.#target(node.source, at), depth + 1, at);
    // Of equal names the latest counts, as YAML has it. (The library looks an alias up by a walk through the whole file.)
    const { anchor } = (node ?? {}) as { anchor?: string };
    if (anchor !== undefined && node) this.#anchors.set(anchor, node);
    if (isMap(node)) return this.#map(node.items as { key: Node | null; value: Node | null }[], depth, at);
    if (isSeq(node)) {
      return { kind: 'list', at, items: node.items.map((item) => this.tree(item as Node, depth + 1, at)) };
    }
    if (isScalar(node)) return this.#scalar(node, at);
    return { kind: 'null', at };
  }

  #map(pairs: readonly { key: Node | null; value: Node | null }[], depth: number, mapAt: number): Tree {
    const entries = new Map<string, Entry>();
    for (const pair of pairs) {
      const at = pair.key?.range?.[0] ?? mapAt;
      const key = isAlias(pair.key) ? this.#target(pair.key.source, at) : pair.key;
      if (!isScalar(key) || key.value === null) {
        this.#problem(at, 'a key must be a name', 'name: value');
        continue;
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
      if (name === '__proto__') this.#problem(at, 'a key cannot be called "__proto__"', 'choose another name');
      else if (entries.has(name)) this.#problem(at, `${JSON.stringify(name)} is here twice`, 'remove or rename one');
      else entries.set(name, { key: name, at, value: this.tree(pair.value, depth + 1, key.range?.[1] ?? at) });
    }
    return { kind: 'map', at: mapAt, entries: [...entries.values()] };
  }

  #target(name: string, at: number): Node | undefined {
    const target = this.#anchors.get(name);
    if (!target) this.#problem(at, `nothing before this is called &${name.slice(0, 60)}`, hintFor('BAD_ALIAS'));
    return target;
  }

  #scalar(node: Scalar, at: number): Tree {
    const { value } = node;
    const written = node.source ?? String(value);
    if (typeof value === 'boolean') return { kind: 'boolean', at, value, source: written };
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) this.#problem(at, `${written} is not a number that JSON knows`);
      return { kind: 'number', at, value: Number.isFinite(value) ? value : 0, source: written };
    }
    if (typeof value !== 'string') return { kind: 'null', at };
    const source = this.#source;
    const end = node.range?.[1] ?? at;
    return {
      kind: 'text',
      at,
      text: value,
      offsetOf: (index) => offsetInSource(source, at, end, value, index, node.type),
      cutByComment: node.type === Scalar.PLAIN && /^[ \t]+#/.test(source.slice(end, end + 80)),
    };
  }
}

/** Follows the written form and its value side by side: what is only in the written form (escapes, indentation) is skipped. */
function offsetInSource(
  source: string,
  start: number,
  end: number,
  value: string,
  index: number,
  type: unknown,
): number {
  let at = start;
  if (type === Scalar.BLOCK_FOLDED || type === Scalar.BLOCK_LITERAL) {
    while (at < end && source[at] !== '\n') at++;
  } else if (type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE) {
    at++;
  }
  for (let i = 0; i <= index && at < end; i++) {
    while (at < end && source[at] !== value[i] && /\s/.test(source[at]!)) at++;
    const width = i < value.length && /\s/.test(value[i]!) && source[at] !== value[i] ? 0 : widthAt(source, at, type);
    if (i < index) at += width;
  }
  return Math.min(at, end);
}

function widthAt(source: string, at: number, type: unknown): number {
  if (type === Scalar.QUOTE_SINGLE) return source.startsWith("''", at) ? 2 : 1;
  if (type !== Scalar.QUOTE_DOUBLE || source[at] !== '\\') return 1;
  return { x: 4, u: 6, U: 10 }[source[at + 1] ?? ''] ?? 2;
}

const UNCLOSED = 'look for a quote or bracket that is not closed, or a colon that is missing';

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!.slice(0, 200);
}

function hintFor(code: string, message = '', character = ''): string | undefined {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'indent with spaces';
    case 'TAG_RESOLVE_FAILED':
      return 'a value that begins with ! needs quotes around the whole of it';
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
    case 'BLOCK_IN_FLOW':
      return 'a text with a colon and a space in it needs quotes around the whole of it';
    case 'BAD_INDENT':
      return message.startsWith('Flow') ? UNCLOSED : 'keys of one level start in one column';
    case 'UNEXPECTED_TOKEN':
      return 'a text that begins with a quote, a bracket or a sign needs quotes around the whole of it';
    case 'BAD_SCALAR_START':
      return `a text that begins with ${JSON.stringify(character)} needs quotes`;
    case 'MISSING_CHAR':
      return UNCLOSED;
    case 'BAD_ALIAS':
    case 'ALIAS_PROPS':
      return 'a text that begins with * or & needs quotes around the whole of it';
    default:
      return undefined;
  }
}
