import { expect, test } from 'vitest';
import { addMarketingFooter } from '../src/templates/marketing-footer.ts';
import { PUBLIC_URL, useReceipts } from './support/receipts.ts';

/** Marketing emails show what the law wants: the name and address of its sender, and a link to unsubscribe. */

const start = useReceipts();

const ADDRESS = '1 Main Street\nSpringfield & Sons, IL 62701';
const settle = async (tidings: Awaited<ReturnType<typeof start>>['tidings']) => {
  await tidings.database.pool.query('update tenants set settings = $1', [
    { legal_name: 'Acme <Inc.>', postal_address: ADDRESS },
  ]);
};

test('a marketing email without them gets a footer; the link unsubscribes its reader', async () => {
  const { send, email, server, suppressions, tidings } = await start({
    files: { 'templates/PROMO/email.en.html': '<html><body><p>Hello</p></body></html>' },
  });
  await settle(tidings);
  await send('promo');
  const [{ message, unsubscribeUrl } = { message: { text: '' } }] = email.calls;
  expect(message.text).toBe(
    `Hello there\n\n-- \nAcme <Inc.>\n1 Main Street\nSpringfield & Sons, IL 62701\nUnsubscribe: ${unsubscribeUrl}`,
  );
  expect(message.html).toContain('Acme &lt;Inc.&gt;<br>1 Main Street<br>Springfield &amp; Sons, IL 62701<br><a href=');
  expect(message.html).toContain(`<a href="${unsubscribeUrl}"`);
  expect(message.html?.endsWith('</div></body></html>')).toBe(true);
  expect((await server.post(String(unsubscribeUrl).slice(PUBLIC_URL.length))).status).toBe(200);
  expect(await suppressions()).toMatchObject([{ scope: 'category:MARKETING', reason: 'unsubscribed' }]);
});

test('a template that shows them keeps its own place for them, and mail of the service itself gets none', async () => {
  const own = 'Hello from {{legal_name}}, {{postal_address}}: {{unsubscribe_url}}';
  const { send, email, tidings } = await start({
    files: { 'templates/PROMO/email.en.txt': own, 'templates/MAIL/email.en.txt': 'Hello{{unsubscribe_url}}' },
  });
  await settle(tidings);
  await send('promo');
  await send('mail');
  const [promo, mail] = email.calls;
  expect(promo?.message.text).toBe(`Hello from Acme <Inc.>, ${ADDRESS}: ${promo?.unsubscribeUrl}`);
  expect(mail?.message.text).toBe('Hello');
});

test('the footer is in the language of the message, in English for others', () => {
  const footer = { legalName: 'Acme', postalAddress: '', unsubscribeUrl: 'https://t.example/u' };
  const inLocale = (locale: string) => addMarketingFooter({ text: 'x' }, footer, locale).text.split('\n').at(-1);
  expect(['de-AT', 'es', 'en-GB', 'xx', ''].map(inLocale)).toEqual([
    'Abmelden: https://t.example/u',
    'Cancelar la suscripción: https://t.example/u',
    ...Array(3).fill('Unsubscribe: https://t.example/u'),
  ]);
});

test('a part that is complete stays as it was, whatever its line breaks are', () => {
  const footer = { legalName: 'Acme', postalAddress: '1 Main\nTown & Co', unsubscribeUrl: 'https://t.example/u' };
  const html = '<p>Acme, 1 Main<br/>Town &amp;\n Co <a href="https://t.example/u">Leave</a></p>';
  const message = { text: 'Acme, 1 Main\r\nTown & Co https://t.example/u', html };
  expect(addMarketingFooter(message, footer, 'en')).toEqual(message);
});
