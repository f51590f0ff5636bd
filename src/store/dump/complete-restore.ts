import { ConfigError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry, appendAuditEntryOfAll } from '../audit-log.ts';
import { rescueExpired } from '../deliveries/leases.ts';
import { raisePositions } from '../inbox/raise-positions.ts';
import { renumberOutbox } from '../kafka/outbox.ts';
import { announceKeyChange } from '../keys/api-keys.ts';
import { loadFact, verifyEncryptionKey } from '../metadata.ts';
import { holdOpenDeliveries, pauseWorkers } from '../pause.ts';
import { runSchemaFile } from '../pg/migrate.ts';
import type { Connection } from '../pg/pool.ts';
import { loadSchemaFiles } from '../pg/schema-files.ts';
import { HELD_UNTIL } from '../tenants/queues.ts';
import { raiseSequence } from '../webhooks/sequence.ts';
import { fitTenant, type LeftOut, RESTORED, toRestoreSubject, withTestTenant } from './added-tenant.ts';
import { DumpError, HASH_CHECK_TEXT } from './format.ts';
import { holdSuspended, holdUntilResumed } from './held-timers.ts';
import type { RestoreTarget } from './restore-target.ts';
import { isDumpedFact } from './write-dump.ts';

/**
 * Adds the facts of the dump to those of the database, and checks that this process, the database and the dump have the same
 * keys: data of a tenant that is sealed or hashed otherwise would be of no use.
 *
 * @throws ConfigError if they do not
 */
export async function adoptFacts(connection: Connection, target: RestoreTarget, seal: Seal): Promise<void> {
  const { header, tenant } = target;
  const { rows } = await connection.query<{ name: string; value: string }>('select name, value from restored_facts');
  for (const { name, value } of rows) {
    if (!isDumpedFact(name, tenant)) continue;
    const conflict = tenant === null ? 'do update set value = excluded.value' : 'do nothing';
    await connection.query(`insert into metadata (name, value) values ($1, $2) on conflict (name) ${conflict}`, [
      name,
      value,
    ]);
  }
  await verifyEncryptionKey(connection, seal);
  const own = await loadFact(connection, 'encryption_key');
  const isOtherKey = tenant !== null && own !== undefined && header.key_ids.some((id) => id !== own);
  if (isOtherKey) {
    throw new ConfigError(
      `the dump is sealed under key ${header.key_ids.join(', ')}, and this installation under key ${own}; ` +
        'seal both under the same key with tidings keys rotate-encryption, and dump again',
    );
  }
  if (seal.hash(HASH_CHECK_TEXT) === header.hash_check) return;
  throw new DumpError(
    'the installation that was dumped hashes addresses with another key than this one; its data cannot be used here',
  );
}

interface Completion extends RestoreTarget {
  readonly resume: boolean;
  readonly now: Millis;
}

/**
 * Makes the loaded rows a database that works: sequences, claims and leases of processes that are gone, open work that the
 * dumped installation may have done since, later schema files, an entry in the audit log of each tenant that was restored.
 */
export async function completeRestore(
  connection: Connection,
  { header, tenant, resume, now }: Completion,
): Promise<{ rescued: number; paused: boolean; left_out: LeftOut | null }> {
  const tenants = tenant === null ? null : withTestTenant(tenant);
  await setSequences(connection);
  await raiseSequence(connection);
  await raisePositions(connection, tenants);
  await renumberOutbox(connection, tenants);
  const rescued = await endClaims(connection, tenants, now);
  if (!resume && tenants === null) {
    await pauseWorkers(connection, { since: isoTime(now), dumped_at: header.created_at });
  } else if (!resume && tenants !== null) {
    await holdOpenDeliveries(connection, { dumpedAt: header.created_at, tenants, open: 'hold' }, now);
    await holdUntilResumed(connection, tenants);
  }
  await holdSuspended(connection, tenants);
  const left_out = tenant === null ? null : await fitTenant(connection, tenant, now);
  await announceKeyChange(connection);
  const known = new Set(header.schema.map(({ file }) => file));
  const { rows } = await connection.query<{ file: string }>('select file from migrations');
  for (const { file } of rows) known.add(file);
  for (const file of await loadSchemaFiles()) if (!known.has(file.file)) await runSchemaFile(connection, file);
  const entry = {
    actor: systemActor('command line', 'cli'),
    action: RESTORED,
    detail: { dumped_at: header.created_at, rescued, paused: !resume, ...left_out },
  };
  if (tenant === null) await appendAuditEntryOfAll(connection, entry, now);
  else await appendAuditEntry(connection, { ...entry, tenantId: tenant, subject: toRestoreSubject(tenant) }, now);
  return { rescued, paused: !resume, left_out };
}

/** Sets each sequence that a column owns to continue after the highest value of the column. */
async function setSequences(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ sequence: string; table: string; column: string }>(
    `select s.oid::regclass::text as sequence, t.oid::regclass::text as table, quote_ident(a.attname) as column
     from pg_class as s
     join pg_depend as d on d.objid = s.oid and d.deptype in ('a', 'i') and d.refclassid = 'pg_class'::regclass
     join pg_class as t on t.oid = d.refobjid
     join pg_attribute as a on a.attrelid = t.oid and a.attnum = d.refobjsubid
     where s.relkind = 'S' and s.relnamespace = to_regnamespace(current_schema())`,
  );
  for (const { sequence, table, column } of rows) {
    await connection.query(
      `select setval('${sequence}', greatest((select max(${column}) from ${table}), nextval('${sequence}')))`,
    );
  }
}

/**
 * Ends claims and leases of processes of the dumped installation; what is held stays held. A delivery that was being sent is
 * rescued as after a crash: its attempt is in doubt, and the notification type decides. Returns how many.
 */
async function endClaims(connection: Connection, tenants: readonly string[] | null, now: Millis): Promise<number> {
  const ofTenant = '($1::text[] is null or tenant_id = any ($1))';
  const { rows: queues } = await connection.query<{ name: string }>(
    `select c.relname as name from pg_attribute join pg_class as c on c.oid = attrelid
     where attname = 'claimed_until' and relnamespace = to_regnamespace(current_schema()) and relkind = 'r'`,
  );
  for (const { name: table } of queues) {
    await connection.query(
      `update ${table} set claimed_until = null where claimed_until < ${HELD_UNTIL} and ${ofTenant}`,
      [tenants],
    );
  }
  // A request that was under way then will not be answered: the next one with its key takes over.
  await connection.query(
    `update idempotency_keys set locked_until = 'epoch' where locked_until is not null and ${ofTenant}`,
    [tenants],
  );
  // The lease of a worker with the same name may be alive.
  await connection.query(
    `update deliveries set worker = worker || ' (restored)' where status = 'sending' and ${ofTenant}`,
    [tenants],
  );
  await connection.query(
    `insert into leases (worker, lease_until)
     select distinct worker, 'epoch'::timestamptz from deliveries where status = 'sending' and ${ofTenant}
     on conflict (worker) do update set lease_until = excluded.lease_until`,
    [tenants],
  );
  return rescueExpired(connection, now);
}
