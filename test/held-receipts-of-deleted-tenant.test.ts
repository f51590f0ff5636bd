import { expect, test } from 'vitest';
import { useTenants } from './support/tenants.ts';

const api = useTenants();

test('receipts that wait for their message go with the tenant of their account, and those of others stay', async () => {
  await api.create('gone');
  for (const tenant of ['gone', 'default']) {
    await api.tidings.pool.query(
      `insert into held_receipts (provider, account, account_tenant, message_key, receipt, held_at, due_at)
       values ('twilio', 'main', $1, 'SM1', '{}', now(), now())`,
      [tenant],
    );
  }
  expect((await api.send('DELETE', '/api/v1/tenants/gone')).status).toBe(202);
  for (let tries = 0; tries < 5; tries++) await api.keep();
  expect(await api.rows(`select from tenants where tenant_id = 'gone'`)).toEqual([]);
  expect(await api.rows('select account_tenant from held_receipts')).toEqual([{ account_tenant: 'default' }]);
});
