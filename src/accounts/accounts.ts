import type { ProviderDefinition, ProviderTools } from '../channels/provider.ts';
import { ConfigError, type ProblemPart, TidingsError, toOutdated } from '../errors.ts';
import type { Channel } from '../model/delivery.ts';
import type { JsonObject } from '../model/event.ts';
import type { Principal } from '../model/principal.ts';
import type { RateLimit } from '../model/rate-limit.ts';
import type { Seal } from '../privacy/seal.ts';
import {
  type Account,
  deleteAccount,
  listAccounts,
  loadAccount,
  lockAccounts,
  MAX_ACCOUNTS,
  openSecrets,
  type SealedAccount,
  saveAccount,
} from '../store/accounts.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { isoTime } from '../time/iso-time.ts';
import { checkFailover, describeSource, findSource } from './failover.ts';
import { openProvider, requireProvider, toOpeningFault } from './open-account.ts';
import { findSettingsFaults, splitSettings } from './settings.ts';

/** Bytes of the settings of an account, with the secrets, as JSON. */
const MAX_SETTINGS_BYTES = 64 * 1024;

/** An account as the API shows it: without its secrets. */
export interface AccountView {
  readonly account: string;
  readonly provider: string;
  readonly channels: readonly Channel[];
  readonly settings: JsonObject;
  /** Names of the secrets that are set. */
  readonly secrets: readonly string[];
  /** Rate limit that it was given; null: that of the provider. */
  readonly limits: RateLimit | null;
  readonly enabled: boolean;
  /** Account that its messages go by until that is undone; null: they go by itself. */
  readonly failover_to: string | null;
  readonly place: number;
  readonly revision: number;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface NewAccount {
  readonly account: string;
  readonly provider: string;
  /** Absent: the channel of a provider that has one only. */
  readonly channels?: readonly Channel[] | undefined;
  /** With the secrets. */
  readonly settings: JsonObject;
  /** Absent or null: that of the provider. */
  readonly limits?: RateLimit | null | undefined;
  readonly enabled?: boolean | undefined;
  /** Absent: after those that there are. */
  readonly place?: number | undefined;
  /** Identifies the request, a UUID: a repetition returns the account that was created. */
  readonly operationId: string;
}

/** Changes to an account; what is absent stays. A setting that is null is removed. */
export interface AccountChange {
  readonly channels?: readonly Channel[] | undefined;
  readonly settings?: JsonObject | undefined;
  /** Null: that of the provider. */
  readonly limits?: RateLimit | null | undefined;
  readonly enabled?: boolean | undefined;
  /** Account that its messages go by until that is undone; null: by itself again. */
  readonly failover_to?: string | null | undefined;
  readonly place?: number | undefined;
}

export interface AccountsOptions {
  readonly database: TenantDatabase;
  readonly seal: Seal;
  readonly tools: ProviderTools;
}

/** The accounts of tenants with providers, as their owners manage them. Every change is in the audit log. */
export class Accounts {
  readonly #database: TenantDatabase;
  readonly #seal: Seal;
  readonly #tools: ProviderTools;

  constructor({ database, seal, tools }: AccountsOptions) {
    this.#database = database;
    this.#seal = seal;
    this.#tools = tools;
  }

  /** Returns the accounts of a tenant in order of choice. */
  async list({ tenantId }: Principal): Promise<AccountView[]> {
    return (await listAccounts(this.#database.forTenant(tenantId), tenantId)).map(toView);
  }

  /** @throws TidingsError `not_found` */
  async get({ tenantId }: Principal, account: string): Promise<AccountView> {
    return toView(requireAccount(await loadAccount(this.#database.forTenant(tenantId), tenantId, account)));
  }

  /** @throws TidingsError `invalid_account`, `account_exists`, `too_many_accounts` */
  async create(principal: Principal, wanted: NewAccount): Promise<AccountView> {
    const { tenantId } = principal;
    const { account, operationId, enabled = true, limits = null } = wanted;
    const definition = await findDefinition(wanted.provider);
    const channels = chooseChannels(definition, wanted.channels);
    await this.#checkSettings(definition, wanted.settings);
    const now = this.#tools.clock();
    return withTransaction(this.#database.forTenant(tenantId), async (connection) => {
      await lockAccounts(connection, tenantId);
      const all = await listAccounts(connection, tenantId);
      const known = all.find((one) => one.account === account);
      if (known?.operationId === operationId) return toView(known);
      if (known) {
        const message = `There is an account ${account} already; choose another name, or change that one.`;
        throw new TidingsError('account_exists', message, { pointer: '/account' });
      }
      if (all.length >= MAX_ACCOUNTS) {
        const message = `A tenant has at most ${MAX_ACCOUNTS} accounts; delete one first.`;
        throw new TidingsError('too_many_accounts', message);
      }
      const place = wanted.place ?? Math.min(MAX_PLACE, Math.max(0, ...all.map((one) => one.place)) + 1);
      const parts = splitSettings(definition, wanted.settings);
      const saved = await saveAccount(
        connection,
        this.#seal,
        {
          ...{ tenantId, account, provider: definition.name, channels, ...parts, limits, enabled, place, operationId },
          failoverTo: null,
        },
        now,
      );
      await this.#audit(connection, principal, 'account.created', undefined, saved, Object.keys(parts.secrets));
      return toView(saved);
    });
  }

  /**
   * @param expected the revision that the caller knows; undefined: any
   * @throws TidingsError `not_found`, `outdated`, `invalid_account`, `not_readable`
   */
  async update(
    principal: Principal,
    account: string,
    change: AccountChange,
    expected: number | undefined,
  ): Promise<AccountView> {
    const { tenantId } = principal;
    const pool = this.#database.forTenant(tenantId);
    const before = requireAccount(await loadAccount(pool, tenantId, account));
    const definition = await findDefinition(before.provider);
    const channels = change.channels ? chooseChannels(definition, change.channels) : before.channels;
    const written = this.#merge(definition, before, change.settings ?? {});
    // Before the transaction: opening a provider may take long. The revision says whether it is still the same account.
    if (change.settings || change.enabled === true) await this.#checkSettings(definition, written);
    const now = this.#tools.clock();
    return withTransaction(pool, async (connection) => {
      await lockAccounts(connection, tenantId);
      const known = requireAccount(await loadAccount(connection, tenantId, account, true));
      if (expected !== undefined && expected !== known.revision) throw toOutdated(known.revision);
      if (known.revision !== before.revision || known.operationId !== before.operationId)
        throw toOutdated(known.revision);
      const { provider, operationId } = known;
      const { enabled = known.enabled, place = known.place, limits = known.limits } = change;
      const failoverTo = change.failover_to === undefined ? known.failoverTo : change.failover_to;
      const others = (await listAccounts(connection, tenantId)).filter((one) => one.account !== account);
      checkFailover({ account, channels, enabled, failoverTo }, others);
      const parts = splitSettings(definition, written);
      const saved = await saveAccount(
        connection,
        this.#seal,
        { tenantId, account, provider, channels, ...parts, limits, enabled, failoverTo, place, operationId },
        now,
      );
      const changed = Object.keys(splitSettings(definition, change.settings ?? {}).secrets);
      await this.#audit(connection, principal, 'account.changed', known, saved, changed);
      return toView(saved);
    });
  }

  /** @throws TidingsError `not_found`, `outdated`, `invalid_account` if others fail over to it */
  async delete(principal: Principal, account: string, expected: number | undefined): Promise<AccountView> {
    const { tenantId } = principal;
    return withTransaction(this.#database.forTenant(tenantId), async (connection) => {
      await lockAccounts(connection, tenantId);
      const known = requireAccount(await loadAccount(connection, tenantId, account, true));
      if (expected !== undefined && expected !== known.revision) throw toOutdated(known.revision);
      const source = findSource(account, await listAccounts(connection, tenantId));
      if (source) throw new TidingsError('invalid_account', describeSource(source));
      await deleteAccount(connection, tenantId, account);
      await this.#audit(connection, principal, 'account.deleted', known, undefined, []);
      return toView(known);
    });
  }

  /** Returns settings with what the change gives; a setting that is null is removed. */
  #merge(definition: ProviderDefinition, before: SealedAccount, change: JsonObject): JsonObject {
    const secrets = openSecrets(this.#seal, before) ?? this.#requireAllSecrets(before, change);
    const merged = Object.entries({ ...before.settings, ...secrets, ...change });
    // A secret that the provider no longer has would be shown.
    const { settings, secrets: known } = splitSettings(definition, Object.fromEntries(merged));
    return Object.fromEntries(Object.entries({ ...settings, ...known }).filter(([, value]) => value !== null));
  }

  #requireAllSecrets({ secrets }: SealedAccount, change: JsonObject): JsonObject {
    const missing = secrets.filter((name) => !Object.hasOwn(change, name));
    if (missing.length === 0) return {};
    throw new TidingsError(
      'not_readable',
      `The secrets cannot be opened with the current encryption key; write ${missing.join(', ')} again.`,
      { pointer: '/settings' },
    );
  }

  /** @throws TidingsError `invalid_account` if the provider cannot be opened with these settings */
  async #checkSettings(definition: ProviderDefinition, settings: JsonObject): Promise<void> {
    if (Buffer.byteLength(JSON.stringify(settings)) > MAX_SETTINGS_BYTES) {
      throw toInvalid([{ pointer: '/settings', message: 'settings are larger than 64 KiB; write smaller ones.' }]);
    }
    const faults = findSettingsFaults(definition, settings, ['settings']);
    if (faults.length > 0) throw toInvalid(faults);
    try {
      const provider = await openProvider(definition, settings, this.#tools);
      await provider.close();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw toInvalid([toOpeningFault(definition, error)]);
    }
  }

  async #audit(
    connection: Parameters<typeof appendAuditEntry>[0],
    { tenantId, actor }: Principal,
    action: string,
    before: Account | undefined,
    after: Account | undefined,
    secretsWritten: readonly string[],
  ): Promise<void> {
    const state = (account: Account | undefined) =>
      account === undefined ? null : (toView(account) as unknown as JsonObject);
    const detail = secretsWritten.length > 0 ? { secrets_written: [...secretsWritten].sort() } : {};
    const subject = (after ?? before)!.account;
    await appendAuditEntry(
      connection,
      { tenantId, actor, action, subject, detail, before: state(before), after: state(after) },
      this.#tools.clock(),
    );
  }
}

/** The last place that a caller may give. */
export const MAX_PLACE = 1000;

function toView(one: Account): AccountView {
  return {
    account: one.account,
    provider: one.provider,
    channels: one.channels,
    settings: one.settings,
    secrets: one.secrets,
    limits: one.limits,
    enabled: one.enabled,
    failover_to: one.failoverTo,
    place: one.place,
    revision: one.revision,
    created_at: isoTime(one.createdAt),
    updated_at: isoTime(one.updatedAt),
  };
}

/** @throws TidingsError `not_found` */
export function requireAccount(found: SealedAccount | undefined): SealedAccount {
  if (found) return found;
  throw new TidingsError('not_found', 'This tenant has no such account.');
}

/** @throws TidingsError `invalid_account` */
async function findDefinition(provider: string): Promise<ProviderDefinition> {
  try {
    return await requireProvider(provider);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw toInvalid([{ pointer: '/provider', message: error.message }]);
  }
}

/** @throws TidingsError `invalid_account` */
function chooseChannels(definition: ProviderDefinition, wanted: readonly Channel[] | undefined): readonly Channel[] {
  const { channels, label } = definition;
  const all = channels.join(', ');
  if (wanted === undefined && channels.length === 1) return channels;
  if (wanted === undefined) {
    const message = `channels is missing; write those that the account is for, of ${all}.`;
    throw toInvalid([{ pointer: '/channels', message }]);
  }
  const wrong = wanted.findIndex((channel) => !channels.includes(channel));
  if (wrong === -1) return channels.filter((channel) => wanted.includes(channel));
  const message = `${label} does not send on the channel ${wanted[wrong]}; write one of ${all}.`;
  throw toInvalid([{ pointer: `/channels/${wrong}`, message }]);
}

function toInvalid(errors: readonly ProblemPart[]): TidingsError {
  return new TidingsError('invalid_account', errors[0]!.message, { errors });
}
