import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { describeIgnored, openInstallation } from '../../src/accounts/installation.ts';
import { describeUnused } from '../../src/accounts/unused-variables.ts';
import { readConfig } from '../../src/config.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import type { Channel, Message } from '../../src/model/delivery.ts';
import { type SeenRequest, startStandIn } from './stand-ins/http-stand-in.ts';
import { TENANT } from './tidings.ts';

/** The providers that an environment makes. */
export interface TestInstallation {
  /** Name of the provider of each channel. */
  readonly providers: { readonly [channel in Channel]?: string };
  readonly labels: { readonly [provider: string]: string };
  readonly ignored: string | undefined;
  /** Sentences about variables that no provider reads. */
  readonly unused: readonly string[];
  /** Sends an email by a channel; returns the requests that the stand-in got. */
  send(channel: Channel, message?: Message): Promise<readonly SeenRequest[]>;
}

/** Opens the providers of an environment. A variable with the value `STAND_IN` is the URL of a server that accepts everything. */
export async function openEnvironment(env: { readonly [name: string]: string }): Promise<TestInstallation> {
  const standIn = await startStandIn({ status: 202, body: { requestId: 'r1', MessageId: 'm1' } });
  const environment = Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value === 'STAND_IN' ? standIn.url : value]),
  );
  const http = new GuardedClient((url) => url.hostname === '127.0.0.1');
  onTestFinished(async () => {
    await http.close();
    await standIn.stop();
  });
  const key = Buffer.alloc(32).toString('base64');
  const config = readConfig({ TIDINGS_ENCRYPTION_KEY: key, ...environment }, { catalogDir: '.' });
  const { providers, labels, close } = await openInstallation(
    config,
    () => ({ http, clock: Date.now }),
    () => {},
  );
  onTestFinished(close);
  return {
    providers: Object.fromEntries([...providers].map(([channel, { name }]) => [channel, name])),
    labels,
    ignored: describeIgnored(config.environment),
    unused: await describeUnused(config),
    async send(channel, message = { subject: 'A', text: 'b' }) {
      const before = standIn.requests.length;
      await providers.get(channel)?.send(
        {
          tenantId: TENANT,
          notificationId: randomUUID(),
          notificationType: 'TEST',
          channel,
          userId: 'u1',
          target: { kind: 'email', address: 'maria@example.com' },
          message,
          idempotencyKey: randomUUID(),
          attempt: 1,
        },
        AbortSignal.timeout(10_000),
      );
      return standIn.requests.slice(before);
    },
  };
}
