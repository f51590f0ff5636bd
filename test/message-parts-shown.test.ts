import { expect, test } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { loadMessage } from '../src/store/deliveries/delivery-views.ts';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { TENANT } from './support/tidings.ts';

/** The message of a delivery as the API shows it: every part, with addresses masked. */

const start = useDeliveries();

async function showMessage(channel: 'push' | 'email' | 'webhook', files: { [file: string]: string }) {
  const tidings = await start({ [channel]: sandboxProvider([channel]) });
  const catalog = deliveryCatalog(files);
  const types = catalog.get('notifications.yaml')!;
  catalog.set(
    'notifications.yaml',
    types.replace('LISTED: {', `SHOWN: { category: SYSTEM, channels: [${channel}] }\n  LISTED: {`),
  );
  catalog.set('rules.yaml', catalog.get('rules.yaml')!.replace('LISTED: {', 'SHOWN: { on: shown }, LISTED: {'));
  catalog.set('events.yaml', catalog.get('events.yaml')!.replace('listed: {}', 'listed: {}, shown: {}'));
  await tidings.apply(catalog);
  await tidings.worker();
  const event = eventOf('shown', { n: 7, to: 'jane.doe@example.com' });
  const [result] = await tidings.ingest([event]);
  const notificationId = result!.decisions[0]!.notification_id!;
  await tidings.becomes(`${notificationId}.${channel}`, 'sandboxed');
  const id = { notificationId, channel, target: '' } as const;
  return loadMessage(tidings.database.pool, tidings.seal, TENANT, id);
}

test('every part of a push message is shown', async () => {
  const message = await showMessage('push', {
    'templates/SHOWN/push.en.title.txt': 'For {{event.to}}',
    'templates/SHOWN/push.en.txt': 'Hi',
    'templates/SHOWN/push.en.badge.txt': '3',
    'templates/SHOWN/push.en.image.txt': 'https://x.example/i.png',
    'templates/SHOWN/push.en.actions.yaml': '- { label: Open, url: "app://o/{{event.n}}" }',
    'templates/SHOWN/push.en.data.yaml': 'n: "{{event.n}}"\nlist: ["{{event.to}}"]',
  });
  expect(message).toMatchObject({
    title: 'For j…@example.com',
    text: 'Hi',
    badge: 3,
    image: 'https://x.example/i.png',
    actions: [{ label: 'Open', url: 'app://o/7' }],
    data: { n: 7, list: ['j…@example.com'] },
  });
  expect(message).not.toHaveProperty('subject');
  expect(JSON.stringify(message)).not.toContain('jane.doe');
});

test('the files of an email are shown by name and URL', async () => {
  const message = await showMessage('email', {
    'templates/SHOWN/email.en.subject.txt': 'Hi',
    'templates/SHOWN/email.en.txt': 'Hi',
    'templates/SHOWN/email.en.attachments.yaml':
      '- { url: "https://x.example/{{event.n}}", name: a.pdf, content_id: a }',
  });
  expect(message).toMatchObject({ attachments: [{ name: 'a.pdf', url: 'https://x.example/7', content_id: 'a' }] });
});

test('a webhook without a template carries the event', async () => {
  const message = await showMessage('webhook', {});
  expect(message).toMatchObject({
    text: '',
    data: { notification_type: 'SHOWN', user_id: 'u1', event_type: 'shown', event: { n: 7 } },
  });
});
