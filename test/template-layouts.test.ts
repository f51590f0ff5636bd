import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileCatalog } from '../src/catalog/compile/compile-catalog.ts';
import { renderMessage } from '../src/templates/template.ts';
import { parseCatalog } from './support/catalog.ts';
import { runs } from './support/properties.ts';
import { DATA, type TemplateData } from './support/templates.ts';

/** Layouts and partials: how they are found, put together and escaped, and what is wrong with them, by file and line. */

const BASE: { readonly [file: string]: string } = {
  'events.yaml': 'events: { came: {} }',
  'notifications.yaml': 'layout: main\nnotifications:\n  MAIL: { category: TRANSACTIONAL, channels: [email, sms] }\n',
  'rules.yaml': 'rules: { MAIL: { on: came } }',
  'templates/MAIL/email.en.subject.txt': 'Hello {{> name}}',
  'templates/MAIL/email.en.html': '<p>Dear {{> name}}</p>',
  'templates/MAIL/sms.en.txt': 'Hi {{> name}}',
  'templates/_layouts/main.html': '<body><h1>Acme</h1>{{> body}}{{> footer}}</body>',
  'templates/_partials/name.txt': '{{event.name}}\n',
  'templates/_partials/name.html': '<b title="{{event.name}}">{{event.name}}</b>\n',
  'templates/_partials/footer.html': '<i>Bye</i>',
};

const filesWith = (changes: { readonly [file: string]: string }) => new Map(Object.entries({ ...BASE, ...changes }));

async function render(
  changes: { readonly [file: string]: string } = {},
  data: TemplateData = DATA,
  locale = 'en',
  channel: 'email' | 'sms' = 'email',
) {
  const catalog = compileCatalog(1, 0, await parseCatalog(filesWith(changes)));
  const rendered = renderMessage(catalog.findTemplate('MAIL', channel, locale)!, data);
  if ('error' in rendered) throw new Error(rendered.error);
  return rendered.message;
}

async function problemsOf(changes: { readonly [file: string]: string }): Promise<readonly string[]> {
  const parsed = await parseCatalog(filesWith(changes)).catch((error: unknown) => error);
  const { problems = [] } = parsed as { problems?: { file: string; line: number; column: number; message: string }[] };
  return problems.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`);
}

test('an email stands in its layout, and partials in every part that names them', async () => {
  expect(await render()).toEqual({
    subject: 'Hello Ann',
    html: '<body><h1>Acme</h1><p>Dear <b title="Ann">Ann</b></p><i>Bye</i></body>',
    text: expect.stringContaining('Dear Ann'),
  });
  expect(await render({}, DATA, 'en', 'sms')).toEqual({ text: 'Hi Ann' });
});

test.each([
  ['another layout', 'layout: other', 'other: <p>Dear <b title="Ann">Ann</b></p>'],
  ['another one of the channel', 'layout: { email: other }', 'other: <p>Dear <b title="Ann">Ann</b></p>'],
  ['none', 'layout: none', '<p>Dear <b title="Ann">Ann</b></p>'],
])('a notification names %s', async (_what, layout, html) => {
  const changes = {
    'notifications.yaml': `layout: main\nnotifications: { MAIL: { category: SYSTEM, channels: [email, sms], ${layout} } }`,
    'templates/_layouts/other.html': 'other: {{> body}}',
  };
  expect(await render(changes)).toMatchObject({ html });
});

test('a layout of a channel other than email, and of a text', async () => {
  const changes = {
    'notifications.yaml':
      'notifications: { MAIL: { category: SYSTEM, channels: [email, sms], layout: { sms: short } } }',
    'templates/_layouts/short.txt': 'Acme: {{> body}} STOP',
  };
  expect(await render(changes, DATA, 'en', 'sms')).toEqual({ text: 'Acme: Hi Ann STOP' });
});

test('layouts and partials have variants of locales, which the locale of the template chooses', async () => {
  const changes = {
    'templates/MAIL/email.pt-BR.subject.txt': 'Oi',
    'templates/MAIL/email.pt-BR.html': '<p>Oi</p>',
    'templates/_layouts/main.pt.html': '<h1>pt</h1>{{> body}}{{> footer}}',
    'templates/_partials/footer.pt-BR.html': '<i>Tchau</i>',
    'templates/_partials/footer.es.html': '<i>Adiós</i>',
  };
  expect(await render(changes, DATA, 'pt-BR')).toMatchObject({ html: '<h1>pt</h1><p>Oi</p><i>Tchau</i>' });
  expect(await render(changes)).toMatchObject({ html: expect.stringContaining('<i>Bye</i>') });
});

test('an email in MJML has a layout in MJML', async () => {
  const files = filesWith({
    'templates/MAIL/email.en.mjml': '<mj-text>Dear {{> name}}</mj-text>',
    'templates/_layouts/main.mjml':
      '<mjml><mj-body><mj-section><mj-column>{{> body}}</mj-column></mj-section></mj-body></mjml>',
    'templates/_partials/name.mjml': '{{event.name}}',
  });
  files.delete('templates/MAIL/email.en.html');
  const catalog = compileCatalog(1, 0, await parseCatalog(files));
  const rendered = renderMessage(catalog.findTemplate('MAIL', 'email', 'en')!, DATA);
  expect(rendered).toMatchObject({ message: { html: expect.stringContaining('Dear Ann') } });
});

test('a partial sees what is seen at its place', async () => {
  const changes = {
    'templates/MAIL/email.en.html': '{{#each event.items}}{{> row}}{{else}}none{{/each}}',
    'templates/_partials/row.html': '<li>{{name}} {{@index}} {{@root.event.currency}}</li>',
  };
  expect(await render(changes)).toMatchObject({
    html: expect.stringContaining('<li>tea 0 EUR</li><li>cake 1 EUR</li>'),
  });
});

describe('what is wrong is reported with file, line and column', () => {
  test.each<[string, { [file: string]: string }, string]>([
    [
      'a helper in a partial',
      { 'templates/_partials/footer.html': '<i>\n  {{uper event.name}}</i>' },
      'templates/_partials/footer.html:2:3 there is no helper `uper`',
    ],
    [
      'a name in a layout',
      { 'templates/_layouts/main.html': '<p>\n{{> body}}\n<p>{{evnt.name}}' },
      'templates/_layouts/main.html:3:6 there is no `evnt` here: names start with',
    ],
    [
      'a name after a partial',
      { 'templates/MAIL/email.en.html': '{{> name}}\n\n  {{evnt.name}}' },
      'templates/MAIL/email.en.html:3:5 there is no `evnt` here',
    ],
    [
      'a partial that is not there',
      { 'templates/MAIL/email.en.html': '<p>\n{{> nme}}</p>' },
      'templates/MAIL/email.en.html:2:1 there is no partial `nme`',
    ],
    [
      'a circle',
      { 'templates/_partials/footer.html': '{{> last}}', 'templates/_partials/last.html': 'x {{> footer}}' },
      'templates/_partials/last.html:1:3 the partial `footer` includes itself: templates/_partials/footer.html → templates/_partials/last.html → templates/_partials/footer.html',
    ],
    [
      'a layout without a place for the message',
      { 'templates/_layouts/main.html': '<p>Acme</p>' },
      'templates/_layouts/main.html:1:1 the layout has no place for the message',
    ],
    [
      'a layout without a file',
      { 'notifications.yaml': BASE['notifications.yaml']!.replace('main', 'mian') },
      'notifications.yaml:1:9 no layout is called "mian"',
    ],
    [
      'a body outside a layout',
      { 'templates/_partials/footer.html': '{{> body}}' },
      'templates/_partials/footer.html:1:1 `{{> body}}` stands outside a layout',
    ],
    [
      'a block that a partial leaves open',
      { 'templates/_partials/footer.html': '{{#if event.name}}' },
      'templates/_partials/footer.html:1:1 `{{#if}}` is never closed',
    ],
    [
      'values',
      { 'templates/MAIL/email.en.html': '{{> footer a=event.b}}' },
      'templates/MAIL/email.en.html:1:1 the partial `footer` takes no values',
    ],
    [
      'a block',
      { 'templates/MAIL/email.en.html': '{{#> footer}}x{{/footer}}' },
      'templates/MAIL/email.en.html:1:1 a block of a partial',
    ],
    [
      'a computed name',
      { 'templates/MAIL/email.en.html': '{{> (lookup event "name")}}' },
      'templates/MAIL/email.en.html:1:1 the name of a partial is written out',
    ],
    [
      'a file',
      { 'templates/_partials/footer.css': 'p' },
      'templates/_partials/footer.css:1:1 a partial has no .css file',
    ],
    [
      'a folder',
      { 'templates/_shared/a.html': 'p' },
      'templates/_shared/a.html:1:1 "_shared" is no folder of templates',
    ],
    [
      'a locale',
      { 'templates/_partials/footer.pt_BR.html': 'p' },
      'templates/_partials/footer.pt_BR.html:1:1 "pt_BR" is not a locale',
    ],
    [
      'a preheader without HTML',
      {
        'templates/MAIL/email.en.html': '',
        'templates/MAIL/email.en.txt': 'x',
        'templates/MAIL/email.en.preheader.txt': 'x',
      },
      'templates/MAIL/email.en.html:1:1 the template is empty',
    ],
  ])('%s', async (_what, changes, problem) => {
    const problems = await problemsOf(changes);
    expect(
      problems.filter((one) => one.startsWith(problem)),
      problems.join('\n'),
    ).toHaveLength(1);
  });

  test('a problem of a partial is reported once, however many templates include it', async () => {
    const problems = await problemsOf({
      'templates/_partials/footer.html': '{{evnt.x}}',
      'templates/MAIL/email.de.subject.txt': 'x',
      'templates/MAIL/email.de.html': 'x {{> footer}}{{> footer}}',
    });
    expect(problems).toHaveLength(1);
  });
});

test('partials that multiply one another end at a bound', async () => {
  const partials = Object.fromEntries(
    Array.from({ length: 7 }, (_, n) => [`templates/_partials/p${n}.html`, `{{> p${n + 1}}}`.repeat(10)]),
  );
  const problems = await problemsOf({
    ...partials,
    'templates/_partials/p7.html': 'x',
    'templates/MAIL/email.en.html': '{{> p0}}',
  });
  expect(problems.some((one) => one.includes('includes more than 500 partials'))).toBe(true);
});

test('partials are nested 8 deep at most', async () => {
  const partials = (depth: number) => ({
    ...Object.fromEntries(
      Array.from({ length: depth }, (_, n) => [
        `templates/_partials/p${n}.html`,
        n === depth - 1 ? 'end' : `{{> p${n + 1}}}`,
      ]),
    ),
    'notifications.yaml': 'notifications: { MAIL: { category: SYSTEM, channels: [email, sms] } }',
    'templates/MAIL/email.en.html': '{{> p0}}',
  });
  expect(await render(partials(8))).toMatchObject({ html: 'end' });
  const problems = await problemsOf(partials(10));
  expect(problems).toContain('templates/_partials/p7.html:1:1 partials are nested more than 8 deep');
});

describe('a preheader', () => {
  const preheader = { 'templates/MAIL/email.en.preheader.txt': 'Tom & "{{event.name}}" <3\n' };
  const evil = { event: { name: '</div><script>x</script>' } };

  test('is hidden text at the beginning of the body', async () => {
    const { html = '' } = await render(preheader);
    expect(html).toMatch(/^<body><div data-preheader style="display:none[^"]*">Tom &amp; "Ann" &lt;3<\/div><h1>Acme/);
  });

  test('stands where the layout says, once', async () => {
    const { html } = await render({
      ...preheader,
      'templates/_layouts/main.html': '<body><u>{{> preheader}}</u>{{> body}}</body>',
    });
    expect(html).toBe('<body><u>Tom &amp; "Ann" &lt;3</u><p>Dear <b title="Ann">Ann</b></p></body>');
  });

  test('ends nothing by its values', async () => {
    const { html = '' } = await render(preheader, evil);
    expect(html).not.toContain('<script');
    expect(html.match(/<\/div>/g)).toHaveLength(1);
  });

  test('does not make a blank email one that shows something', async () => {
    const { explainBlank } = await import('../src/templates/template.ts');
    const files = filesWith({
      ...preheader,
      'notifications.yaml': 'notifications: { MAIL: { category: SYSTEM, channels: [email, sms] } }',
      'templates/MAIL/email.en.html': '<p>{{event.missing}}</p>',
      'templates/MAIL/email.en.txt': 'text',
    });
    const template = compileCatalog(1, 0, await parseCatalog(files)).findTemplate('MAIL', 'email', 'en')!;
    const rendered = renderMessage(template, DATA);
    if ('error' in rendered) throw new Error(rendered.error);
    expect(explainBlank(template, rendered.message, DATA)).toBe('The html of MAIL is empty: event.missing is missing.');
  });

  test('needs HTML', async () => {
    const files = filesWith({ ...preheader, 'templates/MAIL/email.en.txt': 'x' });
    files.delete('templates/MAIL/email.en.html');
    const failed = await parseCatalog(files).catch((error: unknown) => error);
    expect(failed).toMatchObject({ problems: [{ message: 'a preheader needs HTML' }] });
  });
});

test('no data breaks out of its place, in a layout, a partial or a preheader', async () => {
  const catalog = compileCatalog(
    1,
    0,
    await parseCatalog(
      filesWith({
        'templates/MAIL/email.en.preheader.txt': '{{event.a}}',
        'templates/MAIL/email.en.html': '<p title="{{event.a}}">{{> inner}}</p>',
        'templates/_layouts/main.html':
          '<body><a href="https://x.example/?q={{event.a}}">{{event.a}}</a>{{> body}}<style>p { color: {{event.a}} }</style></body>',
        'templates/_partials/inner.html': "<b title='{{event.a}}' data-x={{event.a}}>{{event.a}}</b>",
      }),
    ),
  );
  const template = catalog.findTemplate('MAIL', 'email', 'en')!;
  const shape = (text: string) => {
    const rendered = renderMessage(template, { event: { a: text, name: 'n' } });
    if ('error' in rendered) throw new Error(rendered.error);
    return (rendered.message.html ?? '').match(/<\/?[a-z!][^\s>]*/g);
  };
  const expected = shape('x');
  const pieces = fc.constantFrom(
    '<',
    '>',
    '"',
    "'",
    '</style>',
    '<script>',
    '-->',
    '{{',
    '&',
    '=',
    ' ',
    'a',
    '\n',
    '}',
    ';',
    '`',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), fc.string({ unit: 'binary' }), (signs, more) => {
      expect(shape(signs.join('') + more)).toEqual(expected);
    }),
    runs(300),
  );
});
