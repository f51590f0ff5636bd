import type { JsonObject, Millis } from '../../model/event.ts';
import { documentRow, openDocument, sealDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** A key pair with which Tidings signs tokens of the users of a tenant. */
export interface SigningKey {
  readonly keyId: string;
  readonly publicKey: JsonObject;
  readonly createdAt: Millis;
  /** Null: it signs; otherwise it only verifies what it signed before. */
  readonly retiredAt: Millis | null;
}

const COLUMNS = `key_id as "keyId", public_key as "publicKey", created_at as "createdAt", retired_at as "retiredAt"`;

/** Returns the keys of a tenant, the one that signs first. */
export async function listSigningKeys(connection: Connection, tenantId: string): Promise<SigningKey[]> {
  const { rows } = await connection.query<SigningKey>(
    `select ${COLUMNS} from signing_keys where tenant_id = $1 order by retired_at desc nulls first, created_at desc, key_id`,
    [tenantId],
  );
  return rows;
}

/** Returns the key that signs, with its private half as JWK; undefined: no key signs, or it cannot be opened. */
export async function loadSigningKey(
  connection: Connection,
  seal: Seal,
  tenantId: string,
): Promise<(SigningKey & { readonly privateKey: JsonObject }) | undefined> {
  const { rows } = await connection.query<SigningKey & { sealed: Buffer }>(
    `select ${COLUMNS}, sealed from signing_keys where tenant_id = $1 and retired_at is null
     order by created_at desc, key_id limit 1`,
    [tenantId],
  );
  const [row] = rows;
  if (!row) return undefined;
  const { sealed, ...key } = row;
  const privateKey = openDocument(seal, sealed, documentRow('signing_keys', tenantId, key.keyId));
  return privateKey && { ...key, privateKey };
}

/** Finds a key by its id, whether it signs or not. */
export async function findSigningKey(
  owner: Connection,
  tenantId: string,
  keyId: string,
): Promise<SigningKey | undefined> {
  const { rows } = await owner.query<SigningKey>(
    `select ${COLUMNS} from signing_keys where tenant_id = $1 and key_id = $2`,
    [tenantId, keyId],
  );
  return rows[0];
}

/**
 * Inserts the key that signs from now on; retires the others, and deletes those that retired before `forgottenBefore`.
 * @param key.isRevoked deletes all others: what they signed passes no more
 */
export async function replaceSigningKey(
  connection: Connection,
  seal: Seal,
  key: {
    readonly tenantId: string;
    readonly keyId: string;
    readonly publicKey: JsonObject;
    readonly privateKey: JsonObject;
    readonly isRevoked: boolean;
  },
  now: Millis,
  forgottenBefore: Millis,
): Promise<void> {
  const sealed = sealDocument(
    seal,
    JSON.stringify(key.privateKey),
    documentRow('signing_keys', key.tenantId, key.keyId),
  );
  await connection.query('delete from signing_keys where tenant_id = $1 and ($3 or retired_at < $2)', [
    key.tenantId,
    isoTime(forgottenBefore),
    key.isRevoked,
  ]);
  await connection.query('update signing_keys set retired_at = $2 where tenant_id = $1 and retired_at is null', [
    key.tenantId,
    isoTime(now),
  ]);
  await connection.query(
    'insert into signing_keys (tenant_id, key_id, public_key, sealed, created_at) values ($1, $2, $3, $4, $5)',
    [key.tenantId, key.keyId, JSON.stringify(key.publicKey), sealed, isoTime(now)],
  );
}
