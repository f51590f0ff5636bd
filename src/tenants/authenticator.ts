import type { IncomingHttpHeaders } from 'node:http';
import type { Actor, Quota, Scope } from '../model/principal.ts';

/** Everything in a request that may tell who its sender is. */
export interface Credentials {
  readonly headers: IncomingHttpHeaders;
  /** API key or token: of `authorization: Bearer …` or `x-api-key`; undefined: absent. */
  readonly token: string | undefined;
  /** Tenant that the request names in `x-tidings-tenant`; undefined: the one of the caller. */
  readonly tenantId: string | undefined;
  /** Name under which the caller reached the server, without its port. */
  readonly hostname: string;
  /** Network address of the caller. */
  readonly address: string;
}

/** A caller that an authenticator knows. */
export interface Identity {
  /** Tenant for which it acts now. A caller with several chooses by `Credentials.tenantId`; any other one ignores that. */
  readonly tenantId: string;
  readonly actor: Omit<Actor, 'from'>;
  readonly scopes: ReadonlySet<Scope>;
  /** User of a customer's own token; see Principal. */
  readonly userId?: string;
  /** Limit of its requests; absent: none. */
  readonly quota?: Quota;
}

/**
 * Recognizes the callers of one kind: API keys, tokens, sessions, … Returns undefined if the credentials are of another
 * kind. Throws a TidingsError `unauthorized` if they are of its kind, and not valid.
 */
export type Authenticator = (credentials: Credentials) => Identity | undefined | Promise<Identity | undefined>;
