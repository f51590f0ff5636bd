import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { documentRow, openDocument, sealDocument } from '../src/privacy/documents.ts';
import { Seal } from '../src/privacy/seal.ts';
import { SEALED_TABLES } from '../src/store/encryption/sealed-tables.ts';

/** The rotation of the encryption key seals each document for the row by which it is opened. */

const ROWS = [
  { row: documentRow('users', 't', 'u'), key: ['t', 'u'] },
  { row: documentRow('signing_keys', 't', 'k'), key: ['t', 'k'] },
  { row: documentRow('devices', 't', 'd'), key: ['t', 'd'] },
  { row: documentRow('inbox_items', 't', 'u', 'n'), key: ['t', 'u', 'n'] },
  { row: documentRow('provider_accounts', 't', 'a'), key: ['t', 'a'] },
  { row: documentRow('connector_secrets', 't', 'c'), key: ['t', 'c'] },
  { row: documentRow('user_products', 't', 'p'), key: ['t', 'p'] },
  { row: documentRow('consents', 't', 'u', 'c'), key: ['t', 'u', 'c'] },
  { row: documentRow('batches', 't', 'b'), key: ['t', 'b'] },
  { row: documentRow('batch_recipients', 't', 'b', '7'), key: ['t', 'b', '7'] },
  { row: documentRow('waits', 't', 'u', 'w'), key: ['t', 'u', 'w'] },
  { row: documentRow('notifications', 't', 'u', 'n'), key: ['t', 'u', 'n'] },
  { row: documentRow('messages', 't', 'n', 'email', 'x'), key: ['t', 'n', 'email', 'x'] },
  { row: documentRow('webhook_endpoints', 't', 'e'), key: ['t', 'e'] },
  { row: documentRow('kafka_outbox', 't', 'm'), key: ['t', 'm', 'topic'] },
  { row: documentRow('events', 't', 'u', 'k'), key: ['t', 'u', '2025-11-20', 'k'] },
  { row: documentRow('idempotency_keys', 't', 'a', 'r', 'k'), key: ['t', 'a', 'r', 'k'] },
];

test('every table of documents is among these', () => {
  const names = SEALED_TABLES.filter(({ hasKeyId }) => !hasKeyId).map(({ name }) => name);
  expect(names.sort()).toEqual(ROWS.map(({ row }) => row.table).sort());
});

test.each(ROWS)('a document of $row.table opens after the rotation', ({ row, key }) => {
  const [old, next] = [randomBytes(32), randomBytes(32)];
  const sealed = sealDocument(new Seal(old), '{"a":1}', row);
  const table = SEALED_TABLES.find(({ name }) => name === row.table);
  const resealed = table?.reseal(new Seal([next, old]), sealed, key, '');
  expect(openDocument(new Seal(next), resealed ?? Buffer.alloc(0), row)).toEqual({ a: 1 });
});
