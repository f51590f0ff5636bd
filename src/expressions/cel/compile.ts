/* Compiles the tree of an expression to closures, and reports every problem of the expression. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { BOOL, DYN, NUMBER, STRING, type Type } from '../type.ts';
import { type Failure, isFailure, type Value } from '../value.ts';
import { compileArithmetic, compileMinus } from './arithmetic.ts';
import {
  type Code,
  type CompileContext,
  type ConditionProblem,
  constant,
  type ExpressionKind,
  expectBool,
  getSource,
  type Path,
  toPlaceholder,
  type Variables,
} from './code.ts';
import { compileAccess, compileVariable, formatPath } from './fields.ts';
import { compileCall } from './functions.ts';
import { compileEquality, compileIn, compileLogic, compileNot, compileOrder, compileTernary } from './operators.ts';

export interface CompiledTree {
  readonly code: Code;
  /** Fields that the expression names, in order of appearance, without duplicates. */
  readonly paths: readonly Path[];
  /** Problems in order of position. */
  readonly problems: readonly ConditionProblem[];
}

/** Compiles a tree. A condition must evaluate to a boolean; an expression may have any value. */
export function compileTree(
  node: ASTNode,
  expression: string,
  variables: Variables,
  expressionKind: ExpressionKind,
): CompiledTree {
  const compiler = new Compiler(expression, variables, expressionKind);
  const root = compiler.compile(node);
  const code = expressionKind === 'condition' ? expectBool(compiler, root) : root;
  return {
    code,
    paths: [...compiler.paths.values()],
    problems: compiler.problems.sort((a, b) => a.offset - b.offset),
  };
}

class Compiler implements CompileContext {
  readonly expression: string;
  readonly noun: ExpressionKind;
  readonly variables: Variables;
  readonly locals: CompileContext['locals'] = [];
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
    if (code.path) this.paths.set(formatPath(code.path), code.path);
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
        this.problem(node.start, `"${getSource(this, node)}" cannot be used here`);
        return toPlaceholder(node);
    }
  }

  /** Converts integers to JSON numbers, so that both operands of `event.amount > 3` have the same kind. */
  #literal(node: Extract<ASTNode, { op: 'value' }>): Code {
    const value = node.args;
    const label = getSource(this, node);
    if (value === null) return constant(null, { kind: 'null' }, label, node.start);
    if (typeof value === 'boolean') return constant(value, BOOL, label, node.start);
    if (typeof value === 'string') return constant(value, STRING, label, node.start);
    if (value instanceof Uint8Array) {
      this.problem(node.start, 'bytes cannot be used here');
      return toPlaceholder(node);
    }
    const number = Number(value);
    if (typeof value !== 'number' && !Number.isSafeInteger(number)) {
      this.problem(node.start, `${label} is too large a number to be exact`);
    }
    return constant(number, NUMBER, label, node.start);
  }

  #list(node: Extract<ASTNode, { op: 'list' }>): Code {
    const codes = node.args.map((item) => this.compile(item));
    const label = getSource(this, node);
    const kinds = new Set(codes.map((code) => code.type.kind));
    const type: Type = { kind: 'list', item: kinds.size === 1 ? { kind: codes[0]!.type.kind } : DYN };
    const constants = codes.map((code) => code.toConstant);
    if (areConstants(constants)) return constant(constants, type, label, node.start);
    return { run: (frame) => evaluateAll(codes, (code) => code.run(frame)), type, label, offset: node.start };
  }

  #map(node: Extract<ASTNode, { op: 'map' }>): Code {
    const keys: string[] = [];
    const codes = node.args.map(([key, value]) => {
      if (key.op === 'value' && typeof key.args === 'string') keys.push(key.args);
      else this.problem(key.start, `a key of an object is written out, between quotes`);
      return this.compile(value);
    });
    const label = getSource(this, node);
    const type: Type = { kind: 'map' };
    const constants = codes.map((code) => code.toConstant);
    if (areConstants(constants)) return constant(buildMap(keys, constants), type, label, node.start);
    return {
      run: (frame) => {
        const values = evaluateAll(codes, (code) => code.run(frame));
        return isFailure(values) ? values : buildMap(keys, values);
      },
      type,
      label,
      offset: node.start,
    };
  }
}

function areConstants(values: readonly (Value | undefined)[]): values is readonly Value[] {
  return !values.includes(undefined);
}

function evaluateAll(codes: readonly Code[], run: (code: Code) => ReturnType<Code['run']>): readonly Value[] | Failure {
  const values: Value[] = [];
  for (const code of codes) {
    const value = run(code);
    if (isFailure(value)) return value;
    values.push(value);
  }
  return values;
}

/** Builds an object without a prototype, so that a key named `__proto__` is an ordinary key. */
function buildMap(keys: readonly string[], values: readonly Value[]): { readonly [key: string]: Value } {
  const map: { [key: string]: Value } = Object.create(null);
  for (const [at, key] of keys.entries()) map[key] = values[at] ?? null;
  return map;
}
