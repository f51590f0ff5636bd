import { findNearest } from '../lib/text/did-you-mean.ts';
import { findInvisible } from '../lib/text/invisible-characters.ts';
import type { Json, JsonObject } from '../model/event.ts';
import { isBlankText } from './blank.ts';
import { checkDateFormat } from './date-format.ts';
import { ASSET_BASE_URL, HELPERS, isTruthy, toAssetUrl, toText, type Value } from './helpers.ts';
import { escapeAt } from './html-escape.ts';
import { HtmlReader } from './html-place.ts';
import { MAX_EACH_ITEMS, MAX_EACH_NESTING, MAX_NESTING, MAX_OUTPUT_CHARS } from './limits.ts';
import { type PartProblem, parseSource } from './parse.ts';
import {
  type Block,
  consumeSteps,
  type Expression,
  getAncestorScope,
  getPath,
  RenderLimit,
  startRun,
  writeOutput,
  writeText,
} from './run.ts';

/*
 * Compiles the Handlebars tree of a template part to closures that count steps and read own properties only. Handlebars
 * provides the grammar; its own compiler generates JavaScript source without bounds on time or output.
 */

/** Root names available to a template. */
export const ROOTS = [
  'event',
  'traits',
  'user',
  'context',
  'tenant',
  'notification',
  'data',
  'matched',
  'items',
  'total',
] as const;

/** Path from the root of the data; a number stands for any item: `['items', 0, 'event']` within `{{#each items}}`. */
export type FieldPath = readonly (string | number)[];

/** A field that a part names in output, in a condition or as an argument. */
export interface NamedField {
  readonly path: FieldPath;
  /** Number of trailing steps written at this place; the steps before them come from enclosing blocks. */
  readonly written: number;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/**
 * Renders a part. Throws `RenderLimit` if the output is too long, rendering takes too many steps, or a `required` value is
 * missing.
 */
export type Part = (data: JsonObject) => string;

/** Facts about the place of a source. */
export interface CompileOptions {
  readonly html: boolean;
  readonly locale: string;
  /** Variables of the top level beside ROOTS: `{{orderNumber}}`. */
  readonly variables?: ReadonlySet<string> | undefined;
  /** The source has not been put together with its partials: they are passed over. */
  readonly isOpen?: boolean;
}

/**
 * Compiles a part. Returns the part and the fields it names in order of position, or every problem of the source. Never
 * throws.
 */
export function compilePart(
  source: string,
  how: CompileOptions,
):
  | { readonly part: Part; readonly fields: readonly NamedField[]; readonly wholes: readonly FieldPath[] }
  | { readonly problems: readonly PartProblem[] } {
  const parsed = parseSource(source);
  if ('problem' in parsed) return { problems: [parsed.problem] };
  const compiler = new Compiler(how);
  let body: Block;
  try {
    body = compiler.program(parsed.tree, 0);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { problems: [{ message: 'expressions are nested too deeply', line: 1, column: 1 }] };
  }
  if (compiler.problems.length > 0) return { problems: compiler.problems };
  return {
    fields: compiler.fields,
    wholes: compiler.wholes,
    part: (data) => {
      const run = startRun(data, how.html ? new HtmlReader() : undefined, compiler.slots);
      body(run, { value: data, up: undefined, key: undefined, index: undefined, last: undefined });
      return run.out;
    },
  };
}

/**
 * Compiles one value of a structured part. A value that is exactly one `{{…}}` is what the expression gives, of any type,
 * undefined if it is missing; any other value is a text. Throws `RenderLimit` as a part does. Never throws itself.
 */
export function compileValue(
  source: string,
  options: Omit<CompileOptions, 'html'>,
):
  | {
      readonly value: (data: JsonObject) => Value;
      readonly fields: readonly NamedField[];
      readonly wholes: readonly FieldPath[];
    }
  | { readonly problems: readonly PartProblem[] } {
  const parsed = parseSource(source);
  if ('problem' in parsed) return { problems: [parsed.problem] };
  const [only, ...others] = parsed.tree.body;
  const isOne = only?.type === 'MustacheStatement' && others.length === 0;
  if (!isOne) {
    const text = compilePart(source, { ...options, html: false });
    return 'problems' in text ? text : { value: text.part, fields: text.fields, wholes: text.wholes };
  }
  const compiler = new Compiler({ ...options, html: false });
  const expression = compiler.value(only as hbs.AST.MustacheStatement);
  if (compiler.problems.length > 0) return { problems: compiler.problems };
  return {
    fields: compiler.fields,
    wholes: compiler.wholes,
    value: (data) => {
      const run = startRun(data, undefined, compiler.slots);
      return expression(run, { value: data, up: undefined, key: undefined, index: undefined, last: undefined });
    },
  };
}

/** A scope at compile time: the block that opens it, the names from `as |item index|`, and the path of its value. */
interface Level {
  readonly kind: 'root' | 'each' | 'with';
  readonly names: readonly string[];
  /** Absent for the result of a helper. */
  readonly path?: FieldPath | undefined;
}

/** A name that `{{#let}}` gives to a value. */
interface LetName {
  readonly name: string;
  readonly slot: number;
  /** Number of scopes around it. */
  readonly levels: number;
  readonly path: FieldPath | undefined;
}

const BLOCK_NAMES = ['if', 'unless', 'each', 'with', 'let'];
const LOOP_VARIABLES = ['index', 'key', 'first', 'last'];
const EMPTY_EXPRESSION: Expression = () => undefined;

class Compiler {
  readonly problems: PartProblem[] = [];
  readonly fields: NamedField[] = [];
  /** Paths of values that are used as a whole or by a computed name, such as `this`. */
  readonly wholes: FieldPath[] = [];
  readonly #html: boolean;
  readonly #locale: string;
  readonly #variables: ReadonlySet<string> | undefined;
  readonly #isOpen: boolean;
  readonly #levels: Level[] = [{ kind: 'root', names: [], path: [] }];
  readonly #paths = new Map<hbs.AST.Node, FieldPath>();
  /** Names of the blocks around a place, the innermost last. */
  #names: readonly LetName[] = [];
  /** Number of values of all `{{#let}}`. */
  slots = 0;

  constructor({ html, locale, variables, isOpen = false }: CompileOptions) {
    this.#html = html;
    this.#locale = locale;
    this.#variables = variables;
    this.#isOpen = isOpen;
  }

  program(program: hbs.AST.Program | undefined, depth: number): Block {
    const blocks = (program?.body ?? []).map((statement) => this.#statement(statement, depth));
    return (run, scope) => {
      for (const block of blocks) block(run, scope);
    };
  }

  #statement(node: hbs.AST.Statement, depth: number): Block {
    switch (node.type) {
      case 'ContentStatement': {
        const text = (node as hbs.AST.ContentStatement).value;
        return (run) => writeOutput(run, text);
      }
      case 'MustacheStatement':
        return this.#mustache(node as hbs.AST.MustacheStatement);
      case 'BlockStatement':
        return this.#block(node as hbs.AST.BlockStatement, depth + 1);
      case 'CommentStatement':
        return () => {};
      case 'PartialStatement':
      case 'PartialBlockStatement':
        if (!this.#isOpen) {
          this.#problem(node, 'partials (`{{> name}}`) are not available here', 'write the text out here');
        }
        return () => {};
      default:
        this.#problem(node, 'decorators (`{{* name}}`) are not available');
        return () => {};
    }
  }

  value(node: hbs.AST.MustacheStatement): Expression {
    return this.#call(node);
  }

  #mustache(node: hbs.AST.MustacheStatement): Block {
    const value = this.#call(node);
    if (!this.#html) return (run, scope) => writeText(run, value(run, scope));
    if (!node.escaped) {
      this.#problem(node, 'unescaped output (`{{{…}}}`) is not available in HTML', 'write `{{…}}` with two braces');
    }
    const isUrl = node.path.type === 'PathExpression' && (node.path as hbs.AST.PathExpression).original === 'url';
    // Alone it is a variable of that name.
    const isEncoded = isUrl && node.params.length > 0;
    return (run, scope) => {
      const place = run.html?.place ?? { kind: 'text' };
      // The start and the end of an attribute or a style sheet are read once for each value in it.
      consumeSteps(run, 1 + (('recent' in place ? place.recent.length : 0) >> 6));
      const text = toText(value(run, scope));
      // Checked before escaping, which may lengthen the text nine times.
      if (run.out.length + text.length > MAX_OUTPUT_CHARS) writeOutput(run, text);
      writeOutput(run, escapeAt(place, text, isEncoded));
    };
  }

  #block(node: hbs.AST.BlockStatement, depth: number): Block {
    const name = node.path.original;
    if (depth > MAX_NESTING) {
      this.#problem(node, `blocks are nested more than ${MAX_NESTING} deep`);
      return () => {};
    }
    if (!BLOCK_NAMES.includes(name)) {
      const meant = findNearest(name, BLOCK_NAMES);
      const hint = meant ? `did you mean \`{{#${meant}}}\`?` : `write \`{{#if ${name}}}\` or \`{{#each ${name}}}\``;
      this.#problem(node, `there is no block \`{{#${name}}}\``, hint);
      return () => {};
    }
    if (name === 'let') return this.#let(node, depth);
    if (node.params.length !== 1 || node.hash !== undefined) {
      this.#problem(node, `\`{{#${name}}}\` takes one value`, `like \`{{#${name} event.name}}\``);
      return () => {};
    }
    const subject = this.#expression(node.params[0]!, 0);
    if (name === 'each') return this.#each(node, subject, depth);
    if (name === 'with') return this.#with(node, subject, depth);
    return this.#branch(node, subject, depth, name === 'unless');
  }

  #let(node: hbs.AST.BlockStatement, depth: number): Block {
    const pairs = node.hash?.pairs ?? [];
    if (node.params.length > 0 || pairs.length === 0 || node.inverse !== undefined || node.program?.blockParams) {
      this.#problem(node, '`{{#let}}` gives names to values', 'like `{{#let url=event.url}}…{{/let}}`');
      return () => {};
    }
    const values = pairs.map(({ value }) => this.#expression(value, 0));
    const first = this.slots;
    this.slots += pairs.length;
    const outer = this.#names;
    const levels = this.#levels.length;
    this.#names = [
      ...outer,
      ...pairs.map(({ key: name, value }, index) => ({
        name,
        slot: first + index,
        levels,
        path: this.#paths.get(value),
      })),
    ];
    const body = this.program(node.program, depth);
    this.#names = outer;
    return (run, scope) => {
      consumeSteps(run, 1);
      for (const [index, value] of values.entries()) run.slots[first + index] = value(run, scope);
      body(run, scope);
    };
  }

  #branch(node: hbs.AST.BlockStatement, condition: Expression, depth: number, negate: boolean): Block {
    const [yes, no] = this.#bodies(node, depth, undefined);
    return (run, scope) => {
      consumeSteps(run, 1);
      (isTruthy(condition(run, scope)) === negate ? no : yes)(run, scope);
    };
  }

  #with(node: hbs.AST.BlockStatement, subject: Expression, depth: number): Block {
    const [body, otherwise] = this.#bodies(node, depth, 'with');
    return (run, scope) => {
      consumeSteps(run, 1);
      const value = subject(run, scope);
      // As in Handlebars, zero is a value and an empty list is not.
      if (value !== 0 && !isTruthy(value)) return otherwise(run, scope);
      body(run, { value, up: scope, key: undefined, index: undefined, last: undefined });
    };
  }

  #each(node: hbs.AST.BlockStatement, subject: Expression, depth: number): Block {
    if (this.#levels.filter((level) => level.kind === 'each').length >= MAX_EACH_NESTING) {
      this.#problem(node, `\`{{#each}}\` is nested more than ${MAX_EACH_NESTING} deep`);
      return () => {};
    }
    const [body, otherwise] = this.#bodies(node, depth, 'each');
    const named = toSource(node.params[0]);
    return (run, scope) => {
      consumeSteps(run, 1);
      const items = subject(run, scope);
      if (typeof items !== 'object' || items === null) return otherwise(run, scope);
      const keys: readonly (string | number)[] = Array.isArray(items) ? [...items.keys()] : Object.keys(items);
      if (keys.length > MAX_EACH_ITEMS) {
        throw new RenderLimit(`${named} has ${keys.length} items, and {{#each}} goes over at most ${MAX_EACH_ITEMS}`);
      }
      if (keys.length === 0) return otherwise(run, scope);
      for (const [index, key] of keys.entries()) {
        consumeSteps(run, 1);
        const value = (items as { [key: string | number]: Json })[key];
        body(run, { value, up: scope, key, index, last: index === keys.length - 1 });
      }
    };
  }

  #bodies(node: hbs.AST.BlockStatement, depth: number, opens: 'each' | 'with' | undefined): [Block, Block] {
    const names = node.program?.blockParams ?? [];
    if (opens === undefined && names.length > 0)
      this.#problem(node, '`as |name|` belongs to `{{#each}}` and `{{#with}}`');
    if (opens !== undefined && names.length > 2)
      this.#problem(node, `\`{{#${opens}}}\` gives at most two names, not ${names.length}`, 'like `as |item index|`');
    const path = this.#paths.get(node.params[0]!);
    if (opens !== undefined)
      this.#levels.push({ kind: opens, names, path: opens === 'each' && path ? [...path, 0] : path });
    const body = this.program(node.program, depth);
    if (opens !== undefined) this.#levels.pop();
    return [body, this.program(node.inverse, depth)];
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Expressions

  #expression(node: hbs.AST.Expression, depth: number): Expression {
    switch (node.type) {
      case 'PathExpression':
        return this.#path(node as hbs.AST.PathExpression);
      case 'SubExpression':
        if (depth >= MAX_NESTING) {
          this.#problem(node, `expressions are nested more than ${MAX_NESTING} deep`);
          return EMPTY_EXPRESSION;
        }
        return this.#call(node as hbs.AST.SubExpression, depth + 1);
      case 'StringLiteral':
      case 'NumberLiteral':
      case 'BooleanLiteral': {
        const value = (node as hbs.AST.StringLiteral).value;
        return () => value;
      }
      case 'NullLiteral':
        return () => null;
      default:
        return EMPTY_EXPRESSION;
    }
  }

  /** `{{path}}`, `{{helper value …}}` or `(helper value …)`. */
  #call(node: hbs.AST.MustacheStatement | hbs.AST.SubExpression, depth = 0): Expression {
    if (node.path.type !== 'PathExpression') {
      this.#problem(node, 'a name is needed here', 'text and numbers are written without braces');
      return EMPTY_EXPRESSION;
    }
    const path = node.path as hbs.AST.PathExpression;
    const name = path.original;
    const bare = node.params.length === 0 && node.hash === undefined;
    // A declared variable may have the name of a helper, such as `date`: alone it is the variable.
    const isDeclared = this.#levels.length === 1 && (this.#variables?.has(name) ?? false);
    const isVariable = bare && (isDeclared || this.#findName(name) !== undefined);
    const helper = !isVariable && Object.hasOwn(HELPERS, name) ? HELPERS[name] : undefined;
    if (helper === undefined) {
      if (bare && node.type === 'MustacheStatement') return this.#path(path);
      const meant = findNearest(name, Object.keys(HELPERS));
      const hint = meant ? `did you mean \`${meant}\`?` : `there are ${Object.keys(HELPERS).join(', ')}`;
      this.#problem(node, `there is no helper \`${name}\``, hint);
      return EMPTY_EXPRESSION;
    }
    if (node.params.length < helper.min || node.params.length > helper.max) {
      const field = bare && this.#levels.length > 1 ? `; a field of that name is \`this.${name}\`` : '';
      this.#problem(node, `\`${name}\` is not called like this`, `like \`${helper.usage}\`${field}`);
      return EMPTY_EXPRESSION;
    }
    const options: [string, Expression][] = [];
    for (const pair of node.hash?.pairs ?? []) {
      if (helper.options.includes(pair.key)) {
        options.push([pair.key, this.#expression(pair.value, depth)]);
      } else {
        const meant = findNearest(pair.key, helper.options);
        const there = helper.options.length === 0 ? 'it takes none' : `there are ${helper.options.join(', ')}`;
        this.#problem(pair, `\`${name}\` has no option \`${pair.key}\``, meant ? `did you mean \`${meant}\`?` : there);
      }
    }
    this.#checkLiterals(name, node);
    const args = node.params.map((param) => this.#expression(param, depth));
    const lookedUp = name === 'lookup' ? this.#paths.get(node.params[0]!) : undefined;
    if (lookedUp) this.wholes.push([...lookedUp, 0]);
    if (name === 'required') {
      const path = this.#paths.get(node.params[0]!);
      if (path) this.#paths.set(node, path);
      return this.#required(toRequiredName(node), args[0]!);
    }
    if (name === 'asset') return this.#asset(args[0]!);
    const locale = this.#locale;
    return (run, scope) => {
      const values = args.map((arg) => arg(run, scope));
      // A helper reads its texts to the end, so a long text consumes steps.
      for (const value of values) consumeSteps(run, typeof value === 'string' ? 1 + (value.length >> 6) : 1);
      const given: { [name: string]: Value } = {};
      for (const [key, value] of options) given[key] = value(run, scope);
      return helper.call(values, given, locale);
    };
  }

  /** Checks the format of a date if it is written out, and that `plural` has a text for every number. */
  #checkLiterals(name: string, node: hbs.AST.MustacheStatement | hbs.AST.SubExpression): void {
    if (name === 'plural' && !node.hash?.pairs.some(({ key }) => key === 'other')) {
      this.#problem(node, '`plural` has no `other`, which is the text of most numbers', HELPERS.plural!.usage);
    }
    const format = name === 'date' ? node.params[1] : undefined;
    const problem = format?.type === 'StringLiteral' && checkDateFormat((format as hbs.AST.StringLiteral).value);
    if (problem) this.#problem(format, problem.message, problem.hint);
  }

  #required(named: string, value: Expression): Expression {
    return (run, scope) => {
      consumeSteps(run, 1);
      const found = value(run, scope);
      if (found === undefined || found === null || (typeof found === 'string' && isBlankText(found))) {
        throw new RenderLimit(`${named} is missing`);
      }
      return found;
    };
  }

  /** The URL of a file of the tenant. */
  #asset(name: Expression): Expression {
    const path = ['tenant', ASSET_BASE_URL];
    this.wholes.push(path);
    return (run, scope) => {
      consumeSteps(run, 1);
      const base = toText(getPath(run.root, path, run));
      if (base === '') throw new RenderLimit(`the tenant has no ${ASSET_BASE_URL}, which {{asset}} needs`);
      return toAssetUrl(base, toText(name(run, scope)));
    };
  }

  #path(path: hbs.AST.PathExpression): Expression {
    const odd = path.original.includes('[') ? undefined : findInvisible(path.original);
    if (odd) {
      this.#problem(path, `\`${path.original}\` has ${odd.name}`, odd.hint);
      return EMPTY_EXPRESSION;
    }
    if (path.data) return this.#loopData(path);
    const names = path.parts;
    const scoped = /^(?:\.|this\b)/.test(path.original);
    const named = scoped ? undefined : this.#blockParam(names[0]);
    const given = scoped ? undefined : this.#findName(names[0]);
    if (given && (named === undefined || given.levels > this.#levels.length - 1 - named.up)) {
      return this.#given(path, given, names.slice(1));
    }
    if (named !== undefined) {
      const rest = names.slice(1);
      const { up, position } = named;
      if (position === 0) this.#note(path, up, rest);
      return (run, scope) => {
        const at = getAncestorScope(scope, up);
        return getPath(position === 0 ? at.value : at.key, rest, run);
      };
    }
    if (path.depth >= this.#levels.length) {
      this.#problem(
        path,
        `\`${path.original}\` goes above the top`,
        'there is one `../` for each `{{#each}}` and `{{#with}}`',
      );
      return EMPTY_EXPRESSION;
    }
    if (path.depth === this.#levels.length - 1) this.#checkRoot(path, names[0]);
    const up = path.depth;
    this.#note(path, up, names);
    return (run, scope) => getPath(getAncestorScope(scope, up).value, names, run);
  }

  #given(node: hbs.AST.PathExpression, { slot, path: from }: LetName, rest: readonly string[]): Expression {
    if (from) {
      const path = [...from, ...rest];
      this.#paths.set(node, path);
      const { line, column } = node.loc.start;
      // The value itself was noted where it is given.
      if (rest.length > 0) this.fields.push({ path, written: rest.length, line, column: column + 1 });
    }
    return (run) => getPath(run.slots[slot], rest, run);
  }

  #findName(name: string | undefined): LetName | undefined {
    return this.#names.findLast((one) => one.name === name);
  }

  /** Resolves a path as far as it is known at compile time. */
  #note(node: hbs.AST.PathExpression, up: number, names: readonly string[]): void {
    const from = this.#levels[this.#levels.length - 1 - up]?.path;
    if (from === undefined) return;
    const path = [...from, ...names];
    this.#paths.set(node, path);
    const { line, column } = node.loc.start;
    if (names.length > 0) this.fields.push({ path, written: names.length, line, column: column + 1 });
    else this.wholes.push(path);
  }

  /** Names from `as |value key|`, innermost first. */
  #blockParam(name: string | undefined): { up: number; position: number } | undefined {
    for (let up = 0; up < this.#levels.length; up += 1) {
      const position = this.#levels[this.#levels.length - 1 - up]!.names.indexOf(name ?? '');
      if (position === 0 || position === 1) return { up, position };
    }
    return undefined;
  }

  #loopData(path: hbs.AST.PathExpression): Expression {
    const [name = '', ...rest] = path.parts;
    if (name === 'root') {
      this.#checkRoot(path, rest[0]);
      this.#note(path, this.#levels.length - 1, rest);
      return (run) => getPath(run.root, rest, run);
    }
    if (!LOOP_VARIABLES.includes(name) || rest.length > 0) {
      const meant = findNearest(name, LOOP_VARIABLES);
      this.#problem(
        path,
        `there is no \`${path.original}\``,
        meant ? `did you mean \`@${meant}\`?` : 'there are @index, @key, @first, @last',
      );
      return EMPTY_EXPRESSION;
    }
    let loops = path.depth;
    for (let up = 0; up < this.#levels.length; up += 1) {
      if (this.#levels[this.#levels.length - 1 - up]!.kind !== 'each' || loops-- > 0) continue;
      return (_run, scope) => {
        const at = getAncestorScope(scope, up);
        if (name === 'index') return at.index;
        if (name === 'key') return at.key;
        return name === 'first' ? at.index === 0 : at.last;
      };
    }
    this.#problem(path, `\`${path.original}\` stands outside \`{{#each}}\``);
    return EMPTY_EXPRESSION;
  }

  /** Checks that a path starts with a root: any other name is an error that would always render empty. */
  #checkRoot(path: hbs.AST.PathExpression, name: string | undefined): void {
    if (name === undefined || ROOTS.includes(name as (typeof ROOTS)[number]) || this.#variables?.has(name)) return;
    const meant = findNearest(name, [...ROOTS, ...(this.#variables ?? [])]);
    const rest = path.parts.slice(path.data ? 2 : 1);
    const hint = `did you mean \`${meant ? [meant, ...rest].join('.') : ['event', name, ...rest].join('.')}\`?`;
    this.#problem(path, `there is no \`${name}\` here: names start with ${ROOTS.join(', ')}`, hint);
  }

  #problem(node: hbs.AST.Node, message: string, hint?: string): void {
    if (this.problems.length >= 20) return;
    const { line, column } = node.loc.start;
    this.problems.push({ message, ...(hint === undefined ? {} : { hint }), line, column: column + 1 });
  }
}

/** Returns what a missing value is called: by the option `name`, or as it is written. */
function toRequiredName({ params, hash }: Pick<hbs.AST.MustacheStatement, 'params' | 'hash'>): string {
  const name = hash?.pairs.find(({ key }) => key === 'name')?.value;
  return name?.type === 'StringLiteral' ? (name as hbs.AST.StringLiteral).value : toSource(params[0]);
}

function toSource(node: hbs.AST.Expression | undefined): string {
  return node?.type === 'PathExpression' ? (node as hbs.AST.PathExpression).original : 'the value';
}
