/**
 * Rights of a principal. `read` shows data with addresses masked; what is not masked needs `personal_data:read`. Those with
 * `tenants:` are of the whole installation, `me` is for the customer's own token, and every other one is of one tenant.
 */
export const SCOPES = [
  'events:write',
  'notifications:read',
  'notifications:write',
  'notifications:urgent',
  'batches:read',
  'batches:write',
  'lists:read',
  'lists:write',
  'decisions:read',
  'users:read',
  'users:write',
  'users:erase',
  'messages:read',
  'personal_data:read',
  'deliveries:read',
  'deliveries:write',
  'suppressions:read',
  'suppressions:write',
  'preferences:read',
  'preferences:write',
  'waits:read',
  'waits:write',
  'rejected:read',
  'rejected:write',
  'jobs:read',
  'jobs:write',
  'catalog:read',
  'catalog:write',
  'templates:read',
  'templates:write',
  'audit_log:read',
  'settings:read',
  'settings:write',
  'keys:read',
  'keys:write',
  'members:read',
  'members:write',
  'issuers:read',
  'issuers:write',
  'webhooks:read',
  'webhooks:write',
  'tokens:write',
  'accounts:read',
  'accounts:write',
  'tenants:read',
  'tenants:write',
  'metrics:read',
  'me',
] as const;

export type Scope = (typeof SCOPES)[number];

/** Scopes that no role, and no key of a tenant, may have. */
const OTHER_SCOPES: ReadonlySet<Scope> = new Set(['tenants:read', 'tenants:write', 'metrics:read', 'me']);

/** Everything that can be done within one tenant. */
export const TENANT_SCOPES: readonly Scope[] = SCOPES.filter((scope) => !OTHER_SCOPES.has(scope));

/** Everything that a key of the installation, or a caller on this machine without keys, may do. */
export const INSTALLATION_SCOPES: readonly Scope[] = SCOPES.filter((scope) => scope !== 'me');

const VIEWER: readonly Scope[] = [
  'notifications:read',
  'batches:read',
  'lists:read',
  'decisions:read',
  'users:read',
  'deliveries:read',
  'suppressions:read',
  'preferences:read',
  'waits:read',
  'rejected:read',
  'jobs:read',
  'catalog:read',
  'templates:read',
  'settings:read',
];

/** Roles of members, each with its scopes. */
export const ROLES = {
  owner: TENANT_SCOPES,
  editor: [...VIEWER, 'messages:read', 'audit_log:read', 'catalog:write', 'templates:write', 'settings:write'],
  operator: [
    ...VIEWER,
    'messages:read',
    'audit_log:read',
    'accounts:read',
    'events:write',
    'notifications:write',
    'notifications:urgent',
    'batches:write',
    'lists:write',
    'deliveries:write',
    'suppressions:write',
    'preferences:write',
    'waits:write',
    'rejected:write',
    'jobs:write',
  ],
  support: [...VIEWER, 'messages:read', 'personal_data:read', 'audit_log:read'],
  viewer: VIEWER,
} as const satisfies { readonly [role: string]: readonly Scope[] };

export type Role = keyof typeof ROLES;

/** The one that does something, as the audit log records it. */
export interface Actor {
  /**
   * `portal`: a session of the webhook portal; `local`: a caller on this machine while no keys are configured; `system`: Tidings
   * itself, or a command on its database.
   */
  readonly kind: 'key' | 'member' | 'user' | 'portal' | 'local' | 'system';
  /** Identifies the actor within its kind: the id of a key, of a member, … */
  readonly id: string;
  /** For reading; never a secret or an address. */
  readonly name: string;
  /** Origin of the request: the masked network address, or `cli`; null: from this process. */
  readonly from: string | null;
}

/** The sender of a request, its tenant and its rights. */
export interface Principal {
  /** Tenant of the data. The data of test keys is a tenant of its own. */
  readonly tenantId: string;
  readonly environment: Environment;
  readonly actor: Actor;
  readonly scopes: ReadonlySet<Scope>;
  /** The user of a customer's token; absent for every other principal. */
  readonly userId?: string;
  /** Limit of its requests; absent: none. */
  readonly quota?: Quota;
}

/** A limit of requests, which all requests with the same id share. */
export interface Quota {
  readonly id: string;
  readonly perMinute: number;
}

/** Messages of a test tenant never leave the sandbox. */
export type Environment = 'live' | 'test';

/** The end of the id of every test tenant, and of no other one; the table of tenants has a constraint for it. */
const TEST_ENDING = '.test';

/** Returns the id of the tenant with the data of the test keys of a live tenant. */
export function testTenantId(liveTenantId: string): string {
  return liveTenantId + TEST_ENDING;
}

export function isTestTenant(tenantId: string): boolean {
  return tenantId.endsWith(TEST_ENDING);
}

/** Returns the live tenant that a test tenant belongs to; a live one as it is. */
export function liveTenantId(tenantId: string): string {
  return isTestTenant(tenantId) ? tenantId.slice(0, -TEST_ENDING.length) : tenantId;
}

/** Returns Tidings itself as an actor. @param name what acted: `catalog directory`, `retention`, a command of the CLI, … */
export function systemActor(name: string, from: string | null = null): Actor {
  return { kind: 'system', id: name, name, from };
}
