import { describe, expect, test } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { loadMessage } from '../src/store/deliveries/delivery-views.ts';
import { deliveryCatalog, EMAIL, useDeliveries } from './support/deliveries.ts';
import { foldAll, loadRollups } from './support/metrics.ts';
import { fakeProvider } from './support/providers.ts';
import { TENANT } from './support/tidings.ts';

const start = useDeliveries();

const TRANSLATED = Object.fromEntries(
  ['pt-BR', 'fr', 'zh-Hant'].flatMap((locale) => [
    [`templates/MAIL/email.${locale}.subject.txt`, `${locale} subject`],
    [`templates/MAIL/email.${locale}.txt`, `${locale} text`],
  ]),
);

test('a message is in the locale of its user, as a whole, and says which locale that was; the sums by locale have it', async () => {
  const tidings = await start({ email: sandboxProvider(['email']) });
  await tidings.apply(deliveryCatalog(TRANSLATED));
  await tidings.worker();
  for (const [locale, expected] of [
    ['pt-BR', 'pt-BR'],
    ['pt_BR', 'pt-BR'],
    ['pt-br', 'pt-BR'],
    ['fr_CA', 'fr'],
    ['zh-Hant-TW', 'zh-Hant'],
    ['zh_hant_tw', 'zh-Hant'],
    ['fr-u-ca-buddhist', 'fr'],
    ['pt', 'en'],
    ['xx', 'en'],
    ['no locale!', 'en'],
    [undefined, 'en'],
  ] as const) {
    const traits = { email: EMAIL, ...(locale && { locale }) };
    const id = await tidings.post('mail', { user: `u ${locale}`, n: 1, traits });
    await tidings.becomes(id, 'sandboxed');
    const [notificationId = '', channel] = id.split('.');
    const message = await loadMessage(tidings.database.pool, tidings.seal, TENANT, {
      notificationId,
      channel: channel as 'email',
      target: '',
    });
    expect(message, locale).toMatchObject({ locale: expected, ...(locale && { user_locale: locale }) });
    const subject = expected === 'en' ? 'Number 1' : `${expected} subject`;
    expect(message).toMatchObject({ subject, text: expected === 'en' ? 'This is number 1.' : `${expected} text` });
    // The English template has HTML, and it is not mixed into another locale.
    expect(message).not.toBe('unreadable');
    expect(Object.hasOwn(message as object, 'html'), locale).toBe(expected === 'en');
  }
  await foldAll(tidings.database.pool);
  const sums = Object.entries(await loadRollups(tidings.database.pool, TENANT)).flatMap(([key, { sandboxed }]) => {
    const [grain, dimension, , , , value] = key.split('|');
    return grain === 'day' && dimension === 'locale' ? [[value, sandboxed]] : [];
  });
  expect(Object.fromEntries(sums)).toEqual({ en: 4, fr: 2, 'pt-BR': 3, 'zh-Hant': 2 });
});

describe('a blank message is not sent', () => {
  const BLANK = {
    'templates/MAIL/email.en.subject.txt': '{{event.title}}',
    'templates/MAIL/email.en.html':
      '<html><head><title>x</title></head><body><p>{{event.body}}&nbsp;</p><!-- c --></body></html>',
    'templates/HELD/email.en.subject.txt': 'Held',
    'templates/HELD/email.en.txt': '{{#if event.n}}{{event.n}}{{/if}}',
    'templates/TEXT/sms.en.txt': '{{event.n}}',
  };

  test.each([
    ['mail', {}, 'The subject of MAIL is empty: event.title is missing.'],
    ['mail', { title: ' ', body: 'x' }, 'The subject of MAIL is empty: event.title is missing.'],
    ['mail', { title: 'x', body: '\u200b' }, 'The html of MAIL is empty: event.body is missing.'],
    ['held', {}, 'The text of HELD is empty: event.n is missing.'],
    ['text', { traits: { phone: '+351912345678' } }, 'The text of TEXT is empty: event.n is missing.'],
  ] as const)('of %s with %j', async (type, details, reason) => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider, sms: provider });
    await tidings.apply(deliveryCatalog(BLANK));
    await tidings.worker();
    const id = await tidings.post(type, details);
    await tidings.becomes(id, 'dead');
    expect((await tidings.delivery(id))?.reason).toBe(`Rejected: the template failed: ${reason}`);
    expect(provider.calls).toEqual([]);
  });

  test('but one that consists of an image is', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider });
    const image = '<img src="https://x.example/1.png">';
    const { 'templates/MAIL/email.en.txt': _, ...files } = Object.fromEntries(deliveryCatalog());
    await tidings.apply(new Map(Object.entries({ ...files, 'templates/MAIL/email.en.html': image })));
    await tidings.worker();
    await tidings.becomes(await tidings.post('mail', { n: 1 }), 'sent');
    expect(provider.calls[0]?.message.html).toBe(image);
  });
});
