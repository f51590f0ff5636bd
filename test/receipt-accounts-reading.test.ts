import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { openReceiptAccounts } from '../src/accounts/find-receipt-account.ts';
import { readConfig } from '../src/config.ts';
import type { Seal } from '../src/privacy/seal.ts';

/** The accounts of the installation, as receipts find them. */

const ENVIRONMENT = {
  TIDINGS_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
  EMAIL_PROVIDER: 'sendgrid',
  SENDGRID_API_KEY: 'SG.key',
  EMAIL_FROM_EMAIL: 'noreply@shop.example',
};

test('a reading that fails is repeated for the next request, and one that succeeds is not', async () => {
  const config = readConfig(ENVIRONMENT, { catalogDir: '.' });
  let reads = 0;
  const installation = {
    ...config,
    get environment() {
      if (reads++ === 0) throw new Error('a passing failure');
      return config.environment;
    },
  };
  const accounts = openReceiptAccounts({ pool: {} as Pool, seal: {} as Seal, installation });
  await expect(accounts.find('sendgrid', null)).rejects.toThrow('a passing failure');
  expect(await accounts.find('sendgrid', null)).toMatchObject({ account: null, tenantId: null });
  const before = reads;
  expect(await accounts.find('sendgrid', null)).toBeDefined();
  expect(reads).toBe(before);
});
