import type { Pool } from 'pg';
import type { ProviderDefinition } from '../channels/provider.ts';
import { loadProvider } from '../channels/registry.ts';
import { TidingsError } from '../errors.ts';
import { DEFAULT_TENANT } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { loadAccount, openSecrets } from '../store/accounts.ts';
import { type InstallationSettings, readInstallation } from './installation.ts';
import type { ReceiptAccount, ReceiptAccounts } from './receipt-accounts.ts';

/** Time in seconds after which a provider may repeat a request for an account that cannot be opened. */
const RETRY_AFTER_SECONDS = 600;

export interface ReceiptAccountsOptions {
  /** That of the owner: it reads the accounts of all tenants. */
  readonly pool: Pool;
  readonly seal: Seal;
  readonly installation: InstallationSettings;
}

/**
 * Returns the look-up of the accounts that receipts come for. That of the installation is read until it succeeds once. That of
 * a tenant is read for each request, so that a secret that was replaced counts at once; one that is disabled still gets the
 * receipts of what it has sent. `find` throws a TidingsError `overloaded` for one that cannot be opened.
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
    const read = secrets && definition.settings.safeParse({ ...stored.settings, ...secrets });
    if (!read?.success) throw toUnreadable();
    return { definition, settings: read.data, tenantId, account };
  };
  return {
    async find(provider, place) {
      if (place === null) {
        read ??= readOwn().catch((error: unknown) => {
          // A later request may succeed.
          read = undefined;
          throw error;
        });
        return (await read).find(({ definition }) => definition.name === provider);
      }
      const definition = await loadProvider(provider);
      if (!definition?.receipts) return undefined;
      const [tenantId, account] = splitPlace(place);
      return findOfTenant(definition, tenantId, account);
    },
  };
}

/** The error for an account whose key was lost, or whose settings a new version finds wrong. The log and `doctor` name it. */
function toUnreadable(): TidingsError {
  const message = 'The account cannot be opened now. Send the request again once it is corrected.';
  return new TidingsError('overloaded', message, { retryAfter: RETRY_AFTER_SECONDS });
}

/** Returns tenant and name of `TENANT.NAME`, or of a `NAME` of the default tenant. Neither has a dot in it. */
function splitPlace(place: string): [tenantId: string, account: string] {
  const dot = place.indexOf('.');
  return dot < 0 ? [DEFAULT_TENANT, place] : [place.slice(0, dot), place.slice(dot + 1)];
}
