/** The conformance data of the CEL specification, from `@bufbuild/cel-spec`. */
import { tests } from '@bufbuild/cel-spec/testdata/conformance.js';
import type { SerializedIncrementalTest, SerializedIncrementalTestSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import type { Json, JsonObject } from './cel-engine.ts';

/** The message `cel.expr.Value` as JSON. One of the fields is set. */
export interface SpecValue {
  readonly nullValue?: null;
  readonly boolValue?: boolean;
  readonly stringValue?: string;
  /** Whole numbers are text, and so are infinity and NaN. */
  readonly int64Value?: string;
  readonly uint64Value?: string;
  readonly doubleValue?: number | string;
  readonly listValue?: { readonly values?: readonly SpecValue[] };
  readonly mapValue?: { readonly entries?: readonly { readonly key: SpecValue; readonly value: SpecValue }[] };
  readonly objectValue?: { readonly '@type': string; readonly value?: Json };
}

/** The message `cel.expr.Type` as JSON. */
export interface SpecType {
  readonly primitive?: string;
  readonly listType?: object;
  readonly mapType?: object;
  readonly null?: null;
}

export type Expected =
  | { readonly kind: 'value'; readonly value: SpecValue; readonly type?: SpecType | undefined }
  | { readonly kind: 'error'; readonly message: string }
  /** The type that the checker deduces; the value does not matter. */
  | { readonly kind: 'type'; readonly type: SpecType };

export interface SpecCase {
  /** Suite, section and name: `comparisons/eq_literal/eq_int64`. Unique: a repeated name ends in `#2`. */
  readonly name: string;
  readonly expression: string;
  /** Values by variable. The name of a variable may have dots. */
  readonly bindings: { readonly [variable: string]: SpecValue };
  readonly expected: Expected;
}

/** The message `cel.expr.conformance.test.SimpleTest` as JSON, as far as it is read. */
interface SimpleTest {
  readonly bindings?: { readonly [variable: string]: { readonly value: SpecValue } };
  /** The result is true if no field of the test gives one. */
  readonly value?: SpecValue;
  readonly typedResult?: { readonly result?: SpecValue; readonly deducedType: SpecType };
  readonly evalError?: { readonly errors: readonly { readonly message: string }[] };
}

/** Returns all cases, in the order of the data. */
export function readSpecCases(): readonly SpecCase[] {
  const seen = new Map<string, number>();
  return [...listTests(tests, [])].map(({ path, original }) => {
    const name = [...path, original.name].join('/');
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return { name: times === 1 ? name : `${name}#${times}`, expression: original.expr, ...readTest(original) };
  });
}

function* listTests(
  suite: SerializedIncrementalTestSuite,
  path: readonly string[],
): Generator<{ path: readonly string[]; original: SerializedIncrementalTest['original'] }> {
  for (const { original } of suite.tests ?? []) yield { path, original };
  for (const each of suite.suites ?? []) yield* listTests(each, [...path, each.name]);
}

function readTest(original: JsonObject): Pick<SpecCase, 'bindings' | 'expected'> {
  const test = original as SimpleTest;
  const bindings = Object.entries(test.bindings ?? {}).map(([variable, { value }]) => [variable, value] as const);
  return { bindings: Object.fromEntries(bindings), expected: readExpected(test) };
}

function readExpected({ value = { boolValue: true }, typedResult, evalError }: SimpleTest): Expected {
  if (evalError) return { kind: 'error', message: evalError.errors[0]?.message ?? '' };
  if (!typedResult) return { kind: 'value', value };
  const { result, deducedType } = typedResult;
  return result ? { kind: 'value', value: result, type: deducedType } : { kind: 'type', type: deducedType };
}

/** Returns the name of a well-known message: `Timestamp` of `google.protobuf.Timestamp`; empty for any other. */
export function wellKnownName({ objectValue }: SpecValue): string {
  return /^type\.googleapis\.com\/google\.protobuf\.(\w+)$/.exec(objectValue?.['@type'] ?? '')?.[1] ?? '';
}
