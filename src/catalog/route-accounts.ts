import type pg from 'pg';
import { findNearest } from '../lib/text/did-you-mean.ts';
import type { CatalogData } from '../model/catalog.ts';
import { INSTALLATION_ACCOUNT } from '../model/route.ts';
import { listAccounts } from '../store/accounts.ts';
import { CHECKS, type Finding } from './lint/findings.ts';
import type { SourceLocator } from './parse/source-map.ts';

/**
 * Returns problems with accounts that routes name and the tenant does not have, or that are not used for the channel. A name that is
 * nearly that of another account is an error. Any other is a warning: the account may be saved later, and until then nothing is
 * sent by it.
 */
export async function checkRouteAccounts(
  pool: pg.Pool,
  tenantId: string,
  { routes = [] }: CatalogData,
  locate: SourceLocator,
): Promise<Finding[]> {
  if (routes.length === 0) return [];
  const accounts = new Map((await listAccounts(pool, tenantId)).map((one) => [one.account, one]));
  return routes.flatMap(({ channel, entries }) =>
    entries.flatMap(({ account }, index) => {
      if (account === INSTALLATION_ACCOUNT) return [];
      const known = accounts.get(account);
      if (known?.enabled && known.channels.includes(channel)) return [];
      const near = known ? undefined : findNearest(account, [...accounts.keys(), INSTALLATION_ACCOUNT]);
      const [message, hint] = known
        ? known.enabled
          ? [`the account ${account} is not used for ${channel}`, `its channels: ${known.channels.join(', ')}`]
          : [`the account ${account} is disabled`, 'enable it with `tidings accounts`, or remove it here']
        : [
            `this tenant has no account ${account}`,
            near === undefined ? 'save it with POST /api/v1/provider-accounts' : `did you mean ${near}?`,
          ];
      const place = locate(['routes', channel, index, 'account']);
      const code = near === undefined ? 'unknown_account' : 'misspelled_account';
      return [{ ...place, severity: CHECKS[code], code, message, hint } as const];
    }),
  );
}
