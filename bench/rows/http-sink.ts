import { http } from '../../src/channels/http/http.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import { bareHttp } from '../bare-http.ts';
import { ingestEach, useChannelCatalog } from '../channel-catalog.ts';
import { type Child, startChild } from '../child.ts';
import { type Row, rate } from '../row.ts';
import { allDelivered, withTidings } from '../setup.ts';

const CONCURRENCY = 50;

/** Email by the generic provider to a sink in another process, against undici by itself with as many requests at once. */
export const httpSinkRow: Row = {
  id: 'http_sink',
  name: 'delivery to a local HTTP sink',
  unit: 'messages/s',
  against: 'bare undici, as many requests at once',
  direction: 'higher',
  atLeast: 0.15,
  goal: 0.5,
  async measure(setup) {
    const count = Math.min(setup.events, 10_000);
    const sink: Child<void> = await startChild('http-sink.ts', {});
    const url = `http://127.0.0.1:${sink.ready}/send`;
    const client = new GuardedClient(({ hostname }) => hostname === '127.0.0.1', CONCURRENCY);
    const body = { from: 'a@example.com', to: '{{to}}', subject: '{{subject}}', text: '{{text}}', ref: '{{key}}' };
    const settings = http.settings.parse({ url, body, success: { path: 'id' }, concurrency: CONCURRENCY });
    const provider = await http.open(settings, { http: client, clock: Date.now });
    try {
      const limit = await bareHttp(
        Array.from({ length: count }, () => url),
        CONCURRENCY,
        JSON.stringify(body),
      );
      const value = await setup.withDatabase(async (database) => {
        await useChannelCatalog(database);
        return withTidings(
          database,
          async (tidings) => {
            await ingestEach(tidings, 'note', count);
            return rate(count, async () => {
              await tidings.deliver();
              await allDelivered(database);
            });
          },
          { email: provider },
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
