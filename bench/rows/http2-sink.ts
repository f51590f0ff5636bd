import { generateKeyPairSync } from 'node:crypto';
import { apns } from '../../src/channels/push/apns.ts';
import type { TargetSource } from '../../src/delivery/targets.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import { bareHttp2 } from '../bare-http.ts';
import { ingestEach, useChannelCatalog } from '../channel-catalog.ts';
import { type Child, startChild } from '../child.ts';
import { type Row, rate } from '../row.ts';
import { allDelivered, withTidings } from '../setup.ts';

const TOKEN = '00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0';

/** One device of each user, which is in no table: the row is about the provider. */
const DEVICES: TargetSource = {
  list: async () => ['device'],
  load: async () => ({ kind: 'device', platform: 'ios', token: TOKEN, registeredAt: 0 }),
  missing: { reasonCode: 'missing_device', reason: 'no device' },
};

/** Push messages by APNs to a sink in another process, against node:http2 by itself with as many streams at once. */
export const http2SinkRow: Row = {
  id: 'http2_sink',
  name: 'delivery to a local HTTP/2 sink (APNs)',
  unit: 'messages/s',
  against: 'bare node:http2, as many streams at once',
  direction: 'higher',
  atLeast: 0.1,
  goal: 0.3,
  async measure(setup) {
    const count = Math.min(setup.events, 10_000);
    const sink: Child<void> = await startChild('http2-sink.ts', {});
    const url = `http://127.0.0.1:${sink.ready}`;
    const client = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const settings = apns.settings.parse({
      key_id: 'ABC123DEFG',
      team_id: 'DEF123GHIJ',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      topic: 'com.example.bench',
      base_url: url,
      sandbox_url: url,
    });
    const provider = await apns.open(settings, { http: client, clock: Date.now });
    const headers = {
      ':path': `/3/device/${TOKEN}`,
      'apns-topic': 'com.example.bench',
      'apns-push-type': 'alert',
      authorization: `bearer ${'x'.repeat(200)}`,
    };
    const body = JSON.stringify({ aps: { alert: { body: 'Hello, this is a message of a few words.' } } });
    try {
      const limit = await bareHttp2(url, count, provider.concurrency, { headers, body });
      const value = await setup.withDatabase(async (database) => {
        await useChannelCatalog(database);
        return withTidings(
          database,
          async (tidings) => {
            await ingestEach(tidings, 'ping', count);
            return rate(count, async () => {
              await tidings.deliver();
              await allDelivered(database);
            });
          },
          { push: provider },
          () => new Map([['push', DEVICES]]),
        );
      });
      return { value, limit };
    } finally {
      await provider.close();
      await client.close();
      await sink.stop();
    }
  },
};
