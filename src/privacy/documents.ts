import type { JsonObject } from '../model/event.ts';
import type { Seal } from './seal.ts';

/*
 * Documents that hold addresses. A table has the document with addresses masked, for views, and beside it the original,
 * sealed, for rules and templates. A document without addresses has no sealed copy.
 */

/** A sealed document begins with the id of its key. */
export const KEY_ID_BYTES = 8;

/** The tables with sealed documents, and the columns that a sealed document is bound to beside the tenant. */
interface DocumentKeys {
  events: [userId: string, key: string];
  users: [userId: string];
  waits: [userId: string, waitId: string];
  notifications: [userId: string, notificationId: string];
  messages: [notificationId: string, channel: string, target: string];
  idempotency_keys: [actor: string, route: string, key: string];
  signing_keys: [keyId: string];
  devices: [deviceId: string];
  inbox_items: [userId: string, notificationId: string];
  provider_accounts: [account: string];
  connector_secrets: [connector: string];
  user_products: [productId: string];
  webhook_endpoints: [endpointId: string];
  kafka_outbox: [messageId: string];
  consents: [userId: string, consentId: string];
  batches: [batchId: string];
  batch_recipients: [batchId: string, line: string];
}

export type DocumentTable = keyof DocumentKeys;

/** Identifies the row of a document. A sealed document opens in no other row. */
export interface DocumentRow<Table extends DocumentTable = DocumentTable> {
  readonly table: Table;
  readonly tenantId: string;
  readonly key: DocumentKeys[Table];
}

/** Identifies a row. @param key the values that `DocumentKeys` names */
export function documentRow<Table extends DocumentTable>(
  table: Table,
  tenantId: string,
  ...key: DocumentKeys[Table]
): DocumentRow<Table> {
  return { table, tenantId, key };
}

/** Identifies a row by a list of values. @param key in the order of `DocumentKeys` */
export function documentRowOf(table: DocumentTable, tenantId: string, key: readonly string[]): DocumentRow {
  return { table, tenantId, key } as unknown as DocumentRow;
}

/** Seals the JSON text of a document: the id of the key, then the sealed text. */
export function sealDocument(seal: Seal, text: string, row: DocumentRow): Buffer {
  const { bytes, keyId } = seal.seal(text, toAad(row));
  const document = Buffer.allocUnsafe(KEY_ID_BYTES + bytes.length);
  document.write(keyId, 0, KEY_ID_BYTES, 'hex');
  bytes.copy(document, KEY_ID_BYTES);
  return document;
}

/**
 * Opens a sealed document. Returns undefined, and reports it to the seal, if it was sealed under another key or for another
 * row, or was changed: the caller goes on with the masked document, or retries later.
 */
export function openDocument(seal: Seal, sealed: Uint8Array, row: DocumentRow): JsonObject | undefined {
  try {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    return JSON.parse(seal.open(bytes.subarray(KEY_ID_BYTES), toAad(row), getDocumentKeyId(bytes))) as JsonObject;
  } catch {
    seal.onUnreadable?.(row.table);
    return undefined;
  }
}

/**
 * Seals a document again, under the key that seals now. Returns null if it is sealed under that key already.
 * @throws Error if it cannot be opened
 */
export function resealDocument(seal: Seal, sealed: Buffer, row: DocumentRow): Buffer | null {
  const keyId = getDocumentKeyId(sealed);
  if (keyId === seal.keyId) return null;
  return sealDocument(seal, seal.open(sealed.subarray(KEY_ID_BYTES), toAad(row), keyId), row);
}

/**
 * Seals a document for another row.
 * @throws Error if it cannot be opened
 */
export function moveDocument(seal: Seal, sealed: Buffer, from: DocumentRow, to: DocumentRow): Buffer {
  return sealDocument(seal, seal.open(sealed.subarray(KEY_ID_BYTES), toAad(from), getDocumentKeyId(sealed)), to);
}

/** Returns the id of the key that a document is sealed under. */
function getDocumentKeyId(sealed: Buffer): string {
  return sealed.toString('hex', 0, KEY_ID_BYTES);
}

/** Returns the additional authenticated data of a row. Ids hold no control characters. */
function toAad({ table, tenantId, key }: DocumentRow): string {
  return `${table}\n${tenantId}\n${key.join('\n')}`;
}
