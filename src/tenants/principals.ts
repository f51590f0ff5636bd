import { TidingsError, tenantMoving } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import { maskNetworkAddress } from '../privacy/mask-network-address.ts';
import type { TenantState } from '../store/tenants/tenant-state.ts';
import type { Authenticator, Credentials, Identity } from './authenticator.ts';

export interface PrincipalsOptions {
  /** Asked in this order; the first that knows the caller decides. */
  readonly authenticators: readonly Authenticator[];
  /** Returns null for an unknown tenant. */
  readonly findTenant: (tenantId: string) => TenantState | null | Promise<TenantState | null>;
}

/** Turns the credentials of a request into a principal. Nothing is awaited while everything it needs is in memory. */
export class Principals {
  readonly #options: PrincipalsOptions;

  constructor(options: PrincipalsOptions) {
    this.#options = options;
  }

  /**
   * Throws, or rejects with, `unauthorized`, `not_found` (the caller has no such tenant as the request names) or
   * `tenant_suspended`, or `tenant_moving`.
   */
  resolve(credentials: Credentials): Principal | Promise<Principal> {
    return this.#ask(credentials, 0);
  }

  #ask(credentials: Credentials, first: number): Principal | Promise<Principal> {
    const { authenticators } = this.#options;
    for (let next = first; next < authenticators.length; ) {
      const identity = (authenticators[next++] as Authenticator)(credentials);
      if (identity instanceof Promise) {
        return identity.then((known) => (known ? this.#admit(known, credentials) : this.#ask(credentials, next)));
      }
      if (identity) return this.#admit(identity, credentials);
    }
    throw new TidingsError(
      'unauthorized',
      credentials.token === undefined
        ? 'Send an API key: authorization: Bearer KEY, or x-api-key: KEY.'
        : 'This API key is unknown.',
    );
  }

  #admit(identity: Identity, credentials: Credentials): Principal | Promise<Principal> {
    const tenant = this.#options.findTenant(identity.tenantId);
    return tenant instanceof Promise
      ? tenant.then((found) => toPrincipal(identity, credentials, found))
      : toPrincipal(identity, credentials, tenant);
  }
}

function toPrincipal(identity: Identity, { tenantId, address }: Credentials, tenant: TenantState | null): Principal {
  if (!tenant || (tenantId !== undefined && tenantId !== identity.tenantId)) {
    throw new TidingsError('not_found', 'There is no such tenant; correct x-tidings-tenant, or leave it out.', {
      pointer: 'x-tidings-tenant',
    });
  }
  if (tenant.status !== 'active') {
    if (tenant.status === 'moving') throw tenantMoving();
    const state = tenant.status === 'suspended' ? 'suspended' : 'being deleted';
    throw new TidingsError('tenant_suspended', `The tenant is ${state}; its requests are rejected.`);
  }
  return {
    ...identity,
    environment: tenant.environment,
    actor: { ...identity.actor, from: maskNetworkAddress(address) },
  };
}
