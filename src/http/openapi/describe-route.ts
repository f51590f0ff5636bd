import { STATUS_CODES } from 'node:http';
import type { FastifyContextConfig } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { ERROR_CODES, type ErrorCode } from '../../errors.ts';
import { PROBLEM_MEDIA_TYPE } from '../problem.ts';
import { problem } from '../schemas/common.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Codes of the errors that only some routes have. Those of every route with such a scope, method or body are added. */
    readonly errors?: readonly ErrorCode[];
    /** Media type of its successful response; absent: JSON. */
    readonly mediaType?: string;
    /** Another one that the caller may choose. */
    readonly otherMediaType?: string;
  }
}

/** Errors that any request may have. */
const ALWAYS: readonly ErrorCode[] = [
  'invalid_request',
  'request_timeout',
  'headers_too_large',
  'internal',
  'unavailable',
];
const OF_PRINCIPALS: readonly ErrorCode[] = [
  'unauthorized',
  'token_expired',
  'issuer_unavailable',
  'forbidden',
  'not_a_member',
  'tenant_suspended',
  'tenant_moving',
  // The tenant of x-tidings-tenant.
  'not_found',
  'rate_limited',
];
/** Requests that need no key are limited by their address. */
const OF_PUBLIC: readonly ErrorCode[] = ['rate_limited'];
const OF_KEYS: readonly ErrorCode[] = ['not_readable', 'idempotency_in_progress', 'idempotency_key_reused'];
const OF_BODIES: readonly ErrorCode[] = [
  'foreign_origin',
  'invalid_json',
  'payload_too_large',
  'unsupported_media_type',
];

type Transform = typeof jsonSchemaTransform;
type RouteDocument = Parameters<Transform>[0];

/** Returns the codes of the errors of a route. */
export function listErrorCodes(route: RouteDocument['route']): ErrorCode[] {
  const { scope, errors = [], idempotent } = route.config ?? {};
  const changes = !['GET', 'HEAD'].includes(String(route.method));
  return [
    ...new Set([
      ...ALWAYS,
      ...(scope === 'public' ? OF_PUBLIC : OF_PRINCIPALS),
      ...(changes ? OF_BODIES : []),
      ...(route.method === 'POST' && scope !== 'public' && idempotent !== false ? OF_KEYS : []),
      ...errors,
    ]),
  ];
}

/**
 * Describes a route in the OpenAPI document: its schemas, the scope that it needs, and every error that it may answer. Hides
 * the routes of plugins.
 */
export const describeRoute: Transform = (input) => {
  const { route } = input;
  const scope = route.config?.scope;
  const schema = input.schema as { readonly response?: { readonly [status: string]: unknown } } | undefined;
  if (scope === undefined) return { schema: { hide: true } as never, url: input.url };
  const results = Object.entries(schema?.response ?? {});
  const response = Object.fromEntries(
    results.map(([status, result]) => [status, describeResult(status, route.config ?? {}, result)]),
  );
  const codes = listErrorCodes(route);
  for (const status of new Set(codes.map((code) => ERROR_CODES[code].status))) {
    const own = response[status];
    const found = codes.filter((code) => ERROR_CODES[code].status === status);
    const described = describeResult(status, { mediaType: PROBLEM_MEDIA_TYPE }, problem);
    response[status] = {
      description: `${own ? `${own.description}, or: ` : ''}${found.join(', ')}`,
      content: { ...own?.content, ...described.content },
    };
  }
  const result = jsonSchemaTransform({ ...input, schema: { ...schema, response } } as unknown as RouteDocument);
  const security = scope === 'public' ? [] : SCHEMES.map((name) => ({ [name]: [scope] }));
  if (route.config?.takesUsers) security.push({ bearer: ['me'] });
  return { ...result, schema: { ...result.schema, security, 'x-errors': codes } as typeof result.schema };
};

const SCHEMES = ['api_key', 'bearer', 'session'];

interface Described {
  readonly description: string;
  readonly content: { readonly [type: string]: { readonly schema: unknown } };
}

function describeResult(
  status: string | number,
  { mediaType = 'application/json', otherMediaType }: Pick<FastifyContextConfig, 'mediaType' | 'otherMediaType'>,
  schema: unknown,
): Described {
  const content = {
    [mediaType]: { schema },
    ...(otherMediaType === undefined ? {} : { [otherMediaType]: { schema } }),
  };
  return { description: STATUS_CODES[Number(status)] ?? String(status), content };
}
