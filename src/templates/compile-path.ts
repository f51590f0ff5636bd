import { findNearest } from '../lib/text/did-you-mean.ts';
import { findInvisible } from '../lib/text/invisible-characters.ts';
import type { PartProblem } from './parse.ts';
import { type Expression, getAncestorScope, getPath } from './run.ts';

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

/** Facts about the place of a source. */
export interface CompileOptions {
  readonly html: boolean;
  readonly locale: string;
  /** Variables of the top level beside ROOTS: `{{orderNumber}}`. */
  readonly variables?: ReadonlySet<string> | undefined;
  /** The source has not been put together with its partials: they are passed over. */
  readonly isOpen?: boolean;
}

/** A scope at compile time: the block that opens it, the names from `as |item index|`, and the path of its value. */
export interface Level {
  readonly kind: 'root' | 'each' | 'with';
  readonly names: readonly string[];
  /** Absent for the result of a helper. */
  readonly path?: FieldPath | undefined;
}

/** A name that `{{#let}}` gives to a value. */
export interface LetName {
  readonly name: string;
  readonly slot: number;
  /** Number of scopes around it. */
  readonly levels: number;
  readonly path: FieldPath | undefined;
}

const LOOP_VARIABLES = ['index', 'key', 'first', 'last'];
export const EMPTY_EXPRESSION: Expression = () => undefined;

/** Compiles the paths of a part, and gathers what it names and what is wrong with it. Blocks open and close the scopes around them. */
export class PathCompiler {
  readonly problems: PartProblem[] = [];
  readonly fields: NamedField[] = [];
  /** Paths of values that are used as a whole or by a computed name, such as `this`. */
  readonly wholes: FieldPath[] = [];
  readonly variables: ReadonlySet<string> | undefined;
  readonly levels: Level[] = [{ kind: 'root', names: [], path: [] }];
  /** Paths of expressions, as far as they are known. */
  readonly known = new Map<hbs.AST.Node, FieldPath>();
  /** Names of the blocks around a place, the innermost last. */
  names: readonly LetName[] = [];

  constructor(variables: ReadonlySet<string> | undefined) {
    this.variables = variables;
  }

  compile(path: hbs.AST.PathExpression): Expression {
    const odd = path.original.includes('[') ? undefined : findInvisible(path.original);
    if (odd) {
      this.report(path, `\`${path.original}\` has ${odd.name}`, odd.hint);
      return EMPTY_EXPRESSION;
    }
    if (path.data) return this.#loopData(path);
    const names = path.parts;
    const scoped = /^(?:\.|this\b)/.test(path.original);
    const named = scoped ? undefined : this.#blockParam(names[0]);
    const given = scoped ? undefined : this.findName(names[0]);
    if (given && (named === undefined || given.levels > this.levels.length - 1 - named.up)) {
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
    if (path.depth >= this.levels.length) {
      this.report(
        path,
        `\`${path.original}\` goes above the top`,
        'there is one `../` for each `{{#each}}` and `{{#with}}`',
      );
      return EMPTY_EXPRESSION;
    }
    if (path.depth === this.levels.length - 1) this.#checkRoot(path, names[0]);
    const up = path.depth;
    this.#note(path, up, names);
    return (run, scope) => getPath(getAncestorScope(scope, up).value, names, run);
  }

  #given(node: hbs.AST.PathExpression, { slot, path: from }: LetName, rest: readonly string[]): Expression {
    if (from) {
      const path = [...from, ...rest];
      this.known.set(node, path);
      const { line, column } = node.loc.start;
      // The value itself was noted where it is given.
      if (rest.length > 0) this.fields.push({ path, written: rest.length, line, column: column + 1 });
    }
    return (run) => getPath(run.slots[slot], rest, run);
  }

  findName(name: string | undefined): LetName | undefined {
    return this.names.findLast((one) => one.name === name);
  }

  /** Resolves a path as far as it is known at compile time. */
  #note(node: hbs.AST.PathExpression, up: number, names: readonly string[]): void {
    const from = this.levels[this.levels.length - 1 - up]?.path;
    if (from === undefined) return;
    const path = [...from, ...names];
    this.known.set(node, path);
    const { line, column } = node.loc.start;
    if (names.length > 0) this.fields.push({ path, written: names.length, line, column: column + 1 });
    else this.wholes.push(path);
  }

  /** Names from `as |value key|`, innermost first. */
  #blockParam(name: string | undefined): { up: number; position: number } | undefined {
    for (let up = 0; up < this.levels.length; up += 1) {
      const position = this.levels[this.levels.length - 1 - up]!.names.indexOf(name ?? '');
      if (position === 0 || position === 1) return { up, position };
    }
    return undefined;
  }

  #loopData(path: hbs.AST.PathExpression): Expression {
    const [name = '', ...rest] = path.parts;
    if (name === 'root') {
      this.#checkRoot(path, rest[0]);
      this.#note(path, this.levels.length - 1, rest);
      return (run) => getPath(run.root, rest, run);
    }
    if (!LOOP_VARIABLES.includes(name) || rest.length > 0) {
      const meant = findNearest(name, LOOP_VARIABLES);
      this.report(
        path,
        `there is no \`${path.original}\``,
        meant ? `did you mean \`@${meant}\`?` : 'there are @index, @key, @first, @last',
      );
      return EMPTY_EXPRESSION;
    }
    let loops = path.depth;
    for (let up = 0; up < this.levels.length; up += 1) {
      if (this.levels[this.levels.length - 1 - up]!.kind !== 'each' || loops-- > 0) continue;
      return (_run, scope) => {
        const at = getAncestorScope(scope, up);
        if (name === 'index') return at.index;
        if (name === 'key') return at.key;
        return name === 'first' ? at.index === 0 : at.last;
      };
    }
    this.report(path, `\`${path.original}\` stands outside \`{{#each}}\``);
    return EMPTY_EXPRESSION;
  }

  /** Checks that a path starts with a root: any other name is an error that would always render empty. */
  #checkRoot(path: hbs.AST.PathExpression, name: string | undefined): void {
    if (name === undefined || ROOTS.includes(name as (typeof ROOTS)[number]) || this.variables?.has(name)) return;
    const meant = findNearest(name, [...ROOTS, ...(this.variables ?? [])]);
    const rest = path.parts.slice(path.data ? 2 : 1);
    const hint = `did you mean \`${meant ? [meant, ...rest].join('.') : ['event', name, ...rest].join('.')}\`?`;
    this.report(path, `there is no \`${name}\` here: names start with ${ROOTS.join(', ')}`, hint);
  }

  report(node: hbs.AST.Node, message: string, hint?: string): void {
    if (this.problems.length >= 20) return;
    const { line, column } = node.loc.start;
    this.problems.push({ message, ...(hint === undefined ? {} : { hint }), line, column: column + 1 });
  }
}
