import { findNearest } from '../lib/text/did-you-mean.ts';
import { isBlankText } from './blank.ts';
import { EMPTY_EXPRESSION, type PathCompiler } from './compile-path.ts';
import { checkDateFormat } from './date-format.ts';
import { ASSET_BASE_URL, HELPERS, toAssetUrl, toText, type Value } from './helpers.ts';
import { MAX_NESTING } from './limits.ts';
import { consumeSteps, type Expression, getPath, RenderLimit } from './run.ts';

/** Compiles the values of a part: paths, literals and the calls of helpers. */
export class ExpressionCompiler {
  readonly #paths: PathCompiler;
  readonly #locale: string;

  constructor(paths: PathCompiler, locale: string) {
    this.#paths = paths;
    this.#locale = locale;
  }

  compile(node: hbs.AST.Expression, depth: number): Expression {
    switch (node.type) {
      case 'PathExpression':
        return this.#paths.compile(node as hbs.AST.PathExpression);
      case 'SubExpression':
        if (depth >= MAX_NESTING) {
          this.#paths.report(node, `expressions are nested more than ${MAX_NESTING} deep`);
          return EMPTY_EXPRESSION;
        }
        return this.call(node as hbs.AST.SubExpression, depth + 1);
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
  call(node: hbs.AST.MustacheStatement | hbs.AST.SubExpression, depth = 0): Expression {
    if (node.path.type !== 'PathExpression') {
      this.#paths.report(node, 'a name is needed here', 'text and numbers are written without braces');
      return EMPTY_EXPRESSION;
    }
    const path = node.path as hbs.AST.PathExpression;
    const name = path.original;
    const bare = node.params.length === 0 && node.hash === undefined;
    // A declared variable may have the name of a helper, such as `date`: alone it is the variable.
    const isDeclared = this.#paths.levels.length === 1 && (this.#paths.variables?.has(name) ?? false);
    const isVariable = bare && (isDeclared || this.#paths.findName(name) !== undefined);
    const helper = !isVariable && Object.hasOwn(HELPERS, name) ? HELPERS[name] : undefined;
    if (helper === undefined) {
      if (bare && node.type === 'MustacheStatement') return this.#paths.compile(path);
      const meant = findNearest(name, Object.keys(HELPERS));
      const hint = meant ? `did you mean \`${meant}\`?` : `there are ${Object.keys(HELPERS).join(', ')}`;
      this.#paths.report(node, `there is no helper \`${name}\``, hint);
      return EMPTY_EXPRESSION;
    }
    if (node.params.length < helper.min || node.params.length > helper.max) {
      const field = bare && this.#paths.levels.length > 1 ? `; a field of that name is \`this.${name}\`` : '';
      this.#paths.report(node, `\`${name}\` is not called like this`, `like \`${helper.usage}\`${field}`);
      return EMPTY_EXPRESSION;
    }
    const options: [string, Expression][] = [];
    for (const pair of node.hash?.pairs ?? []) {
      if (helper.options.includes(pair.key)) {
        options.push([pair.key, this.compile(pair.value, depth)]);
      } else {
        const meant = findNearest(pair.key, helper.options);
        const there = helper.options.length === 0 ? 'it takes none' : `there are ${helper.options.join(', ')}`;
        this.#paths.report(
          pair,
          `\`${name}\` has no option \`${pair.key}\``,
          meant ? `did you mean \`${meant}\`?` : there,
        );
      }
    }
    this.#checkLiterals(name, node);
    const args = node.params.map((param) => this.compile(param, depth));
    const lookedUp = name === 'lookup' ? this.#paths.known.get(node.params[0]!) : undefined;
    if (lookedUp) this.#paths.wholes.push([...lookedUp, 0]);
    if (name === 'required') {
      const path = this.#paths.known.get(node.params[0]!);
      if (path) this.#paths.known.set(node, path);
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
      this.#paths.report(node, '`plural` has no `other`, which is the text of most numbers', HELPERS.plural!.usage);
    }
    const format = name === 'date' ? node.params[1] : undefined;
    const problem = format?.type === 'StringLiteral' && checkDateFormat((format as hbs.AST.StringLiteral).value);
    if (problem) this.#paths.report(format, problem.message, problem.hint);
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
    this.#paths.wholes.push(path);
    return (run, scope) => {
      consumeSteps(run, 1);
      const base = toText(getPath(run.root, path, run));
      if (base === '') throw new RenderLimit(`the tenant has no ${ASSET_BASE_URL}, which {{asset}} needs`);
      return toAssetUrl(base, toText(name(run, scope)));
    };
  }
}

/** Returns what a missing value is called: by the option `name`, or as it is written. */
function toRequiredName({ params, hash }: Pick<hbs.AST.MustacheStatement, 'params' | 'hash'>): string {
  const name = hash?.pairs.find(({ key }) => key === 'name')?.value;
  return name?.type === 'StringLiteral' ? (name as hbs.AST.StringLiteral).value : toSource(params[0]);
}

/** Returns a value as it is written, if it is a path. */
export function toSource(node: hbs.AST.Expression | undefined): string {
  return node?.type === 'PathExpression' ? (node as hbs.AST.PathExpression).original : 'the value';
}
