import { expect, test } from 'vitest';
import { rotateEncryption } from '../src/store/encryption/rotate-encryption.ts';
import { useDatabase } from './support/database.ts';
import { RetentionRows } from './support/retention-rows.ts';
import { testTidings } from './support/tidings.ts';

/** Changes to the data of all tenants are in the audit log of each live one. */

const database = useDatabase();
const rows = new RetentionRows(database);

async function addTenants(pool = database().pool): Promise<void> {
  await pool.query(`insert into tenants (tenant_id, name, environment, live_tenant_id) values
    ('other', 'other', 'live', null), ('other.test', 'other', 'test', 'other') on conflict do nothing`);
}

async function entries(action: string, pool = database().pool) {
  const { rows: found } = await pool.query(
    `select tenant_id, actor_kind, actor, origin, subject, detail from audit_log where action = $1 order by tenant_id`,
    [action],
  );
  return found;
}

test('a retention run that removed something is an entry of each live tenant, which does not tell how much others had', async () => {
  await addTenants();
  await rows.clear();
  await rows.eventId('old', 31);
  await rows.run(30, { dryRun: true });
  expect(await entries('retention.enforced')).toEqual([]);
  await rows.run(30);
  const expected = {
    actor_kind: 'system',
    actor: 'retention',
    origin: null,
    subject: 'all tenants',
    detail: { started_at: expect.any(String), months: [] },
  };
  const tenants = ['default', 'other'].map((tenant_id) => ({ tenant_id, ...expected }));
  expect(await entries('retention.enforced')).toEqual(tenants);
  // Nothing is left to remove.
  await rows.run(30);
  expect(await entries('retention.enforced')).toEqual(tenants);
});

test('a rotation of the encryption key is an entry of each live tenant, with the id of the new key', async () => {
  const tidings = await testTidings();
  try {
    const { pool } = tidings.database;
    await addTenants(pool);
    await rotateEncryption(pool, tidings.seal, () => {});
    expect(await entries('encryption_key.rotated', pool)).toEqual(
      ['default', 'other'].map((tenant_id) => ({
        tenant_id,
        actor_kind: 'system',
        actor: 'keys rotate-encryption',
        origin: 'cli',
        subject: 'all tenants',
        detail: { key_id: tidings.seal.keyId },
      })),
    );
  } finally {
    await tidings.close();
  }
});
