import type { JsonObject, Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** An issuer of tokens whose users a tenant trusts. */
export interface Issuer {
  readonly tenantId: string;
  /** The claim `iss`. */
  readonly issuer: string;
  /** Null: `publicKeys` holds the keys. */
  readonly jwksUrl: string | null;
  /** A JWK set; null: `jwksUrl` leads to it. */
  readonly publicKeys: JsonObject | null;
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  /** Claim that names the user. */
  readonly userClaim: string;
  readonly revision: number;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

/** Tenants that may share an issuer and audience without naming themselves in a header, at most: those that registered it first. */
const MAX_TENANTS_OF_ISSUER = 10;

const COLUMNS = `tenant_id as "tenantId", issuer, jwks_url as "jwksUrl", public_keys as "publicKeys", audiences, algorithms,
  user_claim as "userClaim", revision, created_at as "createdAt", updated_at as "updatedAt"`;

/**
 * Finds the issuers that a token may be of, over all tenants, the first registered first.
 * @param audiences those of the token: an issuer has one of them
 * @param tenantId only that of this tenant; null: the caller named none
 */
export async function findIssuers(
  owner: Connection,
  issuer: string,
  audiences: readonly string[],
  tenantId: string | null,
): Promise<Issuer[]> {
  const { rows } = await owner.query<Issuer>(
    `select ${COLUMNS} from issuers where issuer = $1 and ($2::text is null or tenant_id = $2) and audiences && $3::text[]
     order by created_at, tenant_id limit ${MAX_TENANTS_OF_ISSUER}`,
    [issuer, tenantId, audiences],
  );
  return rows;
}

/** Returns the issuers of a tenant by name. */
export async function listIssuers(connection: Connection, tenantId: string): Promise<Issuer[]> {
  const { rows } = await connection.query<Issuer>(
    `select ${COLUMNS} from issuers where tenant_id = $1 order by issuer`,
    [tenantId],
  );
  return rows;
}

/** Returns an issuer of a tenant, locked until the end of the transaction; undefined: it does not exist. */
export async function lockIssuer(
  connection: Connection,
  tenantId: string,
  issuer: string,
): Promise<Issuer | undefined> {
  const { rows } = await connection.query<Issuer>(
    `select ${COLUMNS} from issuers where tenant_id = $1 and issuer = $2 for update`,
    [tenantId, issuer],
  );
  return rows[0];
}

/** Returns an issuer of a tenant; undefined: it does not exist. */
export async function loadIssuer(
  connection: Connection,
  tenantId: string,
  issuer: string,
): Promise<Issuer | undefined> {
  const { rows } = await connection.query<Issuer>(
    `select ${COLUMNS} from issuers where tenant_id = $1 and issuer = $2`,
    [tenantId, issuer],
  );
  return rows[0];
}

/** Inserts an issuer, or replaces what is known of it. Returns it as it is then. */
export async function saveIssuer(
  connection: Connection,
  issuer: Omit<Issuer, 'revision' | 'createdAt' | 'updatedAt'>,
  now: Millis,
): Promise<Issuer> {
  const { rows } = await connection.query<Issuer>(
    `insert into issuers (tenant_id, issuer, jwks_url, public_keys, audiences, algorithms, user_claim, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
     on conflict (tenant_id, issuer) do update set jwks_url = excluded.jwks_url, public_keys = excluded.public_keys,
       audiences = excluded.audiences, algorithms = excluded.algorithms, user_claim = excluded.user_claim,
       revision = issuers.revision + 1, updated_at = excluded.updated_at
     returning ${COLUMNS}`,
    [
      issuer.tenantId,
      issuer.issuer,
      issuer.jwksUrl,
      issuer.publicKeys && JSON.stringify(issuer.publicKeys),
      issuer.audiences,
      issuer.algorithms,
      issuer.userClaim,
      isoTime(now),
    ],
  );
  return rows[0]!;
}

export async function deleteIssuer(connection: Connection, tenantId: string, issuer: string): Promise<void> {
  await connection.query('delete from issuers where tenant_id = $1 and issuer = $2', [tenantId, issuer]);
}
