import type { Pool } from 'pg';
import type { ProviderDefinition } from '../channels/provider.ts';
import { loadProvider } from '../channels/registry.ts';
import { DEFAULT_TENANT } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { loadAccount, openSecrets } from '../store/accounts.ts';
import { type InstallationSettings, readInstallation } from './installation.ts';
import type { ReceiptAccount, ReceiptAccounts } from './receipt-accounts.ts';

export interface ReceiptAccountsOptions {
  /** That of the owner: it reads the accounts of all tenants. */
  readonly pool: Pool;
  readonly seal: Seal;
  readonly installation: InstallationSettings;
}

/**
 * Returns the look-up of the accounts that receipts come for. That of the installation is read once. That of a tenant is read
 * for each request, so that a secret that was replaced counts at once; one that is disabled still gets the receipts of what it
 * has sent.
 */
export function openReceiptAccounts({ pool, seal, installation }: ReceiptAccountsOptions): ReceiptAccounts {
  let read: Promise<ReceiptAccount[]> | undefined;
  const readOwn = async () => {
    const accounts = await readInstallation(installation);
    return accounts.map(({ definition, settings }) => ({
      definition,
      settings: definition.settings.parse(settings),
      tenantId: null,
      account: null,
    }));
  };
  const findOfTenant = async (definition: ProviderDefinition, tenantId: string, account: string) => {
    const stored = await loadAccount(pool, tenantId, account);
    if (stored?.provider !== definition.name) return undefined;
    const secrets = openSecrets(seal, stored);
    if (secrets === undefined) throw new Error(`the secrets of the account ${account} of ${tenantId} cannot be opened`);
    const settings = definition.settings.parse({ ...stored.settings, ...secrets });
    return { definition, settings, tenantId, account };
  };
  return {
    async find(provider, place) {
      if (place === null) {
        read ??= readOwn();
        return (await read).find(({ definition }) => definition.name === provider);
      }
      const definition = await loadProvider(provider);
      if (!definition?.receipts) return undefined;
      const [tenantId, account] = splitPlace(place);
      return findOfTenant(definition, tenantId, account);
    },
  };
}

/** Returns tenant and name of `TENANT.NAME`, or of a `NAME` of the default tenant. Neither has a dot in it. */
function splitPlace(place: string): [tenantId: string, account: string] {
  const dot = place.indexOf('.');
  return dot < 0 ? [DEFAULT_TENANT, place] : [place.slice(0, dot), place.slice(dot + 1)];
}
