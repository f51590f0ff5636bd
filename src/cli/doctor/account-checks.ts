import type pg from 'pg';
import { openNamed, readInstallation } from '../../accounts/installation.ts';
import { openAccount } from '../../accounts/open-account.ts';
import type { CheckResult, Provider, ProviderTools } from '../../channels/provider.ts';
import type { Config } from '../../config.ts';
import { GuardedClient } from '../../http-out/guarded-client.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import type { Seal } from '../../privacy/seal.ts';
import { listAllAccounts } from '../../store/accounts.ts';
import { type Finding, fail, ok, runCheck, type Verdict, warn } from './finding.ts';

/** Time in ms for one provider to respond. */
const MAX_ASK_MS = 10_000;
/** Accounts of tenants that are opened, at most. */
const MAX_OPENED = 1000;
/** Accounts that a line names, at most. */
const MAX_NAMED = 5;

/** Opens each account of the installation, and asks its provider whether it lets us in; sends nothing. */
export async function checkInstallation(config: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  let accounts: Awaited<ReturnType<typeof readInstallation>> = [];
  const read = await runCheck('providers', async () => {
    accounts = await readInstallation(config);
    if (accounts.length === 0) return ok('nothing leaves this machine: no provider is configured');
    return ok(accounts.map(({ definition, channels }) => `${channels.join(', ')} by ${definition.label}`).join('; '));
  });
  findings.push(read);
  for (const account of accounts) {
    findings.push(
      await runCheck(`provider ${account.definition.name}`, () =>
        withTools(async (tools) => toVerdict(await ask(await openNamed(account, tools)))),
      ),
    );
  }
  return findings;
}

/** Opens the enabled accounts of all tenants, without asking their providers: `tidings providers check` does. */
export async function checkAccounts(pool: pg.Pool, seal: Seal): Promise<Verdict> {
  const accounts = (await listAllAccounts(pool, null, MAX_OPENED)).filter(({ enabled }) => enabled);
  const wrong = await withTools(async (tools) => {
    const found: string[] = [];
    for (const account of accounts) {
      try {
        const provider = await openAccount(seal, account, tools);
        await provider.close();
      } catch (error) {
        found.push(`${account.account} of the tenant ${account.tenantId}: ${(error as Error).message}`);
      }
    }
    return found;
  });
  if (wrong.length === 0) return ok(`${formatCount(accounts.length, 'account')} of tenants can be opened`);
  const more = wrong.length > MAX_NAMED ? `; and ${wrong.length - MAX_NAMED} more` : '';
  return fail(
    `${wrong.slice(0, MAX_NAMED).join('; ')}${more}`,
    'correct them with: tidings accounts update; until then nothing of these tenants is sent on their channels',
  );
}

async function withTools<T>(work: (tools: ProviderTools) => Promise<T>): Promise<T> {
  const http = new GuardedClient();
  try {
    return await work({ http, clock: Date.now });
  } finally {
    await http.close();
  }
}

async function ask(provider: Provider): Promise<CheckResult | undefined> {
  try {
    return await provider.check?.(AbortSignal.timeout(MAX_ASK_MS));
  } finally {
    await provider.close();
  }
}

function toVerdict(result: CheckResult | undefined): Verdict {
  if (result === undefined) return ok('opened; the provider offers no way to ask');
  if (result.ok) return ok('the provider lets us in');
  return warn(result.reason, 'correct the variables of the account, or look whether the provider can be reached');
}
