/** Translation of a case of the CEL data to an expression over the fields of an event, which is what a rule sees. */
import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { type SpecCase, type SpecValue, wellKnownName } from './cel-cases.ts';
import type { Json, JsonObject } from './cel-engine.ts';

interface Translation {
  readonly expression: string;
  readonly event: JsonObject;
}

const parser = new Environment({ limits: { maxAstNodes: 100_000, maxDepth: 1000 } });

/**
 * Replaces variables by fields of the event. A literal in `dyn(…)` becomes a field too, because a field without a schema is a
 * value of unknown type, which CEL calls `dyn`. With `allLiterals`, every literal becomes a field. An expression that cannot be
 * parsed is returned unchanged.
 */
export function translate({ expression, bindings }: SpecCase, allLiterals: boolean): Translation {
  const event: { [field: string]: Json } = {};
  const edits: { readonly from: number; readonly to: number; readonly text: string }[] = [];

  const replace = ({ start, end }: ASTNode, field: string, value: Json, text = `event.${field}`) => {
    event[field] = value;
    edits.push({ from: start, to: end, text });
  };
  const replaceLiteral = (node: ASTNode, value: Json) => replace(node, `literal_${edits.length}`, value);

  const visit = (node: ASTNode, literals: boolean): void => {
    if (node.op === 'value') {
      const value = literals ? toLiteral(node) : undefined;
      if (value !== undefined) replaceLiteral(node, value);
    } else if (node.op === 'id') {
      const bound = bindings[node.args];
      const value = bound && toJson(bound);
      if (value !== undefined) replace(node, node.args, value, readField(node.args, bound!));
    } else if (node.op === 'call' && node.args[0] === 'dyn' && node.args[1].length === 1) {
      const [operand] = node.args[1] as [ASTNode];
      const value = allLiterals ? undefined : toLiteral(operand);
      if (value !== undefined) {
        replaceLiteral(node, value);
      } else {
        edits.push({ from: node.start, to: node.start + 'dyn'.length, text: '' });
        visit(operand, true);
      }
    } else {
      for (const child of listOperands(node)) visit(child, literals);
    }
  };

  try {
    visit(parser.parse(expression).ast, allLiterals);
  } catch {
    return { expression, event: {} };
  }
  return { expression: applyEdits(expression, edits), event };
}

function applyEdits(
  expression: string,
  edits: readonly { readonly from: number; readonly to: number; readonly text: string }[],
): string {
  return [...edits]
    .sort((a, b) => b.from - a.from)
    .reduce((result, { from, to, text }) => result.slice(0, from) + text + result.slice(to), expression);
}

/** Returns the expression that reads the variable. Times and durations are text in JSON. */
function readField(field: string, bound: SpecValue): string {
  const type = wellKnownName(bound);
  return type === 'Timestamp' || type === 'Duration' ? `${type.toLowerCase()}(event.${field})` : `event.${field}`;
}

/** Returns the operands, without those that must be literals: the keys of an object and the pattern of `matches`. */
function listOperands(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[0] === 'matches' ? node.args[1].slice(0, 1) : node.args[1];
    case 'rcall':
      return node.args[0] === 'matches' ? [node.args[1]] : [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.map(([, value]) => value);
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/**
 * Returns the JSON of a literal, or of a list or an object of literals; undefined for anything else and for inexact numbers.
 */
function toLiteral(node: ASTNode): Json | undefined {
  switch (node.op) {
    case 'value': {
      const value: unknown = node.args;
      if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
      return value instanceof Uint8Array ? undefined : toNumber(value);
    }
    case '-_': {
      const value = toLiteral(node.args);
      return typeof value === 'number' ? -value : undefined;
    }
    case 'list':
      return toList(node.args.map(toLiteral));
    case 'map':
      return toObject(node.args.map(([key, value]) => [toLiteral(key), toLiteral(value)]));
    default:
      return undefined;
  }
}

/** Well-known messages of protobuf whose JSON is the value itself. */
const JSON_MESSAGES = /^(Timestamp|Duration|Struct|(Bool|String|Double|Float|Int32|UInt32|List)?Value)$/;

/** Returns the JSON of a value of the data; undefined if it has no exact one. */
function toJson(spec: SpecValue): Json | undefined {
  const number = spec.int64Value ?? spec.uint64Value ?? spec.doubleValue;
  if (number !== undefined) return toNumber(number);
  if (spec.listValue) return toList((spec.listValue.values ?? []).map(toJson));
  if (spec.mapValue) {
    return toObject((spec.mapValue.entries ?? []).map(({ key, value }) => [key.stringValue, toJson(value)]));
  }
  if (spec.objectValue) {
    const type = wellKnownName(spec);
    if (type === 'Int64Value' || type === 'UInt64Value') return toNumber(spec.objectValue.value);
    return JSON_MESSAGES.test(type) ? spec.objectValue.value : undefined;
  }
  return spec.boolValue ?? spec.stringValue ?? spec.nullValue;
}

function toNumber(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) || (Number.isFinite(number) && !Number.isInteger(number)) ? number : undefined;
}

function toList(values: readonly (Json | undefined)[]): Json | undefined {
  return values.includes(undefined) ? undefined : (values as Json[]);
}

function toObject(entries: readonly (readonly [Json | undefined, Json | undefined])[]): Json | undefined {
  const isWhole = entries.every(([key, value]) => typeof key === 'string' && value !== undefined);
  return isWhole ? (Object.fromEntries(entries) as JsonObject) : undefined;
}
