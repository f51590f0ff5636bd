import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import { KEYS_CHANNEL } from '../store/keys/api-keys.ts';
import { NotifyListener } from '../store/pg/listener.ts';
import type { Authenticator } from './authenticator.ts';
import { environmentKeys } from './environment-keys.ts';
import { Keys } from './keys.ts';
import { localCallers } from './local-callers.ts';
import { Principals } from './principals.ts';
import { Quotas } from './quotas.ts';
import { StoredKeys } from './stored-keys.ts';
import { TenantStates } from './tenant-states.ts';

export interface AccessOptions {
  /** That of the owner. */
  readonly pool: pg.Pool;
  /** Database in which to listen for changes of keys; absent: they are noticed within half a minute. */
  readonly databaseUrl: string | undefined;
  /** Keys of the environment. */
  readonly apiKeys: readonly string[];
  /** Further kinds of callers than those with keys. */
  readonly others: readonly Authenticator[];
  /** Whether callers on this machine need no credentials. */
  readonly isOpen: boolean;
  /** Requests per minute of a key that has no limit of its own. */
  readonly perMinute: number;
  readonly clock: () => Millis;
  readonly log: Logger;
}

/** Everything that decides who may call, and how often. */
export class Access {
  readonly principals: Principals;
  readonly keys: Keys;
  readonly quotas: Quotas;
  readonly #storedKeys: StoredKeys;
  readonly #tenants: TenantStates;
  readonly #listener: NotifyListener | undefined;

  constructor({ pool, databaseUrl, apiKeys, others, isOpen, perMinute, clock, log }: AccessOptions) {
    this.#tenants = new TenantStates(pool);
    this.#storedKeys = new StoredKeys({ pool, clock, log, perMinute });
    this.quotas = new Quotas(pool, clock, log);
    this.keys = new Keys(pool, clock, () => this.forget());
    this.principals = new Principals({
      // In the order in which they are tried.
      authenticators: [
        environmentKeys(apiKeys),
        this.#storedKeys.authenticate,
        ...others,
        ...(isOpen ? [localCallers] : []),
      ],
      findTenant: this.#tenants.find,
    });
    this.#listener =
      databaseUrl === undefined ? undefined : new NotifyListener(databaseUrl, KEYS_CHANNEL, () => this.forget());
  }

  /** Listens for changes that other processes make. */
  async start(): Promise<void> {
    await this.#listener?.start();
  }

  async stop(): Promise<void> {
    await this.#listener?.stop();
    await Promise.all([this.#storedKeys.stop(), this.quotas.stop()]);
  }

  /** Forgets what is known of keys and tenants: some have changed. */
  forget(): void {
    this.#storedKeys.clear();
    this.#tenants.clear();
  }
}
