import { expect, test } from 'vitest';
import { useTenants } from './support/tenants.ts';

const api = useTenants();

test('a resumed tenant is no longer shown as suspended at some time', async () => {
  await api.create('pausing');
  const suspended = await api.send('POST', '/api/v1/tenants/pausing/suspend');
  expect(suspended.body).toMatchObject({ status: 'suspended', suspended_at: expect.any(String) });
  const resumed = await api.send('POST', '/api/v1/tenants/pausing/resume');
  expect(resumed.body).toMatchObject({ status: 'active', suspended_at: null });
});
