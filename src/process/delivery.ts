import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Pool } from 'pg';
import { AccountPool } from '../accounts/account-pool.ts';
import { testTemplates } from '../authoring/load-test-template.ts';
import { LazyFetchFiles } from '../channels/email/lazy-fetch-files.ts';
import { deviceTargets } from '../delivery/device-targets.ts';
import { lateLinks } from '../delivery/message-links.ts';
import { mapTargets } from '../delivery/targets.ts';
import { DeliveryWorker } from '../delivery/worker.ts';
import { TenantProfiles } from '../tenants/tenant-profiles.ts';
import { EndpointTargets } from '../webhooks/endpoint-targets.ts';
import type { Providers } from './open-providers.ts';
import type { Parts } from './parts.ts';

/** Makes the worker that delivers, which is not started yet, and opens the accounts of the tenants. */
export async function createDelivery(
  { config, log, cleanup, database, clock, mayAct, seal, catalogs, hasReaderUrl, readerUrl }: Parts,
  { providers, getTools }: Providers,
  pool: Pool,
): Promise<{ readonly worker: DeliveryWorker; readonly accounts: AccountPool }> {
  const files = new LazyFetchFiles(clock);
  cleanup.push(() => files.close());
  const random = Math.random;
  const accounts = new AccountPool({ pool, databaseUrl: database.directUrl, seal, getTools, log });
  cleanup.push(() => accounts.close());
  await accounts.start();
  const worker = new DeliveryWorker({
    name: `${hostname()} ${process.pid} ${randomUUID().slice(0, 8)}`,
    pool,
    databaseUrl: database.directUrl,
    catalogs,
    seal,
    providers,
    accounts,
    clock,
    mayAct,
    random,
    log,
    limits: config.limits.channels,
    getTenant: new TenantProfiles(pool).get,
    loadTestTemplate: testTemplates({ pool, catalogs }),
    targets: mapTargets({
      devices: deviceTargets(pool, seal),
      endpoints: new EndpointTargets({ pool, seal, clock, random }),
    }),
    fetchFiles: files.fetch,
    ...(hasReaderUrl ? { links: lateLinks(() => readerUrl() ?? '', seal, config.publicUrl !== null) } : {}),
    needsUnsubscribeLink: true,
    lease: config.lease,
    poll: config.poll,
  });
  return { worker, accounts };
}
