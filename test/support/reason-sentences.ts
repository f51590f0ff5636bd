import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';

/** A node of a syntax tree, of any of its hundred types. */
interface Node {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: which fields a node has follows from its type, which is a string here.
  readonly [field: string]: any;
}

/** A value of a name, and the function in which the name has it. */
interface Value {
  readonly node: Node;
  readonly within: Node;
}

interface SourceFile {
  readonly path: string;
  readonly reasons: Node[];
  /** Initial values of constants, and arguments that parameters get, by name. */
  readonly values: Map<string, Value[]>;
  /** Expressions that a function returns, by its name. */
  readonly returns: Map<string, Node[]>;
}

/** The declarations of its own file, in which an expression is looked up, then those of all. */
type Files = readonly Pick<SourceFile, 'values' | 'returns'>[];

const SOURCE = join(import.meta.dirname, '../../src');
/** Folders that say why a message was not sent. */
const FOLDERS = ['accounts', 'channels', 'delivery', 'http-out', 'webhooks'];
/** Functions within functions that are looked into. */
const MAX_DEPTH = 6;
/** Stands for a value; for one that is a reason itself, a reason that has a text. */
const VALUE = '500';
const REASON = 'the provider did not respond in time';
const OF_REASON = /^(reason|meaning|cause|message)$/;

/**
 * Returns the reasons that the source can give for a message that was not sent, each with its file: literals, and templates with
 * {@link VALUE} in the place of what is known at run time. What a check of an account says is left out.
 */
export function listReasonSentences(): { readonly path: string; readonly words: string }[] {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(SOURCE, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFile(`${folder}/${name.replaceAll('\\', '/')}`)),
  );
  const all: Files[number] = { values: new Map(), returns: new Map() };
  for (const file of files) {
    for (const [name, values] of file.values) if (/^[A-Z_]+$/.test(name)) append(all.values, name, ...values);
    for (const [name, nodes] of file.returns) append(all.returns, name, ...nodes);
  }
  const found = new Map<string, string>();
  for (const file of files) {
    for (const node of file.reasons) {
      for (const words of toWords(node, [file, all], 0)) if (/\w \w/.test(words)) found.set(words, file.path);
    }
  }
  return [...found].map(([words, path]) => ({ path, words }));
}

function readFile(path: string): SourceFile {
  const { program, errors } = parseSync(path, readFileSync(join(SOURCE, path), 'utf8'));
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const file: SourceFile = { path, reasons: [], values: new Map(), returns: new Map() };
  const functions = new Map<string, Node>();
  const calls: Node[] = [];
  visit(program, program, (node, within) => {
    if (node.type === 'Property' && /^(reason|meaning)$/.test(node.key.name)) file.reasons.push(node.value);
    else if (node.type === 'NewExpression' && node.callee.name === 'RequestFailure')
      file.reasons.push(node.arguments[0]);
    else if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.init) {
      append(file.values, node.id.name, { node: node.init, within });
      if (node.init.type === 'ArrowFunctionExpression') functions.set(node.id.name, node.init);
    } else if (node.type === 'FunctionDeclaration') functions.set(node.id.name, node);
    else if (node.type === 'MethodDefinition') functions.set(node.key.name, node.value);
    else if (node.type === 'CallExpression') calls.push(node);
  });
  for (const [name, { body }] of functions) {
    if (body.type !== 'BlockStatement') append(file.returns, name, body);
    else
      visit(
        body,
        body,
        ({ type, argument }) => type === 'ReturnStatement' && argument && append(file.returns, name, argument),
      );
  }
  for (const { callee, arguments: given } of calls) {
    const called = functions.get(callee.name);
    for (const [index, { name }] of (called?.params ?? []).entries()) {
      if (called && name && given[index]) append(file.values, name, { node: given[index], within: called });
    }
  }
  return file;
}

/** Visits a node and all in it, each with the function around it; but no checks of accounts, which fail no message. */
function visit(node: unknown, within: Node, each: (node: Node, within: Node) => void): void {
  if (node === null || typeof node !== 'object') return;
  if (Array.isArray(node)) {
    for (const one of node) visit(one, within, each);
    return;
  }
  const one = node as Node;
  if (one.type === 'ObjectExpression' && one.properties.some(({ key }: Node) => key?.name === 'ok')) return;
  if (typeof one.type === 'string') each(one, within);
  const inner = /Function/.test(one.type) ? one : within;
  for (const value of Object.values(one)) visit(value, inner, each);
}

/** Returns what an expression may say; an empty list: it is no text. */
function toWords(node: Node, files: Files, depth: number): string[] {
  if (depth > MAX_DEPTH) return [];
  const next = (one: Node) => toWords(one, files, depth + 1);
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [node.value] : [];
    case 'TemplateLiteral':
      return toTemplateWords(node, next);
    case 'ConditionalExpression':
      return [...next(node.consequent), ...next(node.alternate)];
    case 'LogicalExpression':
      return [...next(node.left), ...next(node.right)];
    case 'TSAsExpression':
      return next(node.expression);
    case 'Identifier':
      return findValues(node, files).flatMap(next);
    case 'CallExpression': {
      const { name = node.callee.property?.name } = node.callee;
      return (files.map(({ returns }) => returns.get(name) ?? []).find((found) => found.length > 0) ?? []).flatMap(
        next,
      );
    }
    default:
      return [];
  }
}

/** Returns the values of a name in the innermost function around it that gives it some. */
function findValues({ name, start, end }: Node, [own, all]: Files): Node[] {
  const known = (own?.values.get(name) ?? []).filter(({ within }) => within.start <= start && end <= within.end);
  const sizes = known.map(({ within }) => within.end - within.start);
  const found = known.filter((_, index) => sizes[index] === Math.min(...sizes));
  return (found.length > 0 ? found : (all?.values.get(name) ?? [])).map(({ node }) => node);
}

function toTemplateWords({ quasis, expressions }: Node, next: (node: Node) => string[]): string[] {
  let all: string[] = [quasis[0].value.cooked];
  for (const [index, expression] of expressions.entries()) {
    const name = expression.property?.name ?? expression.name ?? '';
    const found = [...new Set(next(expression))].filter((words) => words === '' || /[ (]/.test(words));
    const values = OF_REASON.test(name) ? [REASON] : found.length > 0 ? found : [VALUE];
    all = all.flatMap((start) => values.map((value) => `${start}${value}${quasis[index + 1].value.cooked}`));
  }
  return all;
}

function append<T>(map: Map<string, T[]>, name: string, ...more: T[]): void {
  map.set(name, [...(map.get(name) ?? []), ...more]);
}
