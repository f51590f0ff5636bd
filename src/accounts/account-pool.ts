import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Provider, ProviderTools } from '../channels/provider.ts';
import type { TenantAccounts } from '../delivery/tenant-accounts.ts';
import { ConfigError } from '../errors.ts';
import { LookupCache } from '../lib/lookup-cache.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { isTestTenant } from '../model/principal.ts';
import type { Seal } from '../privacy/seal.ts';
import { ACCOUNTS_CHANNEL, listAccounts, type SealedAccount } from '../store/accounts.ts';
import { NotifyListener } from '../store/pg/listener.ts';
import { openAccount } from './open-account.ts';
import { PooledAccount } from './pooled-account.ts';

/** Tenants whose accounts are in memory, those without any apart. */
const MAX_TENANTS = 1000;
/** Time in ms after which the accounts of a tenant are loaded again, for when a notification was missed. */
const MAX_AGE_MS: Millis = 60_000;
/** Accounts that are open, at most. */
const MAX_OPEN = 1000;
/** Time in ms for which an account that could not be opened is not tried again. */
const FAILED_MS: Millis = 10_000;

const NONE: readonly Provider[] = [];

export interface AccountPoolOptions {
  /** That of the owner: it reads the accounts of all tenants. */
  readonly pool: pg.Pool;
  /** Database in which to listen for changes; absent: those of other processes are noticed within a minute. */
  readonly databaseUrl?: string;
  readonly seal: Seal;
  /** Asked for when the first account is opened: a process without accounts does not load what they need. */
  readonly getTools: () => ProviderTools | Promise<ProviderTools>;
  readonly log: Logger;
  /** Accounts that are open, at most. Default MAX_OPEN. */
  readonly maxOpen?: number;
}

interface Loaded {
  /** The enabled accounts, in order of choice. */
  readonly accounts: readonly SealedAccount[];
}

interface Opened {
  /** Hash of everything that it was opened from: an account with another one has been changed. */
  readonly fingerprint: string;
  readonly account: PooledAccount;
}

/**
 * The accounts of tenants, opened when something is first sent by them. An account that was changed, deleted or disabled is
 * closed, as is the one used least recently when too many are open, once nothing is under way by it.
 */
export class AccountPool implements TenantAccounts {
  readonly #options: AccountPoolOptions;
  readonly #listener: NotifyListener | undefined;
  readonly #loaded: LookupCache<Loaded>;
  readonly #opened: LRUCache<string, Opened>;
  /** Keys of the open accounts of each tenant. */
  readonly #keys = new Map<string, Set<string>>();
  readonly #opening = new Map<string, Promise<PooledAccount>>();
  readonly #failed = new LRUCache<string, { readonly fingerprint: string; readonly error: Error }>({
    max: MAX_OPEN,
    ttl: FAILED_MS,
  });
  readonly #closing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: AccountPoolOptions) {
    this.#options = options;
    const { pool, databaseUrl, maxOpen = MAX_OPEN } = options;
    this.#loaded = new LookupCache<Loaded>({
      max: MAX_TENANTS,
      ttl: MAX_AGE_MS,
      load: async (tenantId) => {
        const accounts = (await listAccounts(pool, tenantId)).filter(({ enabled }) => enabled);
        this.#retireMissing(tenantId, accounts);
        return accounts.length === 0 ? null : { accounts };
      },
    });
    this.#opened = new LRUCache<string, Opened>({
      max: maxOpen,
      dispose: ({ account }, key, reason) => {
        this.#forgetKey(key);
        account.retire(reason === 'evict' ? 'evicted' : 'replaced');
      },
    });
    // Every notification, and every new connection, since others may have been missed before.
    if (databaseUrl !== undefined) {
      this.#listener = new NotifyListener(databaseUrl, ACCOUNTS_CHANNEL, () => this.#loaded.clear());
    }
  }

  async start(): Promise<void> {
    await this.#listener?.start();
  }

  list(tenantId: string, channel: Channel): readonly Provider[] | Promise<readonly Provider[]> {
    if (isTestTenant(tenantId)) return NONE;
    const loaded = this.#loaded.find(tenantId);
    if (loaded instanceof Promise) return loaded.then((found) => (found === null ? NONE : this.#open(found, channel)));
    return loaded === null ? NONE : this.#open(loaded, channel);
  }

  /** Closes every account. Sends that are under way may end first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#listener?.stop();
    const open = [...this.#opened.values()].map(({ account }) => account);
    await Promise.allSettled([...this.#opening.values()]);
    await Promise.allSettled(open.map((account) => account.close()));
    this.#opened.clear();
    await Promise.allSettled(this.#closing);
  }

  #open({ accounts }: Loaded, channel: Channel): readonly Provider[] | Promise<readonly Provider[]> {
    const wanted = accounts.filter(({ channels }) => channels.includes(channel));
    const found = wanted.map((account) => this.#findOpened(account) ?? this.#openOnce(account));
    return found.every((one) => one instanceof PooledAccount) ? found : this.#openAll(wanted, found);
  }

  /** @throws Error if none of them can be opened */
  async #openAll(
    wanted: readonly SealedAccount[],
    opening: readonly (PooledAccount | Promise<PooledAccount>)[],
  ): Promise<readonly Provider[]> {
    const results = await Promise.allSettled(opening);
    const failures = results.filter((result) => result.status === 'rejected');
    if (failures.length === results.length && failures[0]) throw failures[0].reason;
    return results.map((result, index) =>
      result.status === 'fulfilled' ? result.value : toUnopened(wanted[index] as SealedAccount, result.reason),
    );
  }

  #findOpened(account: SealedAccount): PooledAccount | undefined {
    const opened = this.#opened.get(toKey(account));
    return opened?.fingerprint === fingerprintOf(account) ? opened.account : undefined;
  }

  /** Several deliveries that need an account at the same time wait for one opening. */
  #openOnce(account: SealedAccount): Promise<PooledAccount> {
    const fingerprint = fingerprintOf(account);
    const id = `${toKey(account)}\n${fingerprint}`;
    const pending = this.#opening.get(id);
    if (pending) return pending;
    const opening = this.#openNew(account, fingerprint).finally(() => this.#opening.delete(id));
    this.#opening.set(id, opening);
    return opening;
  }

  async #openNew(account: SealedAccount, fingerprint: string): Promise<PooledAccount> {
    const key = toKey(account);
    const failed = this.#failed.get(key);
    if (failed?.fingerprint === fingerprint) throw failed.error;
    const { seal, getTools, log } = this.#options;
    try {
      const provider = await openAccount(seal, account, await getTools());
      const pooled = new PooledAccount(provider, account, (closing) => this.#addClosing(closing));
      if (this.#isClosed) {
        await pooled.close();
        throw new ConfigError('the process is stopping');
      }
      this.#opened.set(key, { fingerprint, account: pooled });
      const keys = this.#keys.get(account.tenantId) ?? new Set();
      this.#keys.set(account.tenantId, keys.add(key));
      return pooled;
    } catch (error) {
      const message = `The account ${account.account} of the tenant ${account.tenantId} cannot be opened, so nothing is sent by it on ${account.channels.join(', ')}`;
      const failure = new Error(`${message}: ${error instanceof ConfigError ? error.message : 'an internal error'}`);
      if (!this.#isClosed) log.error({ err: error instanceof ConfigError ? undefined : error }, failure.message);
      this.#failed.set(key, { fingerprint, error: failure });
      throw failure;
    }
  }

  /** Retires the accounts of a tenant that were deleted, disabled or changed. */
  #retireMissing(tenantId: string, accounts: readonly SealedAccount[]): void {
    const current = new Map(accounts.map((account) => [toKey(account), fingerprintOf(account)]));
    for (const key of [...(this.#keys.get(tenantId) ?? [])]) {
      if (this.#opened.peek(key)?.fingerprint !== current.get(key)) this.#opened.delete(key);
    }
  }

  #forgetKey(key: string): void {
    const tenantId = key.slice(0, key.indexOf('\n'));
    const keys = this.#keys.get(tenantId);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(tenantId);
  }

  #addClosing(closing: Promise<void>): void {
    const ended = closing.catch(() => {}).finally(() => this.#closing.delete(ended));
    this.#closing.add(ended);
  }
}

const UNOPENED = new WeakMap<Error, Provider>();

/**
 * Returns what stands for an account that cannot be opened beside others of its tenant: it sends nothing, and its first message
 * opens its circuit, which the queue shows, whereupon the others have its messages. What is in doubt by it waits for it.
 */
function toUnopened({ tenantId, account, provider, channels, failoverTo }: SealedAccount, error: Error): Provider {
  const known = UNOPENED.get(error);
  if (known) return known;
  const unopened: Provider = {
    name: provider,
    account,
    ...(failoverTo === null ? {} : { failoverTo }),
    tenantId,
    channels,
    concurrency: 1,
    keepsMessage: false,
    send: async () => ({ kind: 'misconfigured', code: 'account_not_opened', reason: error.message }),
    close: async () => {},
  };
  UNOPENED.set(error, unopened);
  return unopened;
}

function toKey({ tenantId, account }: SealedAccount): string {
  return `${tenantId}\n${account}`;
}

const FINGERPRINTS = new WeakMap<SealedAccount, string>();

/** Returns a hash of everything that an account is opened from. A name that was deleted and used again has another one. */
function fingerprintOf(account: SealedAccount): string {
  const known = FINGERPRINTS.get(account);
  if (known !== undefined) return known;
  const { provider, channels, settings, limits, sealed, revision, operationId } = account;
  const fingerprint = createHash('sha256')
    .update(
      JSON.stringify([provider, channels, settings, limits, revision, operationId, sealed?.toString('base64') ?? null]),
    )
    .digest('base64');
  FINGERPRINTS.set(account, fingerprint);
  return fingerprint;
}
