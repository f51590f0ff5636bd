import { expect, test } from 'vitest';
import { deliveryCatalog, useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

/** Templates that the provider keeps, named in notifications.yaml. */

const start = useDeliveries();

function hostedCatalog(hosted: string, more: { [file: string]: string } = {}) {
  const files = deliveryCatalog(more);
  const types = files.get('notifications.yaml')!.replace('MAIL: { ', `MAIL: { provider_template: ${hosted}, `);
  files.set('notifications.yaml', types);
  for (const file of files.keys()) if (file.startsWith('templates/MAIL/') && !(file in more)) files.delete(file);
  return files;
}

test('a message goes out as the name of the template with our data, with no template here', async () => {
  const provider = fakeProvider(undefined, { takesHosted: true });
  const tidings = await start({ email: provider });
  await tidings.apply(hostedCatalog('CLIENT_WELCOME_V1'));
  await tidings.worker();
  await tidings.becomes(await tidings.post('mail', { n: 7 }), 'sent');
  const { hosted, ...others } = provider.calls[0]!.message;
  expect(others).toEqual({ text: '' });
  expect(hosted).toMatchObject({
    template: 'CLIENT_WELCOME_V1',
    data: { event: { n: 7 }, notification: { type: 'MAIL', channel: 'email' } },
  });
});

test('its data are those of the file that gives them', async () => {
  const provider = fakeProvider(undefined, { takesHosted: true });
  const tidings = await start({ email: provider });
  const data = { 'templates/MAIL/email.en.data.yaml': 'number: "{{event.n}}"\nto: "{{user.email}}"\n' };
  await tidings.apply(hostedCatalog('{ email: W1 }', data));
  await tidings.worker();
  await tidings.becomes(await tidings.post('mail', { n: 7 }), 'sent');
  expect(provider.calls[0]?.message.hosted).toEqual({ template: 'W1', data: { number: 7, to: 'maria@example.com' } });
});

test('a provider that keeps no templates reports it by name, and goes on with other messages', async () => {
  const provider = fakeProvider();
  const tidings = await start({ email: provider });
  await tidings.apply(hostedCatalog('W1'));
  await tidings.worker();
  const id = await tidings.post('mail', { n: 7 });
  await expect
    .poll(() => tidings.attempts(id))
    .toMatchObject([
      {
        outcome: 'misconfigured',
        code: 'provider_template',
        reason:
          'fake keeps no templates, and the message is to be made from W1: route it to a provider that does, or write a template here',
      },
    ]);
  await tidings.becomes(await tidings.post('held', { n: 1 }), 'sent');
  expect(provider.calls.map(({ notificationType }) => notificationType)).toEqual(['HELD']);
});

test.each([
  ['{ sms: W1 }', {}, 'MAIL is not sent by sms'],
  ['{ emial: W1 }', {}, '"emial" is not a channel'],
  ['"a b"', {}, 'this is not the name of a template'],
  [
    'W1',
    { 'templates/MAIL/email.en.txt': 'Hi' },
    '"email.en.txt" is not a part of email by "provider_template", which the provider renders',
  ],
])('the catalog rejects %s', async (hosted, more, message) => {
  const tidings = await start({});
  await expect(tidings.apply(hostedCatalog(hosted, more))).rejects.toMatchObject({
    problems: expect.arrayContaining([expect.objectContaining({ message })]),
  });
});
