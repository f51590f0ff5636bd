import type pg from 'pg';
import { openNamed, readInstallation } from '../../accounts/installation.ts';
import { openAccount, requireProvider } from '../../accounts/open-account.ts';
import { describeUnused } from '../../accounts/unused-variables.ts';
import type { CheckResult, Provider, ProviderDefinition, ProviderTools } from '../../channels/provider.ts';
import type { Config } from '../../config.ts';
import { GuardedClient } from '../../http-out/guarded-client.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import type { JsonObject } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import { listAllAccounts, openSecrets, type SealedAccount } from '../../store/accounts.ts';
import { type Finding, fail, ok, runCheck, type Verdict, warn } from './finding.ts';
import type { SenderAccount } from './sender-checks.ts';

/** Time in ms for one provider to respond. */
const MAX_ASK_MS = 10_000;
/** Accounts of tenants that are opened, at most. */
const MAX_OPENED = 1000;
/** Accounts that a line names, at most. */
const MAX_NAMED = 5;

/**
 * Opens each account of the installation, and asks its provider whether it lets us in; sends nothing.
 * @param addSender receives the sender of each account for email
 */
export async function checkInstallation(
  config: Config,
  addSender: (sender: SenderAccount) => void,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let accounts: Awaited<ReturnType<typeof readInstallation>> = [];
  const read = await runCheck('providers', async () => {
    accounts = await readInstallation(config);
    const unused = await describeUnused(config);
    if (unused.length > 0) return warn(unused.join(' '), 'set what is missing, or remove the variables');
    if (accounts.length === 0)
      return ok(
        'the installation does not have accounts of its own: only those of tenants and endpoints of webhooks send',
      );
    return ok(accounts.map(({ definition, channels }) => `${channels.join(', ')} by ${definition.label}`).join('; '));
  });
  findings.push(read);
  for (const account of accounts) {
    const sender = findSender(account.definition, account.settings);
    if (sender) addSender(sender);
    findings.push(
      await runCheck(`provider ${account.definition.name}`, () =>
        withTools(async (tools) => toVerdict(await ask(await openNamed(account, tools)))),
      ),
    );
  }
  return findings;
}

/** Returns the sender of an account for email; undefined: it is for other channels, or its settings name none. */
function findSender(definition: ProviderDefinition, settings: JsonObject): SenderAccount | undefined {
  const parsed = definition.settings.safeParse(settings);
  if (!definition.channels.includes('email') || !parsed.success || typeof settings.from !== 'string') return undefined;
  return { from: settings.from, keys: listKeys(definition, parsed.data) };
}

/** Without keys that cannot be read: the check that opens the account reports those. */
function listKeys(definition: ProviderDefinition, settings: unknown): SenderAccount['keys'] {
  try {
    return definition.signingKeys?.(settings) ?? [];
  } catch {
    return [];
  }
}

async function findSenderOf(seal: Seal, account: SealedAccount): Promise<SenderAccount | undefined> {
  const secrets = account.channels.includes('email') ? openSecrets(seal, account) : undefined;
  return secrets && findSender(await requireProvider(account.provider), { ...account.settings, ...secrets });
}

/**
 * Opens the enabled accounts of all tenants, without asking their providers: `tidings providers check` does.
 * @param addSender receives the sender of each account for email
 */
export async function checkAccounts(
  pool: pg.Pool,
  seal: Seal,
  addSender: (sender: SenderAccount) => void,
): Promise<Verdict> {
  const accounts = (await listAllAccounts(pool, null, MAX_OPENED)).filter(({ enabled }) => enabled);
  const wrong = await withTools(async (tools) => {
    const found: string[] = [];
    for (const account of accounts) {
      try {
        const provider = await openAccount(seal, account, tools);
        await provider.close();
        const sender = await findSenderOf(seal, account);
        if (sender) addSender(sender);
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
