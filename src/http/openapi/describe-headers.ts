import type { ErrorCode } from '../../errors.ts';

/** A parameter of an operation in the OpenAPI document. */
interface Parameter {
  readonly in: string;
  readonly name: string;
}

/** Operation, as far as its headers depend on it. */
interface Operation {
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly 'x-errors'?: readonly string[];
}

const TENANT = {
  in: 'header',
  name: 'x-tidings-tenant',
  required: false,
  description: 'The tenant to act for, for callers that may act for several; default: default',
  schema: { type: 'string' },
};
const IDEMPOTENCY_KEY = {
  in: 'header',
  name: 'idempotency-key',
  required: false,
  description: 'Makes the request safe to repeat: the first response is kept for 24 hours, and sent again',
  schema: { type: 'string', maxLength: 255 },
};
const IF_MATCH = {
  in: 'header',
  name: 'if-match',
  required: false,
  description:
    'The etag that was read: if another change came first, this one is rejected; default: the last change wins',
  schema: { type: 'string' },
};

/**
 * Returns the parameters of an operation with the headers that it understands, which follow from the errors that it may answer.
 * A header that its route describes itself stays as it is.
 */
export function describeHeaders({ security = [], parameters = [], 'x-errors': codes = [] }: Operation): object[] {
  const has = (code: ErrorCode) => codes.includes(code);
  const headers = [
    ...(security.length > 0 ? [TENANT] : []),
    ...(has('idempotency_key_reused') ? [IDEMPOTENCY_KEY] : []),
    ...(has('outdated') ? [IF_MATCH] : []),
  ].filter(({ name }) => !parameters.some((one) => one.in === 'header' && one.name === name));
  return structuredClone([...parameters, ...headers]);
}
