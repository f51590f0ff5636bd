import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Answer } from './http.ts';

/** Compares responses with the OpenAPI document, so that no test passes on a response that the document does not describe. */

interface Response {
  readonly $ref?: string;
  readonly content?: { readonly [type: string]: { readonly schema: object } };
}

interface Operation {
  readonly responses: { readonly [status: string]: Response };
}

// biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document, of which only the parts below are read
type ApiDocument = any;

export class ApiShape {
  readonly #document: ApiDocument;
  readonly #ajv = new Ajv2020({ strict: false });
  readonly #paths: { readonly pattern: RegExp; readonly operations: { readonly [method: string]: Operation } }[];
  readonly #compiled = new Map<object, ValidateFunction>();

  constructor(document: ApiDocument) {
    this.#document = document;
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(document, 'openapi');
    this.#paths = Object.entries<{ readonly [method: string]: Operation }>(document.paths)
      // A path without parameters before one with them.
      .sort(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
      .map(([path, operations]) => ({
        pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
        operations,
      }));
  }

  /** Throws if a response is not one that the document describes. Paths that it does not have may answer problems alone. */
  check(method: string, url: string, { status, headers, body }: Answer): void {
    const path = url.replace(/[?#].*$/s, '');
    const type = (headers.get('content-type') ?? '').split(';')[0] ?? '';
    if (!type.includes('json') || path.startsWith('/api/docs') || path === '/api/openapi.json') return;
    const operation = this.#paths.find(({ pattern }) => pattern.test(path))?.operations[method.toLowerCase()];
    const schema =
      operation === undefined || ROUTER_STATUSES.has(status)
        ? this.#document.components.schemas.Problem
        : this.#findResponse(operation, status)?.content?.[type]?.schema;
    const name = `${method} ${path} answers ${status} ${type}`;
    if (!schema) throw new Error(`${name}, which the OpenAPI document does not have: ${JSON.stringify(body)}`);
    const validate = this.#compile(schema);
    if (validate(body)) return;
    throw new Error(`${name} unlike the OpenAPI document: ${JSON.stringify(validate.errors)} ${JSON.stringify(body)}`);
  }

  #findResponse({ responses }: Operation, status: number): Response | undefined {
    const found = responses[String(status)];
    const name = found?.$ref?.slice('#/components/responses/'.length);
    return name === undefined ? found : this.#document.components.responses[name];
  }

  #compile(schema: object): ValidateFunction {
    let compiled = this.#compiled.get(schema);
    if (compiled === undefined) {
      // References lead into the document, from wherever the schema is compiled.
      compiled = this.#ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')));
      this.#compiled.set(schema, compiled);
    }
    return compiled;
  }
}

/** Statuses that the router answers before it has found the operation. */
const ROUTER_STATUSES: ReadonlySet<number> = new Set([405]);
