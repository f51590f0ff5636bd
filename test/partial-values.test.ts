import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileCatalog } from '../src/catalog/compile/compile-catalog.ts';
import { renderMessage } from '../src/templates/template.ts';
import { lintFiles, parseCatalog } from './support/catalog.ts';
import { runs } from './support/properties.ts';
import type { TemplateData } from './support/templates.ts';

/** Partials that take values: `{{> button url=event.url label="Track"}}`. */

const BUTTON =
  '{{!-- values: url, label="Read more", note? --}}\n<a href="{{url}}" title="{{label}}">{{label}}</a>{{#if note}} ({{note}}){{/if}}\n';

const BASE: { readonly [file: string]: string } = {
  'events.yaml': 'events: { came: {} }',
  'notifications.yaml':
    'variables: { track_url: string }\nnotifications: { MAIL: { category: TRANSACTIONAL, channels: [email, sms] } }',
  'rules.yaml': 'rules: { MAIL: { on: came } }',
  'templates/MAIL/email.en.subject.txt': 'Hello',
  'templates/MAIL/email.en.html': '<p>{{> button url=track_url label="Track"}}</p>',
  'templates/MAIL/sms.en.txt': 'Hi',
  'templates/_partials/button.html': BUTTON,
};

const filesWith = (changes: { readonly [file: string]: string }) => new Map(Object.entries({ ...BASE, ...changes }));

async function render(
  changes: { readonly [file: string]: string },
  data: TemplateData,
  channel: 'email' | 'sms' = 'email',
) {
  const catalog = compileCatalog(1, 0, await parseCatalog(filesWith(changes)));
  const rendered = renderMessage(catalog.findTemplate('MAIL', channel, 'en')!, data);
  return 'error' in rendered ? rendered : rendered.message;
}

const body = (html: string) => ({ 'templates/MAIL/email.en.html': html });
const track_url = 'https://x.example/7?a=1&b=2';

test('a partial shows the values that it is given, the defaults of others, and leaves out what may be missing', async () => {
  expect(await render({}, { track_url })).toMatchObject({
    html: '<p><a href="https://x.example/7?a=1&amp;b=2" title="Track">Track</a></p>',
    text: expect.stringContaining('Track'),
  });
  expect(
    await render(body('{{> button url=event.u label=event.l}}'), { event: { u: 'https://x.example' } }),
  ).toMatchObject({
    html: '<a href="https://x.example" title="Read more">Read more</a>',
  });
  expect(
    await render(body('{{> button url="https://y.example" note=(upper event.n)}}'), { event: { n: 'new' } }),
  ).toMatchObject({ html: '<a href="https://y.example" title="Read more">Read more</a> (NEW)' });
});

test('the values hold in every block of the partial, in its own partials, and nowhere else', async () => {
  const changes = {
    ...body('{{#each event.items}}{{> row item=this name=name}}{{/each}}'),
    'templates/_partials/row.html':
      '{{! values: item, name }}{{#each item.parts}}{{name}}:{{.}}:{{> cell of=item}} {{/each}}',
    'templates/_partials/cell.html': '{{! values: of }}{{of.name}}{{name}}',
  };
  const data = {
    event: {
      items: [
        { name: 'tea', parts: [1, 2] },
        { name: 'oat', parts: [3] },
      ],
    },
  };
  expect(await render(changes, data)).toMatchObject({ html: 'tea:1:teatea tea:2:teatea oat:3:oatoat ' });
  const after = await lintFiles(filesWith(body('{{> button url=track_url}}{{label}}')));
  expect(after.problems[0]).toMatchObject({ message: expect.stringContaining('there is no `label` here') });
});

test('an inner name hides an outer one: that of a block, and that of another partial', async () => {
  const changes = {
    ...body('{{> outer label="out"}}'),
    'templates/_partials/outer.html':
      '{{! values: label }}{{#each event.l as |label|}}{{label}}{{/each}}{{> inner label="in"}}{{label}}',
    'templates/_partials/inner.html': '{{! values: label }}{{label}}',
  };
  expect(await render(changes, { event: { l: ['a', 'b'] } })).toMatchObject({ html: 'abinout' });
});

test('texts, subjects and emails in MJML have partials with values, too', async () => {
  const files = filesWith({
    'templates/MAIL/email.en.subject.txt': 'Hello {{> who name=event.name}}!',
    'templates/_partials/who.txt': '{{! values: name }}dear {{name}}',
    'templates/MAIL/email.en.mjml':
      '<mjml><mj-body><mj-section><mj-column><mj-text>{{> words name=event.name}}</mj-text>{{> button url=track_url}}</mj-column></mj-section></mj-body></mjml>',
    'templates/_partials/words.mjml': '{{! values: name }}For {{name}}',
    'templates/_partials/button.mjml':
      '{{! values: url, label="Go" }}\n<mj-button href="{{url}}">{{label}}</mj-button>',
  });
  files.delete('templates/MAIL/email.en.html');
  const catalog = compileCatalog(1, 0, await parseCatalog(files));
  const rendered = renderMessage(catalog.findTemplate('MAIL', 'email', 'en')!, { track_url, event: { name: 'A & B' } });
  if ('error' in rendered) throw new Error(rendered.error);
  expect(rendered.message.subject).toBe('Hello dear A & B!');
  expect(rendered.message.html).toContain('For A &amp; B');
  expect(rendered.message.html).toMatch(/href="https:\/\/x\.example\/7\?a=1&amp;b=2"[^>]*>\s*Go/);
  expect(rendered.message.html).not.toContain('{{');
});

test('a value that is needed and missing, empty or blank rejects the message by its name', async () => {
  const error = 'The text part of MAIL cannot be rendered: track_url (url of the partial button) is missing.';
  for (const data of [{}, { track_url: '' }, { track_url: ' ' }, { track_url: null }]) {
    expect(await render({}, data as TemplateData)).toEqual({ error });
  }
  const other = body('{{#if event.has}}{{> button url=(lookup event "u")}}{{/if}}none');
  expect(await render(other, { event: {} })).toMatchObject({ html: 'none' });
  expect(await render(other, { event: { has: true } })).toEqual({
    error: 'The text part of MAIL cannot be rendered: url of the partial button is missing.',
  });
});

describe('what is wrong is reported where the partial is included, or where it declares its values', () => {
  test.each<[string, { readonly [file: string]: string }, string, string?]>([
    [
      'a value that is missing',
      body('<p>\n {{> button}}'),
      'email.en.html:2:2 the partial `button` needs `url`',
      '{{> button url=event.url}}',
    ],
    [
      'an unknown one',
      body('{{> button url=track_url lable="x"}}'),
      'email.en.html:1:1 the partial `button` takes no value `lable`',
      'did you mean `label`?',
    ],
    [
      'one that is empty',
      body('{{> button url=" "}}'),
      'email.en.html:1:1 the partial `button` needs `url`, which is empty here',
    ],
    ['one without a name', body('{{> button track_url}}'), 'email.en.html:1:1 a value of a partial has a name'],
    ['one given twice', body('{{> button url=track_url url="x"}}'), 'email.en.html:1:1 `url` is given twice'],
    [
      'values of a partial that takes none',
      { ...body('{{> plain a=1}}'), 'templates/_partials/plain.html': 'x' },
      'email.en.html:1:1 the partial `plain` takes no values',
      'values:',
    ],
    [
      'a name that there is not, in a value',
      body('{{> button\n  url=trak_url}}'),
      'email.en.html:2:7 there is no `trak_url` here',
      'track_url',
    ],
    [
      'a name that is not declared',
      {
        ...body('{{> button url=track_url}}'),
        'templates/_partials/button.html': '{{! values: url }}\n<b>{{url}} {{labl}}</b>',
      },
      '_partials/button.html:2:14 there is no `labl` here',
    ],
    [
      'a declaration that cannot be read',
      { 'templates/_partials/button.html': '{{! values: url label }}' },
      '_partials/button.html:1:1 the values of the partial cannot be read',
    ],
    [
      'a name of the data',
      { 'templates/_partials/button.html': '{{! values: url, event }}' },
      '_partials/button.html:1:1 a value of a partial cannot be called `event`',
    ],
    [
      'a name twice',
      { 'templates/_partials/button.html': '{{! values: url, url }}' },
      '_partials/button.html:1:1 the partial declares `url` twice',
    ],
    [
      'too many',
      {
        'templates/_partials/button.html': `{{! values: url, ${Array.from({ length: 20 }, (_, n) => `v${n}?`).join()} }}`,
      },
      '_partials/button.html:1:1 a partial takes at most 20 values',
    ],
  ])('%s', async (_what, changes, expected, hint = '') => {
    const { problems } = await lintFiles(filesWith(changes));
    const shown = problems.map(
      (one) =>
        `${one.file.replace('templates/', '').replace('MAIL/', '')}:${one.line}:${one.column} ${one.message} ${one.hint}`,
    );
    expect(
      shown.filter((one) => one.startsWith(expected) && one.includes(hint)),
      shown.join('\n'),
    ).toHaveLength(1);
  });
});

test('no value breaks out of its place in a partial', async () => {
  const changes = {
    ...body('{{> all v=event.v}}'),
    'templates/_partials/all.html':
      '{{! values: v }}<a href="https://x.example/?q={{v}}" title="{{v}}" data-x={{v}}>{{v}}</a><style>p { color: {{v}} }</style>',
  };
  const catalog = compileCatalog(1, 0, await parseCatalog(filesWith(changes)));
  const template = catalog.findTemplate('MAIL', 'email', 'en')!;
  const shape = (v: string) => {
    const rendered = renderMessage(template, { event: { v } });
    if ('error' in rendered) return undefined;
    return (rendered.message.html ?? '').match(/<\/?[a-z!][^\s>]*/g)?.join();
  };
  const expected = shape('x');
  const signs = fc.constantFrom('<', '>', '"', "'", '</style>', '<script>', '{{', '&', '=', ' ', 'a', '}', ';', '`');
  fc.assert(
    fc.property(fc.array(signs, { maxLength: 12 }), fc.string({ unit: 'binary' }), (some, more) => {
      const v = `x${some.join('')}${more}`;
      expect(shape(v)).toBe(expected);
    }),
    runs(200),
  );
});

test('a value named `url` is encoded in a link like any other', async () => {
  const changes = {
    ...body('{{> go url=event.q}}'),
    'templates/_partials/go.html': '{{! values: url }}<a href="https://x.example/?q={{url}}">x</a>',
  };
  expect(await render(changes, { event: { q: 'a & b' } })).toMatchObject({
    html: '<a href="https://x.example/?q=a%20%26%20b">x</a>',
  });
});
