import type { JsonObject } from '../../model/event.ts';
import {
  type DocumentRow,
  type DocumentTable,
  documentRow,
  documentRowOf,
  openDocument,
} from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { unpackDecisions } from '../decisions.ts';

/* Rows of a user as an export has them: whole, with what is sealed opened. */

/** A row as PostgreSQL writes it, with `sealed` apart. */
export interface StoredRow {
  readonly row: JsonObject;
  readonly sealed: Buffer | null;
}

/** A list of an export. */
export interface ExportedRows {
  /** Name of its folder. */
  readonly name: string;
  /**
   * A query with the columns `row` (json) and `sealed`. `$1`: the tenant; `$2`: the user, and those who were merged into them.
   */
  readonly query: string;
  /** Returns a row as it is exported. */
  open(seal: Seal, tenantId: string, stored: StoredRow): JsonObject;
}

const text = (row: JsonObject, column: string) => String(row[column] ?? '');

/** Returns the row with what was sealed in place of what is masked; marked, if no key opens it. */
function withOriginal(
  seal: Seal,
  { row, sealed }: StoredRow,
  of: DocumentRow,
  toFields: (original: JsonObject) => JsonObject,
): JsonObject {
  if (sealed === null) return row;
  const original = openDocument(seal, sealed, of);
  return original ? { ...row, ...toFields(original) } : { ...row, unreadable: true };
}

function withDecisions(row: JsonObject, key: string, eventId: string): JsonObject {
  const { decisions, ...rest } = row;
  if (!Array.isArray(decisions)) return row;
  return { ...rest, decisions: unpackDecisions(decisions as never, key, eventId) as never };
}

/** A query for the rows of a table with the user's id, without some columns. */
function ofUser(table: string, order: string, without = '', condition = 'true'): string {
  return `select to_jsonb(t) - 'tenant_id' - 'sealed' ${without} as row, ${HAS_SEALED.has(table) ? 't.sealed' : 'null::bytea as sealed'}
          from ${table} as t where tenant_id = $1 and user_id = any($2::text[]) and ${condition} order by ${order}`;
}

const HAS_SEALED: ReadonlySet<string> = new Set([
  'events',
  'waits',
  'notifications',
  'inbox_items',
  'consents',
  'batch_recipients',
  'user_products',
]);

/** A query for the rows that belong to the notifications of the user. */
function ofNotifications(table: string): string {
  return `select to_jsonb(t) - 'tenant_id' - 'sealed' as row, ${table === 'messages' ? 't.sealed' : 'null::bytea as sealed'}
          from notifications as n join ${table} as t on t.tenant_id = n.tenant_id and t.notification_id = n.notification_id
          where n.tenant_id = $1 and n.user_id = any($2::text[]) order by n.notification_id`;
}

/** Opens the document of a row as one of its fields. @param columns those that the document is bound to beside the tenant */
function openDocumentAs(field: string, table: DocumentTable, ...columns: readonly string[]): ExportedRows['open'] {
  return (seal, tenantId, stored) => {
    const key = columns.map((column) => text(stored.row, column));
    const of = documentRowOf(table, tenantId, key);
    return withOriginal(seal, stored, of, (original) => ({ [field]: original }));
  };
}

const asIs = (_seal: Seal, _tenantId: string, { row }: StoredRow) => row;

/** The lists, in the order of the archive. */
export const EXPORTED_ROWS: readonly ExportedRows[] = [
  {
    name: 'events',
    query: ofUser('events', 'event_time, key', `- 'excerpt' - 'has_fired' - 'has_trait_change' - 'has_held'`),
    open(seal, tenantId, stored) {
      const key = text(stored.row, 'key');
      const of = documentRow('events', tenantId, text(stored.row, 'user_id'), key);
      const row = withOriginal(seal, stored, of, (original) => original);
      return withDecisions(row, key, typeof row.event_id === 'string' ? row.event_id : key);
    },
  },
  {
    name: 'waits',
    query: ofUser('waits', 'wait_id', `- 'claimed_until' - 'has_held'`),
    open(seal, tenantId, stored) {
      const id = text(stored.row, 'wait_id');
      const of = documentRow('waits', tenantId, text(stored.row, 'user_id'), id);
      const row = withOriginal(seal, stored, of, (originals) => ({ originals }));
      return withDecisions(row, id, id);
    },
  },
  {
    name: 'notifications',
    query: ofUser('notifications', 'notification_id', `- 'sequence'`),
    open: openDocumentAs('data', 'notifications', 'user_id', 'notification_id'),
  },
  { name: 'deliveries', query: ofNotifications('deliveries'), open: asIs },
  { name: 'attempts', query: ofNotifications('attempts'), open: asIs },
  { name: 'receipts', query: ofNotifications('receipts'), open: asIs },
  {
    name: 'messages',
    query: ofNotifications('messages'),
    open: openDocumentAs('message', 'messages', 'notification_id', 'channel', 'target'),
  },
  {
    name: 'inbox',
    query: ofUser('inbox_items', 'sequence'),
    open: openDocumentAs('message', 'inbox_items', 'user_id', 'notification_id'),
  },
  {
    name: 'consents',
    query: ofUser('consents', 'consent_id', `- 'address_hash'`),
    open: openDocumentAs('evidence', 'consents', 'user_id', 'consent_id'),
  },
  {
    name: 'verifications',
    query: ofUser('address_verifications', 'kind, hash', `- 'hash' - 'code_hash'`),
    open: asIs,
  },
  {
    name: 'batches',
    query: ofUser('batch_recipients', 'batch_id, line', `- 'address_hash'`),
    open: openDocumentAs('recipient', 'batch_recipients', 'batch_id', 'line'),
  },
  {
    name: 'lists',
    query: `select json_build_object('list_id', l.list_id, 'name', l.name, 'user_id', m.user_id, 'added_at', m.added_at) as row,
                   null::bytea as sealed
            from list_members as m join lists as l using (tenant_id, list_id)
            where m.tenant_id = $1 and m.user_id = any($2::text[]) order by l.list_id`,
    open: asIs,
  },
  { name: 'devices', query: ofUser('devices', 'device_id', `- 'hash'`), open: asIs },
  { name: 'connector_tasks', query: ofUser('connector_tasks', 'task_id', `- 'claimed_until'`), open: asIs },
  {
    name: 'products',
    query: ofUser('user_products', 'product_id'),
    open: openDocumentAs('network', 'user_products', 'product_id'),
  },
  { name: 'experiments', query: ofUser('exposures', 'rule'), open: asIs },
  { name: 'limit_uses', query: ofUser('limit_uses', 'limit_key, bucket, slot'), open: asIs },
  {
    name: 'suppressions',
    query: `select to_jsonb(s) - 'tenant_id' - 'address_hash' as row, null::bytea as sealed from suppressions as s
            where s.tenant_id = $1 and s.address_hash in (
              select hash from addresses where tenant_id = $1 and user_id = any($2::text[]))
            order by s.suppression_id`,
    open: asIs,
  },
  {
    name: 'audit',
    query: `select to_jsonb(a) - 'tenant_id' as row, null::bytea as sealed from audit_log as a
            where a.tenant_id = $1 and (a.subject = any($2::text[]) or (a.actor_kind = 'user' and a.actor_id = any($2::text[]))) order by a.entry_id`,
    open: asIs,
  },
];
