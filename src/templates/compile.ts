import { findNearest } from '../lib/text/did-you-mean.ts';
import type { Json, JsonObject } from '../model/event.ts';
import { ExpressionCompiler, toSource } from './compile-expression.ts';
import { type CompileOptions, type FieldPath, type NamedField, PathCompiler } from './compile-path.ts';
import { isTruthy, toText, type Value } from './helpers.ts';
import { escapeAt } from './html-escape.ts';
import { HtmlReader } from './html-place.ts';
import { MAX_EACH_ITEMS, MAX_EACH_NESTING, MAX_NESTING, MAX_OUTPUT_CHARS } from './limits.ts';
import { type PartProblem, parseSource } from './parse.ts';
import { type Block, consumeSteps, type Expression, RenderLimit, startRun, writeOutput, writeText } from './run.ts';

/*
 * Compiles the Handlebars tree of a template part to closures that count steps and read own properties only. Handlebars
 * provides the grammar; its own compiler generates JavaScript source without bounds on time or output.
 */

/**
 * Renders a part. Throws `RenderLimit` if the output is too long, rendering takes too many steps, or a `required` value is
 * missing.
 */
export type Part = (data: JsonObject) => string;

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
  if (compiler.paths.problems.length > 0) return { problems: compiler.paths.problems };
  return {
    fields: compiler.paths.fields,
    wholes: compiler.paths.wholes,
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
  if (compiler.paths.problems.length > 0) return { problems: compiler.paths.problems };
  return {
    fields: compiler.paths.fields,
    wholes: compiler.paths.wholes,
    value: (data) => {
      const run = startRun(data, undefined, compiler.slots);
      return expression(run, { value: data, up: undefined, key: undefined, index: undefined, last: undefined });
    },
  };
}

const BLOCK_NAMES = ['if', 'unless', 'each', 'with', 'let'];

/** Compiles the statements of a part: text, output and blocks. */
class Compiler {
  readonly paths: PathCompiler;
  readonly #expressions: ExpressionCompiler;
  readonly #html: boolean;
  readonly #isOpen: boolean;
  /** Number of values of all `{{#let}}`. */
  slots = 0;

  constructor({ html, locale, variables, isOpen = false }: CompileOptions) {
    this.paths = new PathCompiler(variables);
    this.#expressions = new ExpressionCompiler(this.paths, locale);
    this.#html = html;
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
          this.paths.report(node, 'partials (`{{> name}}`) are not available here', 'write the text out here');
        }
        return () => {};
      default:
        this.paths.report(node, 'decorators (`{{* name}}`) are not available');
        return () => {};
    }
  }

  value(node: hbs.AST.MustacheStatement): Expression {
    return this.#expressions.call(node);
  }

  #mustache(node: hbs.AST.MustacheStatement): Block {
    const value = this.#expressions.call(node);
    if (!this.#html) return (run, scope) => writeText(run, value(run, scope));
    if (!node.escaped) {
      this.paths.report(node, 'unescaped output (`{{{…}}}`) is not available in HTML', 'write `{{…}}` with two braces');
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
      this.paths.report(node, `blocks are nested more than ${MAX_NESTING} deep`);
      return () => {};
    }
    if (!BLOCK_NAMES.includes(name)) {
      const meant = findNearest(name, BLOCK_NAMES);
      const hint = meant ? `did you mean \`{{#${meant}}}\`?` : `write \`{{#if ${name}}}\` or \`{{#each ${name}}}\``;
      this.paths.report(node, `there is no block \`{{#${name}}}\``, hint);
      return () => {};
    }
    if (name === 'let') return this.#let(node, depth);
    if (node.params.length !== 1 || node.hash !== undefined) {
      this.paths.report(node, `\`{{#${name}}}\` takes one value`, `like \`{{#${name} event.name}}\``);
      return () => {};
    }
    const subject = this.#expressions.compile(node.params[0]!, 0);
    if (name === 'each') return this.#each(node, subject, depth);
    if (name === 'with') return this.#with(node, subject, depth);
    return this.#branch(node, subject, depth, name === 'unless');
  }

  #let(node: hbs.AST.BlockStatement, depth: number): Block {
    const pairs = node.hash?.pairs ?? [];
    if (node.params.length > 0 || pairs.length === 0 || node.inverse !== undefined || node.program?.blockParams) {
      this.paths.report(node, '`{{#let}}` gives names to values', 'like `{{#let url=event.url}}…{{/let}}`');
      return () => {};
    }
    const values = pairs.map(({ value }) => this.#expressions.compile(value, 0));
    const first = this.slots;
    this.slots += pairs.length;
    const outer = this.paths.names;
    const levels = this.paths.levels.length;
    this.paths.names = [
      ...outer,
      ...pairs.map(({ key: name, value }, index) => ({
        name,
        slot: first + index,
        levels,
        path: this.paths.known.get(value),
      })),
    ];
    const body = this.program(node.program, depth);
    this.paths.names = outer;
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
    if (this.paths.levels.filter((level) => level.kind === 'each').length >= MAX_EACH_NESTING) {
      this.paths.report(node, `\`{{#each}}\` is nested more than ${MAX_EACH_NESTING} deep`);
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
      this.paths.report(node, '`as |name|` belongs to `{{#each}}` and `{{#with}}`');
    if (opens !== undefined && names.length > 2)
      this.paths.report(
        node,
        `\`{{#${opens}}}\` gives at most two names, not ${names.length}`,
        'like `as |item index|`',
      );
    const path = this.paths.known.get(node.params[0]!);
    if (opens !== undefined)
      this.paths.levels.push({ kind: opens, names, path: opens === 'each' && path ? [...path, 0] : path });
    const body = this.program(node.program, depth);
    if (opens !== undefined) this.paths.levels.pop();
    return [body, this.program(node.inverse, depth)];
  }
}
