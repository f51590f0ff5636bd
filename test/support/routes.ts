import { setTimeout as sleep } from 'node:timers/promises';
import type { Outgoing, Provider } from '../../src/channels/provider.ts';
import type { DeliveryWorker, DeliveryWorkerOptions } from '../../src/delivery/worker.ts';
import type { SendOutcome } from '../../src/model/delivery.ts';
import { loadNotifications } from '../../src/store/deliveries/delivery-views.ts';
import { TENANT, type TestTidings, testTidings } from './tidings.ts';

/** Emails and texts by accounts of the test, which answer as each test sets, in virtual time. */
export interface RoutedTidings {
  readonly tidings: TestTidings;
  /** Calls of the providers, in order. */
  readonly sent: { readonly account: string; readonly outgoing: Outgoing }[];
  /** Sets how an account answers. */
  answer(account: string, outcome: SendOutcome): void;
  /** Names the accounts that the tenant has from now on. */
  setAccounts(names: readonly string[]): void;
  /** Has messages of an account go by another one; undefined: by itself again. */
  failOver(account: string, to: string | undefined): void;
  worker(options?: Partial<DeliveryWorkerOptions>): Promise<DeliveryWorker>;
  /** Posts events of a type, one for each of so many users; returns the users. */
  post(type: 'mail' | 'text' | 'ad', count?: number, traits?: object): Promise<string[]>;
  /** Waits until the delivery to a user has this status; returns it with its attempts. */
  becomes(user: string, status: string): Promise<Delivery>;
  /** Number of sends of each account. */
  count(): { readonly [account: string]: number };
  close(): Promise<void>;
}

type Delivery = Awaited<ReturnType<typeof loadNotifications>>[number]['deliveries'][number];

export interface RoutedOptions {
  /** Text of routes.yaml; absent: none. */
  readonly routes?: string;
  readonly accounts: readonly (string | Partial<Provider>)[];
  /** Text of notifications.yaml. */
  readonly notifications?: string;
}

export const NOTIFICATIONS = `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email], give_up_after: 2h }
  AD: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email] }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }`;

export function routedCatalog(routes?: string, notifications = NOTIFICATIONS): Map<string, string> {
  return new Map([
    ['events.yaml', 'events: { mail: {}, ad: {}, text: {} }'],
    ['notifications.yaml', notifications],
    ['rules.yaml', 'rules: { MAIL: { on: mail }, AD: { on: ad }, TEXT: { on: text } }'],
    ['templates/MAIL/email.en.subject.txt', 'Mail'],
    ['templates/MAIL/email.en.txt', 'Hello'],
    ...(notifications.includes('provider_template')
      ? []
      : ([
          ['templates/AD/email.en.subject.txt', 'Ad'],
          ['templates/AD/email.en.txt', 'Hello {{legal_name}} {{postal_address}} {{unsubscribe_url}}'],
        ] as const)),
    ['templates/TEXT/sms.en.txt', 'Hello'],
    ...(routes === undefined ? [] : [['routes.yaml', routes] as const]),
  ]);
}

export async function routedTidings({ routes, accounts, notifications }: RoutedOptions): Promise<RoutedTidings> {
  const sent: RoutedTidings['sent'] = [];
  const outcomes = new Map<string, SendOutcome>();
  const open = (given: string | Partial<Provider>): Provider => {
    const more = typeof given === 'string' ? { account: given } : given;
    const account = more.account ?? 'installation';
    return {
      name: account,
      channels: ['email', 'sms'],
      concurrency: 20,
      keepsMessage: false,
      send: async (outgoing) => {
        sent.push({ account, outgoing });
        return outcomes.get(account) ?? { kind: 'sent' };
      },
      close: async () => {},
      ...more,
    };
  };
  const opened = accounts.map(open);
  let current = opened;
  const installation = open({});
  const tidings = await testTidings({ email: installation, sms: installation }, routedCatalog(routes, notifications));
  const { pool } = tidings.database;
  let users = 0;
  const load = async (user: string): Promise<Delivery | undefined> => {
    const { rows } = await pool.query('select notification_id from notifications where user_id = $1', [user]);
    const found = await loadNotifications(
      pool,
      TENANT,
      user,
      rows.map(({ notification_id }) => notification_id),
    );
    return found[0]?.deliveries[0];
  };
  return {
    tidings,
    sent,
    answer: (account, outcome) => outcomes.set(account, outcome),
    setAccounts(names) {
      current = opened.filter(({ account }) => names.includes(account as string));
    },
    failOver(account, to) {
      current = opened.map((one) => (one.account === account && to !== undefined ? { ...one, failoverTo: to } : one));
    },
    worker: (options = {}) => tidings.worker({ accounts: { list: () => current }, ...options }),
    async post(type, count = 1, traits = {}) {
      tidings.clock.now += 1000;
      const made = Array.from({ length: count }, () => `user ${users++}`);
      await tidings.ingest(
        made.map((user) => ({
          user_id: user,
          event_type: type,
          event_timestamp: new Date(tidings.clock.now).toISOString(),
          user_traits: { email: `${user.replace(' ', '')}@example.com`, phone: '+351912345678', ...traits },
        })),
      );
      return made;
    },
    async becomes(user, status) {
      for (let tries = 0; tries < 500; tries++) {
        const delivery = await load(user);
        if (delivery?.status === status) return delivery;
        await sleep(20);
      }
      throw new Error(`the delivery has not become ${status}: ${JSON.stringify(await load(user))}`);
    },
    count: () => {
      const counts: { [account: string]: number } = {};
      for (const { account } of sent) counts[account] = (counts[account] ?? 0) + 1;
      return counts;
    },
    close: () => tidings.close(),
  };
}
