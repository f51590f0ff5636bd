import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Outgoing, Provider } from '../../src/channels/provider.ts';
import { deviceTargets } from '../../src/delivery/device-targets.ts';
import type { SendOutcome } from '../../src/model/delivery.ts';
import type { Registration } from '../../src/model/device.ts';
import { listDevices, registerDevice } from '../../src/store/devices/devices.ts';
import { silent, TENANT, type TestTidings, testTidings } from './tidings.ts';

/** Push messages to devices, on a private database, by providers of the test. */
export interface PushTidings {
  readonly tidings: TestTidings;
  /** Calls of the providers, in order. */
  readonly sent: { readonly account: string; readonly outgoing: Outgoing }[];
  register(userId: string, registration?: Partial<Registration> & { readonly token?: string }): Promise<string>;
  /** Starts a worker; one is started at first. */
  startWorker(): Promise<void>;
  devices(userId: string): Promise<Awaited<ReturnType<typeof listDevices>>>;
  /** Posts the event that sends a push message to a user. */
  post(userId: string): Promise<void>;
  /** Does so, and waits until all its deliveries have ended. */
  push(
    userId: string,
  ): Promise<{ readonly target: string; readonly status: string; readonly reason_code: string | null }[]>;
  close(): Promise<void>;
}

const CATALOG = new Map([
  ['events.yaml', 'events: { pushed: {} }'],
  ['notifications.yaml', 'notifications: { PUSHED: { category: SYSTEM, channels: [push] } }'],
  ['rules.yaml', 'rules: { PUSHED: { on: pushed } }'],
  ['templates/PUSHED/push.en.txt', 'Hello'],
]);

/** An account of the test: its push services, and how it answers. */
export interface PushAccount {
  readonly name: string;
  readonly services?: Provider['services'];
  readonly answer?: (outgoing: Outgoing) => SendOutcome | Promise<SendOutcome>;
}

export async function pushTidings(accounts: readonly PushAccount[], log: Logger = silent): Promise<PushTidings> {
  const sent: PushTidings['sent'] = [];
  const open = ({ name, services, answer }: PushAccount): Provider => ({
    name,
    account: name,
    channels: ['push'],
    concurrency: 10,
    keepsMessage: false,
    ...(services ? { services } : {}),
    send: async (outgoing) => {
      sent.push({ account: name, outgoing });
      return answer ? answer(outgoing) : { kind: 'sent' };
    },
    close: async () => {},
  });
  const opened = accounts.map(open);
  const tidings = await testTidings({ push: opened[0] as Provider }, CATALOG);
  const { pool } = tidings.database;
  const startWorker = async () => {
    await tidings.worker({
      accounts: { list: () => opened },
      targets: new Map([['push' as const, deviceTargets(pool, tidings.seal)]]),
      log,
    });
  };
  await startWorker();
  let made = 0;
  const post = async (userId: string) => {
    tidings.clock.now += 1000;
    const event = {
      user_id: userId,
      event_type: 'pushed',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
    };
    await tidings.ingest([event]);
  };
  return {
    tidings,
    sent,
    startWorker,
    async register(userId, { token, ...registration } = {}) {
      const chosen: Registration = {
        platform: 'android',
        service: 'fcm',
        app: 'default',
        environment: null,
        secret: { token: token ?? `token ${made++}` },
        ...registration,
      };
      const of = { tenantId: TENANT, userId };
      const registered = await registerDevice(pool, tidings.seal, of, chosen, tidings.clock.now);
      if (!registered) throw new Error('the user has too many devices');
      return registered.device.deviceId;
    },
    devices: (userId) => listDevices(pool, TENANT, userId, true),
    post,
    async push(userId) {
      await post(userId);
      for (let tries = 0; tries < 500; tries++) {
        const { rows } = await pool.query(
          `select target, status, reason_code, finished_at from deliveries where user_id = $1 and notification_id = (
             select max(notification_id::text)::uuid from deliveries where user_id = $1) order by target`,
          [userId],
        );
        if (rows.length > 0 && rows.every(({ finished_at }) => finished_at !== null))
          return rows.map(({ target, status, reason_code }) => ({ target, status, reason_code }));
        await sleep(20);
      }
      throw new Error('the deliveries have not ended');
    },
    close: () => tidings.close(),
  };
}
