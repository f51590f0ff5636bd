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
import { findInvisible, removeInvisible } from '../../lib/text/invisible-characters.ts';
import type { Json } from '../../model/event.ts';
import type { Problems } from '../problems.ts';
import { findSourceOffset } from './source-offset.ts';
import { getSyntaxHint } from './yaml-hints.ts';
import { getFirstLine, listSyntaxProblems } from './yaml-syntax.ts';

/** A YAML value. `at` is its offset in the text of the file. */
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
  /** Whether the text is written without quotes and a comment (` #`) follows it: the author may have meant it as text. */
  readonly cutByComment: boolean;
}

export interface YamlFile {
  /** Path inside the folder of the catalog. */
  readonly name: string;
  /** Null if the file is not valid YAML, which has been reported. */
  readonly root: Tree | null;
  /** Reports a problem at an offset in the text. */
  report(at: number, message: string, hint?: string): void;
}

const MAX_FILE_CHARS = 256 * 1024;
const MAX_DEPTH = 40;
/** Nesting of the parser: a level is a collection and an item in it, and the document adds a few. */
const MAX_OPEN_TOKENS = 2 * MAX_DEPTH + 10;
/** A file within MAX_FILE_CHARS has fewer nodes, unless aliases multiply them. */
const MAX_NODES = 300_000;

const TOO_DEEP = 'the file is nested too deeply';
const TOO_DEEP_HINT = `at most ${MAX_DEPTH} levels are allowed`;

/** Parses one YAML 1.2 file. Syntax errors, duplicate keys and exceeded bounds are added to `problems`. */
export function parseYaml(name: string, source: string, problems: Problems): YamlFile {
  const lines = new LineCounter();
  const report = (at: number, message: string, hint?: string) => {
    const { line, col } = lines.linePos(at);
    problems.add({ file: name, line: Math.max(1, line), column: Math.max(1, col), message, ...(hint && { hint }) });
  };
  const broken: YamlFile = { name, root: null, report };
  if (source.length > MAX_FILE_CHARS) {
    report(0, `the file is too large: ${source.length} characters`, `the limit is ${MAX_FILE_CHARS} characters`);
    return broken;
  }
  try {
    // TreeBuilder finds duplicate keys: the library's own check takes quadratic time.
    const composer = new Composer({ lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
    const [document, second] = [...composer.compose(tokenize(source, lines), true, source.length)];
    if (document === undefined) return { name, root: { kind: 'null', at: 0 }, report };
    const errors = [...document.errors, ...document.warnings];
    if (errors.length > 0) {
      for (const { at, message, hint } of listSyntaxProblems(errors, source)) report(at, message, hint);
      return broken;
    }
    if (second !== undefined) {
      report(second.range[0], 'the file has a second YAML document', 'remove the line ---');
      return broken;
    }
    const builder = new TreeBuilder(source, report);
    return { name, root: builder.build(document.contents, 0, 0), report };
  } catch (error) {
    if (error instanceof CatalogError) throw error;
    if (error instanceof BoundExceeded) report(error.at, error.message, error.hint);
    else if (error instanceof RangeError) report(0, TOO_DEEP, TOO_DEEP_HINT);
    else report(0, `this cannot be read as YAML: ${getFirstLine(String((error as Error).message))}`);
    return broken;
  }
}

/** Returns the value as JSON. A number that JSON cannot represent was reported when the file was parsed, and is 0. */
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

/** Runs the library's parser within a bound on nesting: its next steps are recursive, and deep input would end the process. */
function tokenize(source: string, lines: LineCounter): CST.Token[] {
  const parser = new Parser(lines.addNewLine);
  const found: CST.Token[] = [];
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(source)) {
    for (const token of parser.next(lexeme)) found.push(token);
    if (parser.stack.length > MAX_OPEN_TOKENS) throw new BoundExceeded(parser.offset, TOO_DEEP, TOO_DEEP_HINT);
  }
  for (const token of parser.end()) found.push(token);
  return found;
}

class BoundExceeded extends Error {
  readonly at: number;
  readonly hint: string;
  constructor(at: number, message: string, hint: string) {
    super(message);
    this.at = at;
    this.hint = hint;
  }
}

/** Converts the library's nodes into trees: resolves aliases, finds duplicate keys, and holds the bounds on depth and size. */
class TreeBuilder {
  readonly #anchors = new Map<string, Node>();
  readonly #source: string;
  readonly #report: YamlFile['report'];
  #nodes = 0;

  constructor(source: string, report: YamlFile['report']) {
    this.#source = source;
    this.#report = report;
  }

  /** @param nearby the offset to report for a node that has no place of its own, such as an absent value */
  build(node: Node | null | undefined, depth: number, nearby: number): Tree {
    const at = node?.range?.[0] ?? nearby;
    if (++this.#nodes > MAX_NODES) {
      throw new BoundExceeded(at, 'aliases make this file too large', 'write the values out instead');
    }
    if (depth > MAX_DEPTH) throw new BoundExceeded(at, TOO_DEEP, TOO_DEEP_HINT);
    if (isAlias(node)) return this.build(this.#resolveAlias(node.source, at), depth + 1, at);
    // An anchor hides an earlier one of the same name, as YAML says. Anchors are collected here because the library
    // resolves an alias by a walk through the whole file.
    const { anchor } = (node ?? {}) as { anchor?: string };
    if (anchor !== undefined && node) this.#anchors.set(anchor, node);
    if (isMap(node)) return this.#buildMap(node.items as { key: Node | null; value: Node | null }[], depth, at);
    if (isSeq(node)) {
      return { kind: 'list', at, items: node.items.map((item) => this.build(item as Node, depth + 1, at)) };
    }
    if (isScalar(node)) return this.#buildScalar(node, at);
    return { kind: 'null', at };
  }

  #buildMap(pairs: readonly { key: Node | null; value: Node | null }[], depth: number, mapAt: number): Tree {
    const entries = new Map<string, Entry>();
    for (const pair of pairs) {
      const at = pair.key?.range?.[0] ?? mapAt;
      const key = isAlias(pair.key) ? this.#resolveAlias(pair.key.source, at) : pair.key;
      if (!isScalar(key) || key.value === null) {
        this.#report(at, 'a key must be a name', 'name: value');
        continue;
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
      if (name === '__proto__') this.#report(at, 'a key cannot be called "__proto__"', 'choose another name');
      else if (entries.has(name)) this.#report(at, `${JSON.stringify(name)} appears twice`, 'remove or rename one');
      else {
        const odd = findInvisible(name);
        if (odd) this.#report(at + odd.index, `the key ${JSON.stringify(name.slice(0, 60))} has ${odd.name}`, odd.hint);
        const clean = odd ? removeInvisible(name) : name;
        entries.set(clean, { key: clean, at, value: this.build(pair.value, depth + 1, key.range?.[1] ?? at) });
      }
    }
    return { kind: 'map', at: mapAt, entries: [...entries.values()] };
  }

  #resolveAlias(name: string, at: number): Node | undefined {
    const target = this.#anchors.get(name);
    if (!target) this.#report(at, `there is no anchor &${name.slice(0, 60)} before this`, getSyntaxHint('BAD_ALIAS'));
    return target;
  }

  #buildScalar(node: Scalar, at: number): Tree {
    const { value } = node;
    const written = node.source ?? String(value);
    if (typeof value === 'boolean') return { kind: 'boolean', at, value, source: written };
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) this.#report(at, `${written} is not a finite number`);
      return { kind: 'number', at, value: Number.isFinite(value) ? value : 0, source: written };
    }
    if (typeof value !== 'string') return { kind: 'null', at };
    const source = this.#source;
    const end = node.range?.[1] ?? at;
    return {
      kind: 'text',
      at,
      text: value,
      offsetOf: (index) => findSourceOffset(source, at, end, value, index, node.type),
      cutByComment: node.type === Scalar.PLAIN && /^[ \t]+#/.test(source.slice(end, end + 80)),
    };
  }
}
