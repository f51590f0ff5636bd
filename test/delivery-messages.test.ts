import { describe, expect, test } from 'vitest';
import { validateCatalogFiles } from '../src/catalog/load-valid-catalog.ts';
import { noopProvider } from '../src/channels/noop.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { DELIVERY_CATALOG, deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';
import { keptMessages, TENANT } from './support/tidings.ts';

const start = useDeliveries();

describe('messages', () => {
  test('go out on every channel of their type, or on those that the rule names', async () => {
    const tidings = await start({});
    const { 'events.yaml': types } = DELIVERY_CATALOG;
    await tidings.apply(
      new Map([
        ['events.yaml', types],
        ['notifications.yaml', 'notifications: { BOTH: { category: SECURITY, channels: [sms, internal] } }'],
        [
          'rules.yaml',
          'rules: { ALL: { on: mail, notify: BOTH }, ONE: { on: text, notify: BOTH, channels: internal } }',
        ],
        ['templates/BOTH/sms.en.txt', 'Both'],
      ]),
    );
    await tidings.ingest([eventOf('mail', { user: 'all' }), eventOf('text', { user: 'one' })]);
    const { rows } = await tidings.database.pool.query(
      'select user_id, channel from deliveries order by user_id, channel',
    );
    expect(rows.map(({ user_id, channel }) => `${user_id} ${channel}`)).toEqual([
      'all internal',
      'all sms',
      'one internal',
    ]);
  });

  test('of a template that fails are dead, and sent on retry after the template was fixed by another process', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider });
    await tidings.worker();
    const id = await tidings.post('listed', { items: Array.from({ length: 1001 }, (_, n) => n) });
    await tidings.becomes(id, 'dead');
    const broken = await tidings.delivery(id);
    expect(broken?.reason_code).toBe('rejected');
    expect(broken?.reason).toMatch(/^Rejected: the template failed: The text part of LISTED cannot be rendered: .+\.$/);
    expect(provider.calls).toEqual([]);

    const other = await tidings.catalogs.getActive(TENANT);
    await tidings.apply(deliveryCatalog({ 'templates/LISTED/email.en.txt': '{{event.items.length}} items' }));
    await tidings.catalogs.setActive(TENANT, { version: other.version, release: null });
    await tidings.retry(id);
    await tidings.becomes(id, 'sent', 2);
    expect(provider.calls.map(({ message }) => message.text)).toEqual(['1001 items']);
  });

  test('of a notification type that was removed are rendered by the catalog they were decided with', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider });
    const id = await tidings.post('mail', { n: 5 });
    await tidings.apply(
      new Map([
        ['events.yaml', 'events: { mail: {} }'],
        ['notifications.yaml', 'notifications: { ALERT: { category: SECURITY, channels: [internal] } }'],
        ['rules.yaml', 'rules: { ALERT: { on: mail } }'],
      ]),
    );
    await tidings.worker();
    await tidings.becomes(id, 'sent');
    expect(provider.calls[0]?.message.text).toBe('This is number 5.');
  });

  test('of a type that moved to another channel are rendered by the catalog they were decided with', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider });
    const id = await tidings.post('mail', { n: 5 });
    const moved = deliveryCatalog({
      'notifications.yaml': DELIVERY_CATALOG['notifications.yaml'].replace(
        'MAIL: { category: TRANSACTIONAL, channels: [email]',
        'MAIL: { category: TRANSACTIONAL, channels: [sms]',
      ),
      'templates/MAIL/sms.en.txt': 'Text {{event.n}}',
    });
    for (const file of moved.keys()) if (file.startsWith('templates/MAIL/email.')) moved.delete(file);
    await tidings.apply(moved);
    await tidings.worker();
    await tidings.becomes(id, 'sent');
    expect(provider.calls[0]?.message).toMatchObject({ subject: 'Number 5', text: 'This is number 5.' });
  });

  test('without a template are sent on the internal channel only, until there is a template', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider, internal: fakeProvider() });
    const data = await validateCatalogFiles(deliveryCatalog());
    await tidings.apply({ ...data, templates: [] });
    await tidings.worker();
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'dead');
    expect((await tidings.delivery(id))?.reason).toBe(
      'Rejected: MAIL has no email template, neither in the active catalog nor in the one it was decided with',
    );
    await tidings.passOneRound();
    expect(provider.calls).toEqual([]);
    await tidings.apply(deliveryCatalog());
    await tidings.retry(id);
    await tidings.becomes(id, 'sent', 2);
  });

  test('are stored as they were sent, if the provider keeps messages', async () => {
    const tidings = await start({ email: sandboxProvider(['email']), internal: noopProvider(['internal']) });
    await tidings.worker();
    const kept = await tidings.post('mail', { n: 1 });
    const bare = await tidings.post('alert');
    await tidings.becomes(kept, 'sandboxed');
    await tidings.becomes(bare, 'sent');
    expect(await keptMessages(tidings)).toEqual([
      {
        channel: 'email',
        to_mask: 'm…@example.com',
        subject: 'Number 1',
        text: 'This is number 1.',
        html: '<p>This is number 1.</p>',
      },
    ]);
    expect((await tidings.delivery(kept))?.has_message).toBe(true);
    expect((await tidings.delivery(bare))?.has_message).toBe(false);
  });
});
