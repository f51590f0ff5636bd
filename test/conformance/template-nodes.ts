/** Trees of templates, and the text they are written as. */

/**
 * A node of a template. Which paths are possible depends on the blocks around it, so a path holds a number that chooses among
 * those when it is written.
 */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  /** `raw` is without escaping, `{{{…}}}` or `{{&…}}`: only text parts allow it. */
  | { readonly kind: 'mustache'; readonly value: Path | Call; readonly raw: '' | '{' | '&'; readonly trim: Trim }
  | BlockNode;

export interface BlockNode {
  readonly kind: 'block';
  readonly block: 'if' | 'unless' | 'each' | 'with';
  /** Written as `{{^if …}}`: `body` is for a subject that is false or empty. */
  readonly inverted: boolean;
  readonly subject: Expression;
  /** The names of `as |item key|`, for `each` and `with`. */
  readonly names: readonly string[];
  readonly body: readonly Node[];
  readonly branches: readonly Branch[];
  readonly trim: Trim;
  readonly closingTrim: Trim;
}

/** `{{else if …}}`, or `{{else}}` without a condition; branches after an `{{else}}` are not written. */
export interface Branch {
  readonly condition: Expression | undefined;
  readonly body: readonly Node[];
  readonly trim: Trim;
}

/** Removal of white space before and after: `{{~ … ~}}`. */
export type Trim = readonly [boolean, boolean];

export type Expression = Path | Literal | Call;

export interface Path {
  readonly kind: 'path';
  /** Written as `here` where the blocks around it offer nothing of the kind. */
  readonly from: 'here' | 'this' | 'up' | 'root' | 'name' | 'loop';
  readonly choice: number;
  readonly keys: readonly string[];
}

export interface Literal {
  readonly kind: 'literal';
  readonly text: string;
}

export interface Call {
  readonly kind: 'call';
  readonly helper: string;
  readonly params: readonly Expression[];
  readonly options: readonly (readonly [string, Expression])[];
}

/** First steps of every path at the top of the data. */
export const ROOTS = ['event', 'user'] as const;

/** An `each` or a `with` around the node that is written. */
interface Level {
  readonly loop: boolean;
  readonly names: readonly string[];
  /** Set when its value is certain to lie within the value of the level around it, and so to be another one. */
  readonly inside: boolean;
}

/** Innermost first. */
type Levels = readonly Level[];

/** Nested loops that Tidings allows. */
const MAX_LOOPS = 3;
const LOOP_VARIABLES = ['index', 'key', 'first', 'last'];

/** Returns the source, without `{{{…}}}` and `{{&…}}` if it is HTML. */
export function writeTemplate(nodes: readonly Node[], html: boolean): string {
  const write = (nodes: readonly Node[], levels: Levels): string =>
    nodes.map((node) => writeNode(node, levels)).join('');

  const writeNode = (node: Node, levels: Levels): string => {
    if (node.kind === 'text') return node.text;
    if (node.kind === 'block') return writeBlock(node, levels);
    const { value, raw, trim } = node;
    const text = value.kind === 'call' ? writeCall(value, levels) : writePath(value, levels).text;
    return braces(html || raw === '' ? text : raw === '&' ? `&${text}` : `{${text}}`, trim);
  };

  const writeBlock = (node: BlockNode, levels: Levels): string => {
    const { subject, inverted, body, branches, trim, closingTrim } = node;
    const block = node.block === 'each' && levels.filter(({ loop }) => loop).length >= MAX_LOOPS ? 'with' : node.block;
    const opens = block === 'each' || block === 'with';
    const names = opens && !inverted ? node.names : [];
    const inside = subject.kind === 'path' && writePath(subject, levels).inside;
    const inner = opens ? [{ loop: block === 'each', names, inside }, ...levels] : levels;
    const head = `${block} ${writeExpression(subject, levels)}${names.length > 0 ? ` as |${names.join(' ')}|` : ''}`;
    const rest = inverted ? writeElse(branches[0], inner) : writeBranches(branches, levels);
    return [
      braces(`${inverted ? '^' : '#'}${head}`, trim),
      write(body, inverted ? levels : inner),
      rest,
      braces(`/${block}`, closingTrim),
    ].join('');
  };

  const writeBranches = (branches: readonly Branch[], levels: Levels): string => {
    const last = branches.findIndex(({ condition }) => condition === undefined);
    const chain = last < 0 ? branches : branches.slice(0, last);
    const written = chain.map(({ condition, body, trim }) => {
      return braces(`else if ${writeExpression(condition!, levels)}`, trim) + write(body, levels);
    });
    return written.join('') + (last < 0 ? '' : writeElse(branches[last], levels));
  };

  const writeElse = (branch: Branch | undefined, levels: Levels): string =>
    branch === undefined ? '' : braces('else', branch.trim) + write(branch.body, levels);

  return write(nodes, []);
}

function braces(text: string, [before, after]: Trim): string {
  return `{{${before ? '~' : ''}${text}${after ? '~' : ''}}}`;
}

function writeExpression(expression: Expression, levels: Levels): string {
  if (expression.kind === 'literal') return expression.text;
  return expression.kind === 'path' ? writePath(expression, levels).text : `(${writeCall(expression, levels)})`;
}

function writeCall({ helper, params, options }: Call, levels: Levels): string {
  const words = params.map((param) => writeExpression(param, levels));
  return [helper, ...words, ...options.map(([name, value]) => `${name}=${writeExpression(value, levels)}`)].join(' ');
}

/** Returns the text of a path, and whether its value is certain to lie within the value of the innermost level. */
function writePath({ from, choice, keys }: Path, levels: Levels): { readonly text: string; readonly inside: boolean } {
  const steps = (target: Levels) => (target.length === 0 ? [pick(ROOTS, choice), ...keys] : keys);
  const separator = choice % 3 === 0 ? '/' : '.';
  const join = (all: readonly string[]) => all.map(writeStep).join(separator);

  // One key only: with two, Handlebars returns an inner false, 0 or empty text instead of nothing.
  if (from === 'root') return { text: `@root.${join(steps([]).slice(0, 2))}`, inside: false };
  if (from === 'this') {
    if (levels.length > 0 && choice % 2 === 0) return { text: 'this', inside: false };
    return { text: `this${separator}${join(steps(levels))}`, inside: true };
  }
  if (from === 'up' && levels[0]?.inside) {
    const reach = levels.findIndex(({ inside }) => !inside);
    const up = 1 + (choice % (reach < 0 ? levels.length : reach));
    return { text: '../'.repeat(up) + join(steps(levels.slice(up))), inside: false };
  }
  const names = levels.flatMap((level) => level.names);
  if (from === 'name' && names.length > 0) {
    return { text: join([pick(names, choice), ...keys.slice(choice % 2)]), inside: false };
  }
  const loops = levels.filter(({ loop }) => loop).length;
  if (from === 'loop' && loops > 0) {
    return { text: `@${'../'.repeat(choice % loops)}${pick(LOOP_VARIABLES, choice)}`, inside: false };
  }
  const all = steps(levels);
  return { text: join(all), inside: !names.includes(all[0]!) };
}

function writeStep(key: string): string {
  return key.includes(' ') ? `[${key}]` : key;
}

function pick<T>(from: readonly T[], choice: number): T {
  return from[choice % from.length]!;
}
