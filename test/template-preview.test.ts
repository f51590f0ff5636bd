import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/** POST /api/v1/templates/preview: a message with findings about it, of a sample, an event, or the profile of a user. */

const FILES = {
  'events.yaml': `traits: { first_name: string, locale: string }
events:
  billed: { properties: { amount: number, items: { type: array, items: string }, url: string }, required: [amount] }
`,
  'notifications.yaml': `notifications:
  BILL:
    category: TRANSACTIONAL
    channels: [email, sms]
    variables: { amount: { type: number, required: true }, code: string }
`,
  'rules.yaml':
    'rules: { BILL: { on: billed, variables: { amount: event.amount }, data: { twice: event.amount * 2 } } }',
  'templates/BILL/email.en.subject.txt': 'Bill of {{amount}}',
  'templates/BILL/email.en.html':
    '<body><p>{{data.twice}} {{user.first_name}} {{default code "none"}}</p><img src="https://x.example/a.png"><a href="{{event.url}}">x</a></body>',
  'templates/BILL/email.pt.subject.txt': 'Conta de {{amount}}',
  'templates/BILL/email.pt.html': '<p style="display: none">pre</p><p>Olá</p>',
  'templates/BILL/sms.en.txt': 'Bill ş {{amount}}',
};

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  expect((await api.server.post('/api/v1/catalog', { files: FILES })).status).toBe(200);
});
afterAll(() => api.close());

const preview = async (body: object) =>
  (await api.server.post('/api/v1/templates/preview', { notification_type: 'BILL', channel: 'email', ...body })).body;
const codes = (body: { findings: { code: string }[] }) => body.findings.map(({ code }) => code).sort();

describe('a preview', () => {
  test('without data is a sample by the schemas', async () => {
    const body = await preview({});
    expect(body).toMatchObject({
      locale: 'en',
      message: { subject: 'Bill of 20', html: expect.stringContaining('40 Maria none') },
      html_bytes: expect.any(Number),
      dark_html: expect.stringContaining('invert'),
    });
    expect(codes(body)).toEqual(['image_without_alt', 'no_preheader']);
  });

  test('needs no channel: it is the first of the type, or that of the template', async () => {
    const ask = (body: object) => api.server.post('/api/v1/templates/preview', { notification_type: 'BILL', ...body });
    expect((await ask({})).body).toMatchObject({ channel: 'email', message: { subject: 'Bill of 20' } });
    expect((await ask({ channel: 'sms' })).body).toMatchObject({ channel: 'sms' });
  });

  test('shows an event and variables of the caller', async () => {
    const event = {
      event_type: 'billed',
      properties: { amount: 7, url: 'javascript:x' },
      user_traits: { first_name: 'Ana' },
    };
    const body = await preview({ event, variables: { code: 'X1' } });
    expect(body.message).toMatchObject({ subject: 'Bill of 7', html: expect.stringContaining('14 Ana X1') });
    expect(body.findings).toContainEqual(
      expect.objectContaining({ code: 'link', message: expect.stringContaining('leads nowhere') }),
    );
  });

  test.each([
    ['https://10.0.0.7/x', '10.0.0.7'],
    ['http://[::1]:8000/', '::1'],
    ['https://0x7f.1/', '127.0.0.1'],
    ['https://93.184.216.34/x', undefined],
    ['https://shop.example.com/x', undefined],
  ])('says of the link %s whether it leads to a private address', async (url, host) => {
    const { findings } = await preview({ event: { properties: { amount: 7, url } } });
    const found = findings.filter(({ message }: { message: string }) => message.includes('private address'));
    expect(found.map(({ code }: { code: string }) => code)).toEqual(host === undefined ? [] : ['link']);
    if (host !== undefined) expect(found[0].message).toContain(host);
  });

  test('names the variable that an event does not give', async () => {
    const body = await preview({ event: { properties: {} } });
    expect(body).toMatchObject({
      message: null,
      findings: [{ code: 'not_rendered', severity: 'error', message: 'variable_missing: amount' }],
    });
  });

  test('shows the profile of a user, with addresses masked, in the locale of the user', async () => {
    const event = {
      user_id: 'u-7',
      event_type: 'seen',
      event_timestamp: new Date(api.tidings.clock.now).toISOString(),
    };
    const user_traits = { first_name: 'Rui', locale: 'pt-BR', email: 'rui.costa@example.com' };
    expect((await api.server.post('/api/v1/events', { ...event, user_traits })).status).toBe(202);
    const body = await preview({ user_id: 'u-7' });
    expect(body).toMatchObject({ locale: 'pt', wanted_locale: 'pt-BR', message: { subject: 'Conta de 20' } });
    expect(JSON.stringify(body)).not.toContain('rui.costa');
    expect(codes(body)).toEqual([]);
    expect(await preview({ user_id: 'nobody' })).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('measures an SMS', async () => {
    const body = await preview({ channel: 'sms' });
    expect(body).toMatchObject({ sms: { encoding: 'UCS-2', parts: 1, units_per_part: 70 } });
    expect(codes(body)).toEqual(['sms_unicode']);
  });

  test('says that Gmail will clip it, and follows its own rules for dark screens', async () => {
    const files = {
      ...FILES,
      'templates/BILL/email.en.html': `<style>@media (prefers-color-scheme: dark) { p { color: #fff } }</style><p>${'word '.repeat(22_000)}</p>`,
    };
    await api.server.post('/api/v1/catalog', { files });
    const body = await preview({});
    expect(codes(body)).toEqual(['clipped', 'no_preheader']);
    expect(body.dark_html).toContain('@media (min-width: 0)');
    await api.server.post('/api/v1/catalog', { files: FILES });
  });

  test('of a type or channel without a template is not found', async () => {
    expect(await preview({ notification_type: 'NONE' })).toMatchObject({ status: 404 });
    expect(await preview({ channel: 'push' })).toMatchObject({ status: 404 });
  });

  test('asks for links only where it may: never a private address', async () => {
    const event = { properties: { amount: 1, url: 'https://127.0.0.1/x' } };
    const body = await preview({ event, follow_links: true });
    expect(body.links).toContainEqual({ url: 'https://127.0.0.1/x', kind: 'link', status: null });
    expect(codes(body)).toContain('link_not_answering');
  });
});
