import { type DocumentTable, documentRowOf, KEY_ID_BYTES, resealDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { addressAad } from '../../users/addresses.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import { rejectedAad } from '../rejected.ts';

/** A table with a column `sealed`, for the rotation of the encryption key. */
export interface SealedTable {
  readonly name: string;
  /** Columns of the primary key with their types, in its order. */
  readonly key: readonly (readonly [column: string, type: string])[];
  /** Whether the id of the key is in a column of its own, `key_id`. */
  readonly hasKeyId: boolean;
  /** Seals a value again; null: it is sealed under the current key. Throws if it cannot be opened. */
  reseal(seal: Seal, sealed: Buffer, key: readonly string[], keyId: string): Buffer | null;
}

/** Rows looked at in one statement. */
const MAX_PAGE_ROWS = 1000;
/** Bound of the sealed bytes of a page; the first row is included whatever its size. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

const TENANT = ['tenant_id', 'text'] as const;
const USER = ['user_id', 'text'] as const;

export const SEALED_TABLES: readonly SealedTable[] = [
  plainTable('addresses', [TENANT, USER, ['kind', 'text'], ['place', 'smallint']], (tenant, user, kind) =>
    addressAad(tenant, user, kind),
  ),
  plainTable('rejected_events', [TENANT, ['rejected_id', 'uuid']], (tenant, id) => rejectedAad(tenant, id)),
  documentTable('users', [TENANT, USER]),
  documentTable('signing_keys', [TENANT, ['key_id', 'text']]),
  documentTable('devices', [TENANT, ['device_id', 'uuid']]),
  documentTable('inbox_items', [TENANT, USER, ['notification_id', 'uuid']]),
  documentTable('provider_accounts', [TENANT, ['account', 'text']]),
  documentTable('connector_secrets', [TENANT, ['connector', 'text']]),
  documentTable('user_products', [TENANT, ['product_id', 'text']]),
  documentTable('consents', [TENANT, USER, ['consent_id', 'uuid']]),
  documentTable('batches', [TENANT, ['batch_id', 'uuid']]),
  documentTable('batch_recipients', [TENANT, ['batch_id', 'uuid'], ['line', 'integer']]),
  documentTable('waits', [TENANT, USER, ['wait_id', 'uuid']]),
  documentTable('notifications', [TENANT, USER, ['notification_id', 'uuid']]),
  documentTable('messages', [TENANT, ['notification_id', 'uuid'], ['channel', 'text'], ['target', 'text']]),
  documentTable('webhook_endpoints', [TENANT, ['endpoint_id', 'uuid']]),
  documentTable('kafka_outbox', [TENANT, ['message_id', 'uuid'], ['topic', 'text']], 'topic'),
  documentTable('events', [TENANT, USER, ['event_time', 'timestamptz'], ['key', 'uuid']], 'event_time'),
  documentTable('idempotency_keys', [TENANT, ['actor', 'text'], ['route', 'text'], ['key', 'text']]),
];

/** Tables whose sealed values are left to expire, within minutes: a login under way is begun again. */
export const UNROTATED_TABLES: readonly string[] = ['login_attempts'];

/**
 * A table of documents, each bound to its row by the columns that `documentRow` names.
 * @param left a column of the primary key that does not name the document
 */
function documentTable(name: DocumentTable, key: SealedTable['key'], left?: string): SealedTable {
  return {
    name,
    key,
    hasKeyId: false,
    reseal(seal, sealed, values) {
      const [tenantId = '', ...ids] = values.filter((_, index) => key[index]?.[0] !== left);
      return resealDocument(seal, sealed, documentRowOf(name, tenantId, ids));
    },
  };
}

/** A table whose sealed values are texts without the id of their key. */
function plainTable(
  name: string,
  key: SealedTable['key'],
  toAad: (first: string, second: string, third: string) => string,
): SealedTable {
  return {
    name,
    key,
    hasKeyId: true,
    reseal(seal, sealed, [first = '', second = '', third = ''], keyId) {
      const aad = toAad(first, second, third);
      return keyId === seal.keyId ? null : seal.seal(seal.open(sealed, aad, keyId), aad).bytes;
    },
  };
}

/** The result of one page. */
export interface ResealedPage {
  readonly rows: number;
  readonly resealed: number;
  /** Rows that no key of the process opens. */
  readonly unreadable: number;
  /** Primary key of the last row, as texts, where the next page starts; null: it was the last page. */
  readonly cursor: readonly string[] | null;
}

/**
 * Seals the next page of a table again, in order of its primary key. A row that another process changes meanwhile keeps the change.
 * @param after primary key after which the page starts; null: at the beginning
 */
export async function resealPage(
  connection: Connection,
  seal: Seal,
  table: SealedTable,
  after: readonly string[] | null,
): Promise<ResealedPage> {
  const { name, key, hasKeyId } = table;
  const columns = key.map(([column]) => column).join(', ');
  const from = key.map(([, type], index) => `$${index + 1}::${type}`).join(', ');
  const { rows } = await connection.query<{ key: string[]; sealed: Buffer | null; sealed_by: string | null }>(
    `select array[${key.map(([column]) => `${column}::text`).join(', ')}] as key, sealed, sealed_by
     from (
       select page.*, sum(octet_length(sealed)) over (order by ${columns} rows between unbounded preceding and 1 preceding) as before
       from (
         select ${columns}, sealed, ${hasKeyId ? 'key_id' : 'null::text'} as sealed_by from ${name}
         ${after ? `where (${columns}) > (${from})` : ''}
         order by ${columns} limit ${MAX_PAGE_ROWS}
       ) as page
     ) as sized
     where coalesce(before, 0) < ${MAX_PAGE_BYTES}
     order by ${columns}`,
    after ? [...after] : [],
  );
  const changed: { k: string[]; o: string; s: string }[] = [];
  let unreadable = 0;
  for (const { key: values, sealed, sealed_by } of rows) {
    if (sealed === null) continue;
    try {
      const resealed = table.reseal(seal, sealed, values, sealed_by ?? '');
      if (resealed) changed.push({ k: values, o: sealed.toString('base64'), s: resealed.toString('base64') });
    } catch {
      unreadable++;
    }
  }
  if (changed.length > 0) await writeResealed(connection, seal, table, changed);
  return { rows: rows.length, resealed: changed.length, unreadable, cursor: rows.at(-1)?.key ?? null };
}

/** Returns how many rows of a table are sealed under another key than the first of the seal. Reads the whole table. */
export async function countUnderOtherKeys(
  connection: Connection,
  seal: Seal,
  { name, hasKeyId }: SealedTable,
): Promise<number> {
  const isOther = hasKeyId ? 'key_id <> $1' : `substring(sealed for ${KEY_ID_BYTES}) <> decode($1, 'hex')`;
  const { rows } = await connection.query<{ count: string }>(
    `select count(*)::text as count from ${name} where sealed is not null and ${isOther}`,
    [seal.keyId],
  );
  return Number(rows[0]?.count);
}

async function writeResealed(
  connection: Connection,
  seal: Seal,
  { name, key, hasKeyId }: SealedTable,
  changed: readonly { readonly k: readonly string[]; readonly o: string; readonly s: string }[],
): Promise<void> {
  const isSame = key.map(([column, type], index) => `t.${column} = (r.k ->> ${index})::${type}`).join(' and ');
  await connection.query(
    `update ${name} as t set sealed = decode(r.s, 'base64')${hasKeyId ? ', key_id = $2' : ''}
     from json_to_recordset($1) as r(i int, k json, o text, s text)
     where ${isSame} and t.sealed = decode(r.o, 'base64') and ${selectivityHint('r.i')}`,
    [JSON.stringify(changed.map((row, i) => ({ i, ...row }))), ...(hasKeyId ? [seal.keyId] : [])],
  );
}
