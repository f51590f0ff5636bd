import { describe, expect, test } from 'vitest';
import { entry, hasBrowser, useConsole, waitForDeliveries } from './support/console.ts';

describe.runIf(hasBrowser)('the console', () => {
  const app = useConsole();

  test('shows every part of a message', async () => {
    const catalog = new Map(app.catalog);
    const add = (file: string, line: string) => catalog.set(file, `${catalog.get(file)}\n${line}\n`);
    add('notifications.yaml', '  APP_NEWS: { category: OPERATIONAL, channels: [in_app] }');
    add('rules.yaml', '  APP_NEWS: { on: newsletter_due }');
    catalog.set('templates/APP_NEWS/in_app.en.txt', 'There is news.');
    catalog.set('templates/APP_NEWS/in_app.en.title.txt', 'News for {{notification.user_id}}');
    catalog.set('templates/APP_NEWS/in_app.en.badge.txt', '3');
    catalog.set('templates/APP_NEWS/in_app.en.image.txt', 'https://img.example/i.png');
    catalog.set('templates/APP_NEWS/in_app.en.actions.yaml', '- { label: Open, url: "app://news" }');
    catalog.set('templates/APP_NEWS/in_app.en.data.yaml', 'screen: news');
    await app.tidings.apply(catalog);
    await app.post({ event_id: 'parts', user_id: 'parts', event_type: 'newsletter_due' });
    await waitForDeliveries(app);
    const { page } = await app.visit('console/users/parts/timeline');
    await entry(page, 'parts').getByTestId('message-button').last().click();
    const message = page.getByTestId('message');
    expect(await message.getByTestId('message-title').innerText()).toBe('News for parts');
    const parts = await message.getByTestId('message-part').allInnerTexts();
    expect(parts.map((part) => part.replace(/\s+/g, ' '))).toEqual([
      'Badge 3',
      'Image https://img.example/i.png',
      'Action Open: app://news',
      'Data { "screen": "news" }',
    ]);
  });
});
