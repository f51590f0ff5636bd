/*
 * Finds comparisons that can be proved to be useless: with a value that the schema does not allow, and terms of `&&` that
 * exclude each other. Works on the tree of an expression that compiles.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Json } from '../model/event.ts';
import { ROOTS, type Root } from './cel/code.ts';
import { formatPath } from './cel/fields.ts';
import { parseExpression } from './cel/syntax.ts';
import { didYouMean, joinNames } from './hints.ts';
import { type Declared, toVariables } from './scope.ts';
import { getFieldType, type Type } from './type.ts';

export interface UselessComparison {
  /** `value`: the field never has the value. `contradiction`: the terms are never true together. */
  readonly kind: 'value' | 'contradiction';
  readonly message: string;
  readonly hint?: string;
}

/** Returns the useless comparisons of an expression, in order; empty for one that cannot be parsed. */
export function findUselessComparisons(expression: string, declared: Declared): readonly UselessComparison[] {
  const parsed = parseExpression(expression, 'expression');
  if ('problem' in parsed) return [];
  const finder = new Finder(expression, declared);
  finder.visit(parsed.node);
  return finder.found;
}

type Scalar = string | number | boolean | null;
type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A term about one field: that it compares so with a value, or is one of some values. */
interface Term {
  readonly field: string;
  readonly type: Type;
  readonly source: string;
  readonly test: (value: Scalar) => boolean;
  /** The values of a term that allows few of them. */
  readonly values?: readonly Scalar[];
  /** A bound of a term that allows a range. */
  readonly bound?: { readonly value: string | number; readonly isLower: boolean; readonly isStrict: boolean };
}

const NEGATED: { readonly [op in Comparison]: Comparison } = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
};
const MIRRORED: { readonly [op in Comparison]: Comparison } = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '>': '<',
  '<=': '>=',
  '>=': '<=',
};

class Finder {
  readonly found: UselessComparison[] = [];
  readonly #expression: string;
  readonly #variables: ReturnType<typeof toVariables>;

  constructor(expression: string, declared: Declared) {
    this.#expression = expression;
    this.#variables = toVariables(declared);
  }

  visit(node: ASTNode, isInChain = false): void {
    if (node.op === '==' || node.op === '!=') {
      const [left, right] = node.args;
      this.#checkValue(left, right);
      this.#checkValue(right, left);
    }
    if (node.op === 'in' && node.args[1].op === 'list') {
      for (const item of node.args[1].args) this.#checkValue(node.args[0], item);
    }
    if (node.op === '&&' && !isInChain) this.#checkChain(node);
    for (const child of listChildren(node)) this.visit(child, node.op === '&&' && child.op === '&&');
  }

  #checkValue(field: ASTNode, literal: ASTNode): void {
    const value = toScalar(literal);
    const named = value === undefined ? undefined : this.#resolve(field);
    const { values } = named?.type ?? {};
    if (named === undefined || value === undefined || values === undefined || values.includes(value)) return;
    const known = values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
    const meant = typeof value === 'string' ? didYouMean(value, known) : undefined;
    this.found.push({
      kind: 'value',
      message: `${named.field} is never ${JSON.stringify(value)}: it is one of ${joinNames(known)}`,
      ...(meant !== undefined && { hint: meant }),
    });
  }

  /** Reports the first terms of a chain of `&&` that exclude each other. */
  #checkChain(node: ASTNode): void {
    const nodes = flattenChain(node);
    const terms = new Map<string, Term[]>();
    for (const term of nodes.flatMap((one) => this.#toTerm(one, false) ?? [])) {
      terms.set(term.field, [...(terms.get(term.field) ?? []), term]);
    }
    for (const [field, some] of terms) {
      const pair = findExcluded(some);
      if (pair === undefined) continue;
      const message = `no value of ${field} fulfills ${pair.map(({ source }) => source).join(' and ')}`;
      this.found.push({ kind: 'contradiction', message });
      return;
    }
    const positive = new Set(nodes.filter(({ op }) => op !== '!_').map((one) => this.#source(one)));
    const negated = nodes.find(
      (one) => one.op === '!_' && positive.has(this.#source(one.args).replace(/^\((.*)\)$/s, '$1')),
    );
    if (negated?.op === '!_') {
      const source = this.#source(negated.args);
      this.found.push({ kind: 'contradiction', message: `${source} is never both true and false` });
    }
  }

  #toTerm(node: ASTNode, isNegated: boolean): Term | undefined {
    const source = this.#source(node);
    switch (node.op) {
      case '!_': {
        const term = this.#toTerm(node.args, !isNegated);
        return term && { ...term, source };
      }
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=': {
        const [left, right] = node.args;
        const isMirrored = this.#resolve(left) === undefined;
        const named = this.#resolve(isMirrored ? right : left);
        const value = toScalar(isMirrored ? left : right);
        // Times are compared as instants, whatever their text.
        if (named === undefined || value === undefined || named.type.format === 'date-time') return undefined;
        const op = isMirrored ? MIRRORED[node.op] : node.op;
        return { ...named, source, ...toTest(isNegated ? NEGATED[op] : op, value) };
      }
      case 'in': {
        const named = this.#resolve(node.args[0]);
        const items = node.args[1].op === 'list' ? node.args[1].args.map(toScalar) : [undefined];
        if (named === undefined || items.includes(undefined)) return undefined;
        const values = items as Scalar[];
        const test = (value: Scalar) => values.includes(value) !== isNegated;
        return { ...named, source, test, ...(!isNegated && { values }) };
      }
      default: {
        const named = this.#resolve(node);
        return named && { ...named, source, ...toTest('==', !isNegated) };
      }
    }
  }

  /** Returns the field that a node names, with its type; undefined for any other node. */
  #resolve(node: ASTNode): { readonly field: string; readonly type: Type } | undefined {
    const path = toPath(node);
    const [root, ...steps] = path ?? [];
    if (path === undefined || path.length < 2 || !(ROOTS as readonly string[]).includes(root!)) return undefined;
    let type = this.#variables[root as Root];
    for (const step of steps) {
      if ('absent' in type) return undefined;
      type = (type.kind === 'map' ? getFieldType(type, step) : undefined) ?? { kind: 'dyn' };
    }
    return 'absent' in type ? undefined : { field: formatPath(path), type };
  }

  #source(node: ASTNode): string {
    const text = this.#expression.slice(node.start, node.end).replace(/\s+/g, ' ');
    // The place of a node in parentheses may end before the last of them.
    return text + ')'.repeat(Math.max(0, text.split('(').length - text.split(')').length));
  }
}

/** Returns two terms about one field that no value fulfills together; one term if the schema alone rules it out. */
function findExcluded(terms: readonly Term[]): readonly Term[] | undefined {
  const declared = terms[0]?.type.values?.filter(isScalar);
  const limited = terms.find(({ values }) => values !== undefined);
  const values = limited?.values ?? declared;
  if (values !== undefined && !values.some((value) => terms.every(({ test }) => test(value)))) {
    const others = terms.filter((term) => term !== limited);
    const one = others.find(({ test }) => !values.some(test));
    // A value that the schema does not have is reported as such.
    if (limited && one) return [limited, one];
    return others.length + (limited ? 1 : 0) > 1 ? terms : undefined;
  }
  const lower = strictest(terms, true);
  const upper = strictest(terms, false);
  if (!lower?.bound || !upper?.bound || typeof lower.bound.value !== typeof upper.bound.value) return undefined;
  const isEmpty =
    lower.bound.value > upper.bound.value ||
    (lower.bound.value === upper.bound.value && (lower.bound.isStrict || upper.bound.isStrict));
  return isEmpty ? [lower, upper] : undefined;
}

function strictest(terms: readonly Term[], isLower: boolean): Term | undefined {
  let best: Term | undefined;
  for (const term of terms) {
    const { bound } = term;
    if (bound?.isLower !== isLower) continue;
    const other = best?.bound;
    const isStricter =
      other === undefined ||
      (isLower ? bound.value > other.value : bound.value < other.value) ||
      (bound.value === other.value && bound.isStrict);
    if (isStricter) best = term;
  }
  return best;
}

function toTest(op: Comparison, value: Scalar): Pick<Term, 'test' | 'values' | 'bound'> {
  const isOrdered = typeof value === 'string' || typeof value === 'number';
  switch (op) {
    case '==':
      return { test: (other) => other === value, values: [value] };
    case '!=':
      return { test: (other) => other !== value };
    default: {
      const test = (other: Scalar) => {
        if (typeof other !== typeof value || other === null || value === null) return true;
        return op === '<' ? other < value : op === '<=' ? other <= value : op === '>' ? other > value : other >= value;
      };
      const bound = isOrdered && { value, isLower: op.startsWith('>'), isStrict: op.length === 1 };
      return { test, ...(bound && { bound }) };
    }
  }
}

function flattenChain(node: ASTNode): ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(flattenChain) : [node];
}

function listChildren(node: ASTNode): ASTNode[] {
  const children: ASTNode[] = [];
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) collect(item);
    else if (typeof value === 'object' && value !== null && 'op' in value && 'start' in value)
      children.push(value as ASTNode);
  };
  collect(node.args);
  return children;
}

function toPath(node: ASTNode): string[] | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const from = toPath(node.args[0]);
  const key = node.op === '.' ? node.args[1] : toScalar(node.args[1]);
  return from && typeof key === 'string' ? [...from, key] : undefined;
}

function toScalar(node: ASTNode): Scalar | undefined {
  if (node.op === '-_') {
    const value = toScalar(node.args);
    return typeof value === 'number' ? -value : undefined;
  }
  if (node.op !== 'value') return undefined;
  const { args } = node as { args: unknown };
  if (typeof args === 'bigint') return Number(args);
  if (typeof args === 'object' && args !== null && 'valueOf' in args && typeof args.valueOf() === 'bigint')
    return Number(args);
  return isScalar(args as Json) ? (args as Scalar) : undefined;
}

function isScalar(value: Json): value is Scalar {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
