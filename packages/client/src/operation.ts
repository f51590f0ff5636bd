import type { operations, paths } from './types.ts';

/* Types of the operations of the OpenAPI document, by path and method. */

export type Path = keyof paths;

type Lower = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The methods that a path has. */
export type MethodOf<P extends Path> = { [M in Lower & keyof paths[P]]: paths[P][M] extends object ? M : never }[Lower &
  keyof paths[P]];

type JsonOf<T> = T extends { content: { 'application/json': infer Body } } ? Body : never;

type UnknownIfNever<T> = [T] extends [never] ? unknown : T;

/** The body of a successful response; unknown if it is not JSON. */
export type Result<Operation> = Operation extends { responses: infer Responses }
  ? UnknownIfNever<JsonOf<Responses[keyof Responses & (200 | 201 | 202)]>>
  : never;

type OrUndefined<T> = { [Name in keyof T]: T[Name] | undefined };

/** The parameters of an operation; one that is undefined is left out. */
export type Query<Id extends keyof operations> = OrUndefined<NonNullable<operations[Id]['parameters']['query']>>;

type PathPart<Operation> = Operation extends { parameters: { path: infer Values extends object } }
  ? { readonly path: Values }
  : unknown;

type QueryPart<Operation> = Operation extends { parameters: { query: infer Values extends object } }
  ? { readonly query: OrUndefined<Values> }
  : Operation extends { parameters: { query?: infer Values } }
    ? { readonly query?: OrUndefined<NonNullable<Values>> | undefined }
    : unknown;

type BodyPart<Operation> = Operation extends { requestBody: infer Given }
  ? null extends JsonOf<Given>
    ? { readonly body?: JsonOf<Given> | undefined }
    : { readonly body: JsonOf<Given> }
  : unknown;

/** Parts of a request of an operation beside its path and method. */
export type Input<Operation> = PathPart<Operation> & QueryPart<Operation> & BodyPart<Operation>;
