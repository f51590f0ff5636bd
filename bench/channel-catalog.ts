import { validateCatalogFiles } from '../src/catalog/load-valid-catalog.ts';
import { DEFAULT_TENANT } from '../src/model/event.ts';
import { systemActor } from '../src/model/principal.ts';
import { applyCatalog } from '../src/store/apply-catalog.ts';
import type { Database, Tidings } from './setup.ts';

/** Events of this catalog, each of which sends one message: an email (advert, alarm, note), a push message, or webhooks. */
export type ChannelEvent = 'advert' | 'alarm' | 'note' | 'ping' | 'post';

const FILES = new Map([
  ['events.yaml', 'events: { advert: {}, alarm: {}, note: {}, ping: {}, post: {} }\ntraits: { email: string }\n'],
  [
    'notifications.yaml',
    `notifications:
  ADVERT: { category: SYSTEM, channels: [email], priority: LOW }
  ALARM: { category: SYSTEM, channels: [email], priority: URGENT }
  NOTE: { category: SYSTEM, channels: [email] }
  PING: { category: SYSTEM, channels: [push] }
  POST: { category: SYSTEM, channels: [webhook] }
`,
  ],
  [
    'rules.yaml',
    'rules: { ADVERT: { on: advert }, ALARM: { on: alarm }, NOTE: { on: note }, PING: { on: ping }, POST: { on: post } }\n',
  ],
  ...['ADVERT', 'ALARM', 'NOTE'].flatMap((type): [string, string][] => [
    [`templates/${type}/email.en.subject.txt`, 'Hello'],
    [`templates/${type}/email.en.txt`, 'Hello, this is a message of a few words.'],
  ]),
  ['templates/PING/push.en.txt', 'Hello, this is a message of a few words.'],
  ['templates/POST/webhook.en.txt', 'Hello, this is a message of a few words.'],
]);

/** Makes this the catalog of the default tenant. */
export async function useChannelCatalog({ pool }: Database): Promise<void> {
  await applyCatalog(pool, DEFAULT_TENANT, await validateCatalogFiles(FILES), systemActor('bench'), Date.now());
}

let made = 0;

/** Ingests events of one type, each of a user of its own, 1000 a call. */
export async function ingestEach({ pipeline }: Tidings, type: ChannelEvent, count: number): Promise<void> {
  const from = made;
  made += count;
  for (let next = from; next < made; next += 1000) {
    const events = Array.from({ length: Math.min(1000, made - next) }, (_, i) => ({
      user_id: `c_${next + i}`,
      event_type: type,
      event_timestamp: new Date().toISOString(),
      properties: {},
      user_traits: { email: `c${next + i}@example.com` },
    }));
    const results = await pipeline.ingest(DEFAULT_TENANT, events);
    const failed = results.find(({ status }) => status !== 'accepted');
    if (failed) throw new Error(`an event is ${failed.status}: ${failed.message}`);
  }
}
