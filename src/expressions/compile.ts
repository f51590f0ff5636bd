/** From the tree of an expression to closures, with all that is wrong with it on the way. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { compileArithmetic, compileMinus } from './arithmetic.ts';
import {
  broken,
  type Code,
  type Compiling,
  type ConditionProblem,
  constant,
  type ExpressionKind,
  expectBool,
  type Path,
  sourceOf,
  type Variables,
} from './code.ts';
import { compileAccess, compileVariable, pathText } from './fields.ts';
import { compileCall } from './functions.ts';
import { compileEquality, compileIn, compileLogic, compileNot, compileOrder, compileTernary } from './operators.ts';
import { BOOL, DYN, NUMBER, STRING, type Type } from './type.ts';
import { type Failure, isFailure, type Value } from './value.ts';

export interface Compiled {
  readonly code: Code;
  /** In order of appearance, without repeats. */
  readonly paths: readonly Path[];
  /** In order of their place. */
  readonly problems: readonly ConditionProblem[];
}

/** Of a condition true or false is asked, of an expression nothing. */
export function compileTree(node: ASTNode, expression: string, variables: Variables, noun: ExpressionKind): Compiled {
  const compiler = new Compiler(expression, variables, noun);
  const root = compiler.compile(node);
  const code = noun === 'condition' ? expectBool(compiler, root) : root;
  return {
    code,
    paths: [...compiler.paths.values()],
    problems: compiler.problems.sort((a, b) => a.offset - b.offset),
  };
}

class Compiler implements Compiling {
  readonly expression: string;
  readonly noun: ExpressionKind;
  readonly variables: Variables;
  readonly locals: Compiling['locals'] = [];
  readonly problems: ConditionProblem[] = [];
  readonly paths = new Map<string, Path>();
  nodes = 0;

  constructor(expression: string, variables: Variables, noun: ExpressionKind) {
    this.expression = expression;
    this.noun = noun;
    this.variables = variables;
  }

  problem(offset: number, message: string, hint?: string): void {
    this.problems.push(hint === undefined ? { message, offset } : { message, hint, offset });
  }

  compile(node: ASTNode): Code {
    this.nodes++;
    const code = this.#compile(node);
    if (code.path) this.paths.set(pathText(code.path), code.path);
    return code;
  }

  #compile(node: ASTNode): Code {
    switch (node.op) {
      case 'value':
        return this.#literal(node);
      case 'id':
        return compileVariable(this, node);
      case '.':
      case '[]':
        return compileAccess(this, node);
      case 'call':
      case 'rcall':
        return compileCall(this, node);
      case 'list':
        return this.#list(node);
      case 'map':
        return this.#map(node);
      case '&&':
      case '||':
        return compileLogic(this, node);
      case '!_':
        return compileNot(this, node);
      case '-_':
        return compileMinus(this, node);
      case '?:':
        return compileTernary(this, node);
      case '==':
      case '!=':
        return compileEquality(this, node);
      case '<':
      case '<=':
      case '>':
      case '>=':
        return compileOrder(this, node);
      case 'in':
        return compileIn(this, node);
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        return compileArithmetic(this, node);
      default:
        this.problem(node.start, `"${sourceOf(this, node)}" cannot be used here`);
        return broken(node);
    }
  }

  /** Whole numbers become JSON's numbers, so that `event.amount > 3` compares two of a kind. */
  #literal(node: Extract<ASTNode, { op: 'value' }>): Code {
    const value = node.args;
    const label = sourceOf(this, node);
    if (value === null) return constant(null, { kind: 'null' }, label, node.start);
    if (typeof value === 'boolean') return constant(value, BOOL, label, node.start);
    if (typeof value === 'string') return constant(value, STRING, label, node.start);
    if (value instanceof Uint8Array) {
      this.problem(node.start, 'bytes cannot be used here');
      return broken(node);
    }
    const number = Number(value);
    if (typeof value !== 'number' && !Number.isSafeInteger(number)) {
      this.problem(node.start, `${label} is too large a number to be exact`);
    }
    return constant(number, NUMBER, label, node.start);
  }

  #list(node: Extract<ASTNode, { op: 'list' }>): Code {
    const codes = node.args.map((item) => this.compile(item));
    const label = sourceOf(this, node);
    const kinds = new Set(codes.map((code) => code.type.kind));
    const type: Type = { kind: 'list', item: kinds.size === 1 ? { kind: codes[0]!.type.kind } : DYN };
    const constants = codes.map((code) => code.constant);
    if (allKnown(constants)) return constant(constants, type, label, node.start);
    return { run: (frame) => valuesOf(codes, (code) => code.run(frame)), type, label, offset: node.start };
  }

  #map(node: Extract<ASTNode, { op: 'map' }>): Code {
    const keys: string[] = [];
    const codes = node.args.map(([key, value]) => {
      if (key.op === 'value' && typeof key.args === 'string') keys.push(key.args);
      else this.problem(key.start, `a key of an object is written out, between quotes`);
      return this.compile(value);
    });
    const label = sourceOf(this, node);
    const type: Type = { kind: 'map' };
    const constants = codes.map((code) => code.constant);
    if (allKnown(constants)) return constant(mapOf(keys, constants), type, label, node.start);
    return {
      run: (frame) => {
        const values = valuesOf(codes, (code) => code.run(frame));
        return isFailure(values) ? values : mapOf(keys, values);
      },
      type,
      label,
      offset: node.start,
    };
  }
}

function allKnown(values: readonly (Value | undefined)[]): values is readonly Value[] {
  return !values.includes(undefined);
}

function valuesOf(codes: readonly Code[], run: (code: Code) => ReturnType<Code['run']>): readonly Value[] | Failure {
  const values: Value[] = [];
  for (const code of codes) {
    const value = run(code);
    if (isFailure(value)) return value;
    values.push(value);
  }
  return values;
}

/** Without a prototype, so that a key called `__proto__` is a key like any other. */
function mapOf(keys: readonly string[], values: readonly Value[]): { readonly [key: string]: Value } {
  const map: { [key: string]: Value } = Object.create(null);
  for (const [at, key] of keys.entries()) map[key] = values[at] ?? null;
  return map;
}
