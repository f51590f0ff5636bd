import { randomUUID } from 'node:crypto';
import { AccountPool } from '../../src/accounts/account-pool.ts';
import type { Provider } from '../../src/channels/provider.ts';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import type { Channel, SendOutcome } from '../../src/model/delivery.ts';
import type { JsonObject } from '../../src/model/event.ts';
import { deleteAccount, saveAccount } from '../../src/store/accounts.ts';
import { startStandIn } from './stand-ins/http-stand-in.ts';
import { SENDGRID_ACCEPTS } from './stand-ins/sendgrid.ts';
import { silent, TENANT, type TestTidings, testTidings } from './tidings.ts';

/** Accounts of the tenant of tests with a stand-in of SendGrid, and the pool that opens them. */
export interface TestAccounts {
  readonly pool: AccountPool;
  readonly tidings: TestTidings;
  list(channel: Channel): ReturnType<AccountPool['list']>;
  /** Saves an account, by default one of SendGrid for email that is enabled. */
  save(account: string, more?: Partial<Saved>): Promise<void>;
  delete(account: string): Promise<void>;
  query(sql: string): Promise<unknown>;
  send(provider: Provider): Promise<SendOutcome>;
  /** Starts a send that ends after `release`; resolves when the stand-in has it. */
  startSend(provider: Provider): Promise<{ sent: Promise<SendOutcome>; release: () => void }>;
  /** Number of times that accounts were loaded. */
  lookUps(): number;
  close(): Promise<void>;
}

interface Saved {
  readonly provider: string;
  readonly channels: readonly Channel[];
  readonly settings: JsonObject;
  readonly limits: { readonly per_second?: number; readonly per_day?: number; readonly burst?: number } | null;
  readonly enabled: boolean;
  readonly place: number;
}

/** A client whose requests wait while it is held. */
class GatedClient extends GuardedClient {
  gate: Promise<void> = Promise.resolve();
  onRequest: () => void = () => {};

  override async send(...call: Parameters<GuardedClient['send']>): ReturnType<GuardedClient['send']> {
    this.onRequest();
    await this.gate;
    return super.send(...call);
  }
}

export async function startAccounts({ maxOpen }: { maxOpen?: number } = {}): Promise<TestAccounts> {
  const tidings = await testTidings({ email: sandboxProvider(['email']) });
  const standIn = await startStandIn(SENDGRID_ACCEPTS);
  const { seal } = tidings;
  const owner = tidings.database.pool;
  const http = new GatedClient((url) => url.hostname === '127.0.0.1');
  let lookUps = 0;
  const counting = new Proxy(owner, {
    get(target, name) {
      if (name === 'query') lookUps++;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const pool = new AccountPool({
    pool: counting,
    databaseUrl: tidings.database.url,
    seal,
    getTools: () => ({ http, clock: () => tidings.clock.now }),
    log: silent,
    ...(maxOpen === undefined ? {} : { maxOpen }),
  });
  await pool.start();
  const send = (provider: Provider) =>
    provider.send(
      {
        tenantId: TENANT,
        notificationId: randomUUID(),
        notificationType: 'TEST',
        channel: 'email',
        userId: 'u1',
        target: { kind: 'email', address: 'maria@example.com' },
        message: { subject: 'A', text: 'b' },
        idempotencyKey: randomUUID(),
        attempt: 1,
      },
      AbortSignal.timeout(10_000),
    );
  return {
    pool,
    tidings,
    list: (channel) => pool.list(TENANT, channel),
    async save(account, { settings = {}, ...more } = {}) {
      const { auth_token, ...others } = settings;
      const isOwn = more.provider !== undefined;
      await saveAccount(
        owner,
        seal,
        {
          tenantId: TENANT,
          account,
          provider: 'sendgrid',
          channels: ['email'],
          limits: null,
          enabled: true,
          failoverTo: null,
          place: 1,
          operationId: randomUUID(),
          ...more,
          settings: isOwn ? others : { from: 'a@example.com', base_url: standIn.url, ...others },
          secrets: isOwn ? (auth_token === undefined ? {} : { auth_token }) : { api_key: 'SG.key' },
        },
        tidings.clock.now,
      );
    },
    delete: (account) => deleteAccount(owner, TENANT, account),
    query: (sql) => owner.query(sql),
    send,
    async startSend(provider) {
      let release = () => {};
      http.gate = new Promise((resolve) => {
        release = resolve;
      });
      const started = new Promise<void>((resolve) => {
        http.onRequest = resolve;
      });
      const sent = send(provider);
      await started;
      return { sent, release };
    },
    lookUps: () => lookUps,
    async close() {
      await pool.close();
      await http.close();
      await standIn.stop();
      await tidings.close();
    },
  };
}
