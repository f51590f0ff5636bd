/** The comparison of a result with what a case of the CEL data expects. */
import { type SpecCase, type SpecType, type SpecValue, wellKnownName } from './cel-cases.ts';
import type { Json, Result } from './cel-engine.ts';

export function conforms({ expected }: SpecCase, result: Result): boolean {
  if (expected.kind === 'error') return isExpectedFailure(expected.message, result);
  if (result.kind === 'rejected' || !isOfType(expected.type, result.type)) return false;
  return expected.kind === 'type' || (result.kind === 'value' && isSame(expected.value, result.value, result.type));
}

function isSame(spec: SpecValue, value: Json, type: string): boolean {
  const number = spec.int64Value ?? spec.uint64Value ?? spec.doubleValue;
  if (number !== undefined) return value === Number(number);
  if (spec.objectValue) return isSameTime(wellKnownName(spec), spec.objectValue.value, value, type);
  if (spec.listValue) {
    const items = spec.listValue.values ?? [];
    if (!Array.isArray(value) || value.length !== items.length) return false;
    return items.every((item, at) => isSame(item, value[at]!, 'any'));
  }
  if (spec.mapValue) {
    const entries = spec.mapValue.entries ?? [];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const fields = new Map<unknown, Json>(Object.entries(value));
    if (fields.size !== entries.length) return false;
    return entries.every(({ key, value: item }) => {
      const field = fields.get(key.stringValue);
      return field !== undefined && isSame(item, field, 'any');
    });
  }
  const plain = spec.boolValue ?? spec.stringValue ?? spec.nullValue;
  return plain !== undefined && value === plain;
}

/** Compares times and durations, which are text in a result; a time has milliseconds. */
function isSameTime(message: string, spec: unknown, value: Json, type: string): boolean {
  if (message.toLowerCase() !== type || typeof spec !== 'string') return false;
  if (type === 'duration') return value === spec;
  return type === 'timestamp' && value === new Date(spec).toISOString() && !/\.\d{4}/.test(spec);
}

/** Errors of CEL that Tidings reports as a missing field. */
const ABSENT = /no such key|invalid_argument/;

function isExpectedFailure(message: string, result: Result): boolean {
  if (result.kind === 'missing') return ABSENT.test(message);
  if (result.kind !== 'rejected') return result.kind === 'error';
  const foreseen = UNDECLARED.test(message) ? UNKNOWN_NAME : WRONG_OPERAND;
  return result.messages.every((each) => foreseen.test(each));
}

const UNDECLARED = /undeclared reference|unbound function|unknown variable/;
const UNKNOWN_NAME = /^there is no (function|variable)/;
/** Rejections that predict the error. All others mean that a part of CEL is not supported, which is a departure. */
const WRONG_OPERAND = /but must be [^"]*$|cannot compare|cannot be read as|must be of one kind$/;

const TYPES: { readonly [primitive: string]: string } = {
  BOOL: 'bool',
  INT64: 'number',
  UINT64: 'number',
  DOUBLE: 'number',
  STRING: 'string',
};

/** Compares the types that the two checkers deduce. `any` matches every type. */
function isOfType(spec: SpecType | undefined, type: string): boolean {
  if (spec === undefined || type === 'any') return true;
  if (spec.primitive !== undefined) return type === TYPES[spec.primitive];
  if (spec.listType) return type === 'list';
  return spec.mapType ? type === 'map' : 'null' in spec && type === 'null';
}
