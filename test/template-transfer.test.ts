import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readXliff, writeXliff } from '../src/authoring/xliff.ts';
import { TEMPLATE_CATALOG, type TemplateApi, templateApi } from './support/stored-templates.ts';

/** Templates as files, and their texts for translators. */

let api: TemplateApi;
const FILES = Object.fromEntries(Object.entries(TEMPLATE_CATALOG).filter(([path]) => path.startsWith('templates/')));

beforeAll(async () => {
  api = await templateApi();
  await api.setSource('api');
});

afterAll(() => api.close());

test('the files of a catalog seed the templates of the API, once, and are exported as they were', async () => {
  const files = {
    ...FILES,
    'templates/WELCOME/email.es.subject.txt': 'Hola',
    'templates/WELCOME/email.es.txt': 'Texto',
    'templates/WELCOME/email.en@short.subject.txt': 'Short',
    'templates/WELCOME/email.en@short.txt': 'Short',
  };
  const before = (await api.server.get('/api/v1/catalog')).body.version;
  expect((await api.post('/seed', { files })).body).toMatchObject({ changed: 5, same: 0 });
  // All of them with one version of the catalog.
  expect((await api.server.get('/api/v1/catalog')).body.version).toBe(before + 1);
  expect((await api.post('/seed', { files })).body).toMatchObject({ changed: 0, same: 5 });
  expect((await api.server.get('/api/v1/catalog')).body.version).toBe(before + 1);
  expect(await api.mail('seeded', 'signed_up', { locale: 'es' })).toMatchObject({
    subject: 'Hola',
    template_version: 1,
  });
  const { body } = await api.get('');
  expect(body.templates.map(({ name, locale, state }: { [field: string]: string }) => [name, locale, state])).toEqual([
    ['OFFER_EMAIL', 'en', 'active'],
    ['OFFER_SMS', 'en', 'active'],
    ['WELCOME', 'en', 'active'],
    ['WELCOME', 'es', 'active'],
    ['WELCOME@short', 'en', 'active'],
  ]);
  expect((await api.get('/export')).body).toEqual({ files, left_out: [], variables: {} });
});

test('a seed with a mistake changes nothing, and names the file', async () => {
  const before = (await api.get('/export')).body;
  const files = { ...FILES, 'templates/WELCOME/email.en.txt': '{{#if x}}' };
  const { status, body } = await api.post('/seed', { files });
  expect([status, body.code]).toEqual([422, 'invalid_template']);
  expect(body.errors[0]).toMatchObject({ pointer: '/files/templates~1WELCOME~1email.en.txt', line: 1 });
  expect((await api.get('/export')).body).toEqual(before);
});

test('texts are given away as JSON and as XLIFF, and come back as templates; a missing text is listed, and no key is shown', async () => {
  const { body: json } = await api.get('/translations?to=pt-BR');
  expect(json.units).toContainEqual({ id: 'WELCOME/subject', source: 'Hello of the file', target: null });
  expect(json.missing).toContain('OFFER_SMS/text');
  const { body: document } = await api.get('/translations?to=pt-BR&format=xliff');
  expect(readXliff(document.xliff)).toEqual({ from: 'en', to: 'pt-BR', units: json.units });
  const half = document.xliff.replace(/(Hello of the file<\/source>)/, '$1<target>Olá &amp; bem-vindo</target>');
  const first = await api.post('/translations', { xliff: half, activate: true });
  expect(first.body).toMatchObject({ changed: 0, unknown: [], stale: [] });
  expect(first.body.missing).toContain('WELCOME/text');
  expect(await api.mail('half', 'signed_up', { locale: 'pt-BR' })).toMatchObject({ subject: 'Hello of the file' });
  const whole = half.replace(/(Text of the file<\/source>)/, '$1<target>Texto</target>');
  const second = await api.post('/translations', { xliff: whole, activate: true });
  expect(second.body).toMatchObject({ changed: 1, unknown: [], stale: [] });
  expect(second.body.missing).not.toContain('WELCOME/text');
  expect(await api.mail('whole', 'signed_up', { locale: 'pt-BR' })).toMatchObject({
    subject: 'Olá & bem-vindo',
    text: 'Texto',
  });
  const units = [
    { id: 'OFFER_SMS/text', source: 'Another text', target: 'Oferta' },
    { id: 'NOTHING/text', target: 'x' },
  ];
  expect((await api.post('/translations', { to: 'pt-BR', units })).body).toMatchObject({
    changed: 1,
    unknown: ['NOTHING/text'],
    stale: ['OFFER_SMS/text'],
  });
  expect((await api.get('/OFFER_SMS.pt-BR')).body.state).toBe('draft');
});

test.each([
  ['no XML', 'plain text'],
  ['no locales', '<xliff version="2.0"></xliff>'],
  ['marks', '<xliff srcLang="en" trgLang="es"><unit id="a"><source>a <pc id="1">b</pc></source></unit></xliff>'],
  ['an end', '<xliff srcLang="en" trgLang="es"><unit id="a"><source>a</source>'],
])('a document with the fault "%s" is a problem', async (_fault, xliff) => {
  const { status, body } = await api.post('/translations', { xliff });
  expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', '/xliff']);
});

test('XLIFF 1.2 is read', () => {
  const text = `<?xml version="1.0"?><xliff version="1.2"><file source-language="en" target-language="de"><body>
    <trans-unit id="1" resname="WELCOME/text"><source>Hello</source><target><![CDATA[<b>Hallo</b>]]></target></trans-unit>
  </body></file></xliff>`;
  expect(readXliff(text)).toEqual({
    from: 'en',
    to: 'de',
    units: [{ id: 'WELCOME/text', source: 'Hello', target: '<b>Hallo</b>' }],
  });
});

test('every text comes back from XLIFF as it was', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((one) => one.isWellFormed());
  const unit = fc.record({ id: text, source: text, target: fc.option(text) });
  // Characters that XML cannot have are left out.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters
  const clean = (one: string) => one.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 5 }), (units) => {
      const { units: read } = readXliff(writeXliff({ from: 'en', to: 'pt-BR', units }));
      expect(read).toEqual(
        units.map(({ id, source, target }) => {
          const translated = target === null || clean(target) === '' ? null : clean(target);
          return { id: clean(id), source: clean(source), target: translated };
        }),
      );
    }),
  );
});
