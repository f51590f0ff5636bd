import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileMjml } from '../src/catalog/parse/mjml.ts';
import { MjmlThread } from '../src/catalog/parse/mjml-thread.ts';
import type { TemplateParts } from '../src/model/catalog.ts';
import type { Channel, Message } from '../src/model/delivery.ts';
import type { JsonObject } from '../src/model/event.ts';
import { HELPERS } from '../src/templates/helpers.ts';
import { MAX_EACH_ITEMS, MAX_OUTPUT_CHARS, MAX_SOURCE_CHARS, MAX_SUBJECT_CHARS } from '../src/templates/limits.ts';
import { compileTemplate, renderMessage, type TemplateProblem } from '../src/templates/template.ts';
import { runs } from './support/properties.ts';

/** From the parts of a template and plain data to the message a person gets. */

const DATA: JsonObject = {
  event: {
    name: 'Ann',
    evil: '<script>alert("1")</script>',
    amount: 1234.5,
    currency: 'EUR',
    zero: 0,
    no: false,
    nothing: null,
    items: [
      { name: 'tea', qty: 2 },
      { name: 'cake', qty: 1 },
    ],
    labels: { open: 'Open', closed: 'Closed' },
    status: 'closed',
    due: '2025-11-20T23:30:00Z',
    link: 'https://x.example/?a=1&b=2',
    trap: 'javascript:alert(1)',
  },
  traits: {},
  user: { first_name: 'Maria', time_zone: 'Europe/Lisbon' },
  notification: { id: 'n-1', type: 'T', channel: 'email' },
};

function compile(parts: TemplateParts, channel: Channel = 'email', locale = 'en') {
  return compileTemplate({ notificationType: 'T', channel, locale, parts });
}

function problemsOf(parts: TemplateParts, channel: Channel = 'email'): readonly TemplateProblem[] {
  const compiled = compile(parts, channel);
  return 'problems' in compiled ? compiled.problems : [];
}

function render(parts: TemplateParts, data: JsonObject = DATA, channel: Channel = 'email', locale = 'en'): Message {
  const compiled = compile(parts, channel, locale);
  if ('problems' in compiled) throw new Error(compiled.problems.map(({ message }) => message).join('; '));
  const rendered = renderMessage(compiled.template, data);
  if ('error' in rendered) throw new Error(rendered.error);
  return rendered.message;
}

/** One text template, rendered. */
function text(source: string, data: JsonObject = DATA, locale = 'en'): string {
  return render({ text: source }, data, 'sms', locale).text;
}

function html(source: string, data: JsonObject = DATA): string | undefined {
  return render({ subject: 's', html: source }, data).html;
}

/** What is wrong with one text template, as `message (hint)`. */
function wrong(source: string): string {
  const [first] = problemsOf({ text: source }, 'sms');
  return first === undefined ? '' : `${first.message}${first.hint === undefined ? '' : ` (${first.hint})`}`;
}

/** Why one text template that is right cannot be rendered with this data. */
function failure(source: string, data: JsonObject): string {
  const compiled = compile({ text: source }, 'sms');
  if ('problems' in compiled) throw new Error('it does not compile');
  const rendered = renderMessage(compiled.template, data);
  return 'error' in rendered ? rendered.error : '';
}

describe('escaping', () => {
  test('in HTML, not in text and subject', () => {
    expect(render({ subject: '{{event.evil}}', text: '{{event.evil}}', html: '<p>{{event.evil}}</p>' })).toEqual({
      subject: '<script>alert("1")</script>',
      text: '<script>alert("1")</script>',
      html: '<p>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</p>',
    });
  });

  test('inside attributes', () => {
    const data = { event: { x: `"><img src=x onerror='1'>\`` } };
    expect(html('<a title="{{event.x}}">x</a>', data)).not.toMatch(/["'`<>](?=img| onerror)|x'|'1|`/);
  });

  test('what helpers return is escaped too', () => {
    expect(html('{{upper event.evil}}{{default event.missing "<b>"}}')).toBe(
      '&lt;SCRIPT&gt;ALERT(&quot;1&quot;)&lt;/SCRIPT&gt;&lt;b&gt;',
    );
  });

  test('three braces are refused in HTML, and are nothing special in text', () => {
    const [problem] = problemsOf({ subject: 's', html: '<p>\n  {{{event.evil}}}</p>' });
    expect(problem).toMatchObject({ part: 'html', line: 2, column: 3, hint: 'write `{{…}}` with two braces' });
    expect(text('{{{event.name}}}')).toBe('Ann');
  });

  test('a link takes web, mail and telephone addresses, nothing that runs', () => {
    expect(html('<a href="{{event.link}}">x</a>')).toBe('<a href="https://x.example/?a&#x3D;1&amp;b&#x3D;2">x</a>');
    for (const trap of [
      'javascript:alert(1)',
      ' java\nscript:alert(1)',
      'JAVASCRIPT:1',
      'data:text/html,x',
      'vbscript:x',
    ]) {
      expect(html('<a href="{{event.x}}">x</a>', { event: { x: trap } })).toBe('<a href="#">x</a>');
      expect(html("<img src = '{{event.x}}'>", { event: { x: trap } })).toBe("<img src = '#'>");
    }
    const parts = { event: { a: 'java', b: 'script:alert(1)', c: 'javascript', blank: ' \n'.repeat(400) } };
    for (const [source, written] of [
      ['<a href="{{event.a}}{{event.b}}">', '<a href="java#">'],
      ['<a href="java{{event.b}}">', '<a href="java#">'],
      ['<a href="{{event.c}}:alert(1)">', '<a href="#:alert(1)">'],
      ['<a href="{{event.blank}}{{event.a}}{{event.b}}">', '<a href="java#">'],
      [`<a href="\n${' '.repeat(30)}{{event.c}}{{event.d}}:x">`, `<a href="\n${' '.repeat(30)}#:x">`],
      ['<object data={{event.c}}:x>', '<object data=#:x>'],
      ['<a href="/x/{{event.a}}{{event.b}}">', '<a href="/x/javascript:alert(1)">'],
      ['<a href="https://x.example/?q={{event.b}}">', '<a href="https://x.example/?q=script:alert(1)">'],
      ['<a title="{{event.a}}{{event.b}}">', '<a title="javascript:alert(1)">'],
    ] as const) {
      expect(html(source, parts), source).toBe(written);
    }
    for (const fine of ['/path', '#top', 'mailto:a', 'tel:1', 'HTTP://x']) {
      expect(html('<a href="{{event.x}}">x</a>', { event: { x: fine } })).toBe(`<a href="${fine}">x</a>`);
    }
  });
});

describe('subjects', () => {
  test('are one line without control characters', () => {
    const data = { event: { name: 'Ann\r\nBcc: thief@example.com\n\n\u0000\u2028x' } };
    expect(render({ subject: ' Hi\n {{event.name}} ', text: 'x' }, data).subject).toBe(
      'Hi Ann Bcc: thief@example.com x',
    );
  });

  test('are cut when they are too long, never through a character', () => {
    const { subject = '' } = render({ subject: '{{event.x}}', text: 'x' }, { event: { x: `a${'🐘'.repeat(300)}` } });
    expect(subject.length).toBeLessThanOrEqual(MAX_SUBJECT_CHARS);
    expect(subject.endsWith('…')).toBe(true);
    expect(subject.isWellFormed()).toBe(true);
  });
});

describe('text', () => {
  test('has plain line ends, no blanks at their ends, no holes', () => {
    expect(text('a \r\nb\t\r{{#if event.no}}\n\nx\n\n{{/if}}\n\n\nc\u0007')).toBe('a\nb\n\nc');
  });

  test('is made of the HTML when there is none', () => {
    const message = render({
      subject: 's',
      html: '<style>p {}</style><h1>Hello {{event.name}}</h1><p>Pay <b>now</b>.</p><a href="{{event.link}}">Pay</a><ul>{{#each event.items}}<li>{{name}}</li>{{/each}}</ul>',
    });
    expect(message.text).toContain('Hello Ann');
    expect(message.text).toContain('Pay now.');
    expect(message.text).toContain('Pay (https://x.example/?a=1&b=2)');
    expect(message.text).toMatch(/tea[\s\S]*cake/);
    expect(message.text).not.toMatch(/[<>{}]/);
  });
});

test.each([
  ['{{#if event.name}}yes{{else}}no{{/if}}', 'yes'],
  ['{{#if event.zero}}yes{{else}}no{{/if}}', 'no'],
  ['{{#if event.missing.deep}}yes{{else if event.name}}second{{else}}no{{/if}}', 'second'],
  ['{{#unless event.no}}shown{{else}}hidden{{/unless}}', 'shown'],
  ['{{#each event.items}}{{@index}}:{{name}} {{qty}}{{#unless @last}}, {{/unless}}{{/each}}', '0:tea 2, 1:cake 1'],
  ['{{#each event.items as |item n|}}{{n}}{{item.name}}{{../event.name}}{{/each}}', '0teaAnn1cakeAnn'],
  ['{{#each event.labels}}{{@key}}={{this}};{{/each}}', 'open=Open;closed=Closed;'],
  ['{{#each event.missing}}x{{else}}none{{/each}}', 'none'],
  ['{{#with event.labels}}{{open}}{{/with}}', 'Open'],
  ['{{#with event.missing}}x{{else}}none{{/with}}', 'none'],
  ['{{#each event.items}}{{@root.user.first_name}}{{/each}}', 'MariaMaria'],
  ['{{! a comment }}{{!-- {{another}} --}}x', 'x'],
  ['a {{~event.name~}} b', 'aAnnb'],
  ['{{event.items.0.name}} {{event.items.length}}', 'tea 2'],
  ['[{{event.missing}}{{event.nothing}}{{traits.a.b.c}}{{total}}]', '[]'],
  ['{{event.no}} {{event.zero}}', 'false 0'],
  ['{{event.labels}}|{{event.items}}', '|'],
  ['{{default event.missing "there"}} {{default event.name "there"}}', 'there Ann'],
  ['{{upper event.name}} {{lower event.name}}', 'ANN ann'],
  ['{{lookup event.labels event.status}}', 'Closed'],
  ['{{date event.due}}', '20 November 2025'],
  ['{{date event.due "d LLL HH:mm" zone="Asia/Tokyo"}}', '21 Nov 08:30'],
  ['{{date event.due "HH:mm" zone=user.time_zone}} {{date event.due "HH:mm" zone="No/Where"}}', '23:30 23:30'],
  ['{{date event.name}}{{date event.missing}}', ''],
  ['{{number event.amount}} {{number event.amount digits=0 locale="de"}}', '1,234.5 1.235'],
  ['{{money event.amount event.currency}} {{money event.amount "nonsense"}}', '€1,234.50 1,234.50'],
  ['{{#if (gt event.amount 1000)}}big{{/if}}{{#if (lt event.name 5)}}never{{/if}}', 'big'],
  ['{{#if (and event.name (not event.no))}}both{{/if}}', 'both'],
  ['{{or event.missing event.name}} {{eq event.status "closed"}} {{ne event.zero 0}}', 'Ann true false'],
  ['{{gte 2 2}} {{lte "a" "b"}}', 'true true'],
])('%s', (source, expected) => {
  expect(text(source)).toBe(expected);
});

test('dates, numbers and case follow the locale of the template', () => {
  expect(
    text('{{date event.due}}; {{number event.amount}}; {{money event.amount event.currency}}', DATA, 'pt-PT'),
  ).toBe('20 novembro 2025; 1234,5; 1234,50\u00a0€');
  expect(text('{{upper "i"}}', DATA, 'tr')).toBe('İ');
});

describe('what is not the data', () => {
  test.each([
    'event.constructor',
    'event.constructor.name',
    'event.__proto__.x',
    'event.name.constructor.constructor',
    'event.toString',
    'event.items.map',
    'event.[__proto__]',
    'lookup event "constructor"',
    'lookup event.items "__proto__"',
    '#with event.constructor}}reached{{/with',
    '#each event.__proto__}}reached{{/each',
    '#with (lookup event "constructor")}}reached{{/with',
  ])('{{%s}} is empty', (expression) => {
    expect(text(`[{{${expression}}}]`)).toBe('[]');
  });

  test('a key of that name which JSON brought is data like any other', () => {
    const data = JSON.parse('{"event": {"__proto__": {"x": "own"}, "constructor": "also own"}}') as JsonObject;
    expect(text('{{event.__proto__.x}} {{event.constructor}}', data)).toBe('own also own');
    expect(({} as { x?: string }).x).toBeUndefined();
  });
});

describe('mistakes are told with their place and what was meant', () => {
  test.each([
    ['{{uper event.name}}', 'there is no helper `uper` (did you mean `upper`?)'],
    ['{{constructor event.name}}', 'there is no helper `constructor`'],
    ['{{evnt.name}}', 'did you mean `event.name`?'],
    ['{{amount}}', 'did you mean `event.amount`?'],
    ['{{#ech event.items}}{{/ech}}', 'did you mean `{{#each}}`?'],
    ['{{#fi event.name}}{{/fi}}', 'did you mean `{{#if}}`?'],
    ['{{notif.id}}', 'did you mean `notification.id`?'],
    ['{{date event.due zon="UTC"}}', '`date` has no option `zon` (did you mean `zone`?)'],
    ['{{money event.amount}}', 'like `{{money event.amount event.currency}}`'],
    ['{{> footer}}', 'partials'],
    ['{{* decorate}}', 'decorators'],
    ['{{#if event.name}}', '`{{#if}}` is never closed (add `{{/if}}`)'],
    ['{{#if event.name}}{{/each}}', 'the names must be the same'],
    ['{{/if}}', 'closes a block that was not opened'],
    ['{{#each}}{{/each}}', 'takes one value'],
    ['{{../event.name}}', 'goes above the top'],
    ['{{@index}}', 'stands outside'],
    ['{{@nothing}}', 'there is no `@nothing`'],
    ['{{now}}', 'there is no `now` here'],
    ['{{event.name', 'check the braces'],
    ['{{event.name)}}', 'cannot be read as a template'],
    ['{{"text" event.name}}', 'a name is needed here'],
  ])('%s', (source, sentence) => {
    expect(wrong(source)).toContain(sentence);
  });

  test('line and column are of the part', () => {
    const problems = problemsOf({ subject: 'Hi {{evnt.name}}', text: 'Dear\n  {{uper event.name}}' });
    expect(problems.map(({ part, line, column }) => [part, line, column])).toEqual([
      ['subject', 1, 6],
      ['text', 2, 3],
    ]);
  });

  test('a channel has its own parts', () => {
    expect(problemsOf({ text: 'x' })).toMatchObject([{ part: 'subject', message: 'email needs a part `subject`' }]);
    expect(problemsOf({ subject: 'x' })).toMatchObject([{ message: 'email needs a part `html` or `text`' }]);
    expect(problemsOf({ text: 'x', html: 'x' }, 'sms')).toMatchObject([{ message: 'sms has no part `html`' }]);
    expect(problemsOf({ subject: 's', htm: 'x', text: 'x' })).toMatchObject([{ hint: 'did you mean `html`?' }]);
  });
});

describe('bounds', () => {
  test('output', () => {
    const data = { event: { x: 'x'.repeat(1000), items: new Array(MAX_EACH_ITEMS).fill(1) } };
    expect(failure('{{#each event.items}}{{@root.event.x}}{{/each}}', data)).toBe(
      `The text part of T cannot be rendered: it becomes longer than ${MAX_OUTPUT_CHARS} characters.`,
    );
  });

  test('items of one loop', () => {
    const data = { event: { items: new Array(MAX_EACH_ITEMS + 1).fill(1) } };
    expect(failure('{{#each event.items}}x{{/each}}', data)).toContain('event.items has 1001 items');
  });

  test('steps of loops in loops', () => {
    const items = new Array(MAX_EACH_ITEMS).fill(1);
    const nested =
      '{{#each event.items}}{{#each @root.event.items}}{{#each @root.event.items}}{{/each}}{{/each}}{{/each}}';
    expect(failure(nested, { event: { items } })).toContain('too many steps');
  });

  test('long texts given to helpers again and again', () => {
    const data = { event: { x: 'x'.repeat(400_000), items: new Array(MAX_EACH_ITEMS).fill(1) } };
    const source = '{{#each event.items}}{{#if (eq (lower @root.event.x) "y")}}{{/if}}{{/each}}';
    expect(failure(source, data)).toContain('too many steps');
  });

  test('length, depth and number of braces of a source', () => {
    expect(wrong('x'.repeat(MAX_SOURCE_CHARS + 1))).toContain('characters long');
    expect(wrong('{{#if event.a}}'.repeat(1000))).toContain('nested too deeply');
    expect(wrong(`{{#if ${'(not '.repeat(500)}event.a${')'.repeat(500)}}}{{/if}}`)).toContain('nested too deeply');
    expect(wrong('{{#each event.a}}'.repeat(4) + '{{/each}}'.repeat(4))).toContain('nested more than');
    expect(wrong('{{event.a}}'.repeat(2001))).toContain('more than 2000');
  });

  test('an error never quotes the data', () => {
    const data = { event: { x: 'maria@example.com'.repeat(40_000) } };
    expect(failure('{{event.x}}', data)).not.toContain('maria');
  });
});

describe('mjml', () => {
  test('becomes HTML, every {{…}} stays', async () => {
    const source = `<mjml><mj-body><mj-section><mj-column>
      <mj-text>Hello {{default user.first_name "there"}}, {{#if event.evil}}{{event.evil}}{{/if}}</mj-text>
      <mj-button href="{{event.link}}">Pay {{money event.amount event.currency}}</mj-button>
      <mj-raw>{{#each event.items}}</mj-raw><mj-text>{{name}}</mj-text><mj-raw>{{/each}}</mj-raw>
    </mj-column></mj-section></mj-body></mjml>`;
    const compiled = await compileMjml(source);
    if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
    for (const kept of [
      '{{default user.first_name "there"}}',
      '{{event.link}}',
      '{{#each event.items}}',
      '{{/each}}',
    ]) {
      expect(compiled.html).toContain(kept);
    }
    const message = render({ subject: 's', html: compiled.html });
    expect(message.html).toMatch(/^<!doctype html>/i);
    expect(message.html).toContain('Hello Maria, &lt;script&gt;');
    expect(message.html).toContain('href="https://x.example/?a&#x3D;1&amp;b&#x3D;2"');
    expect(message.text).toContain('Hello Maria');
    expect(message.text).toMatch(/tea[\s\S]*cake/);
  });

  test.each([
    ['<mjml><mj-body><mj-txt>x</mj-txt></mj-body></mjml>', /mj-txt/],
    ['<mjml><mj-body>\n<mj-include path="/etc/passwd" /></mj-body></mjml>', /mj-include.* is not supported/],
    ['<mjml><mj-body>{{uper event.name}}</mj-body></mjml>', /there is no helper/],
    ['<mjml><mj-body>{{#each event.items}}<mj-section></mj-section>{{/each}}</mj-body></mjml>', /MJML drops/],
  ])('a mistake is told: %s', async (source, sentence) => {
    const compiled = await compileMjml(source);
    expect('problems' in compiled && compiled.problems[0]?.message).toMatch(sentence);
  });

  test('what would take a minute is given up, holds up nobody, and the next one compiles', async () => {
    const styles = Array.from({ length: 3000 }, (_, i) => `.a${i} .b${i} p{color:red}`).join('');
    const body = '<mj-section><mj-column><mj-text css-class="a1">x</mj-text></mj-column></mj-section>';
    const slow = `<mjml><mj-head><mj-style inline="inline">${styles}</mj-style></mj-head><mj-body>${body.repeat(1500)}</mj-body></mjml>`;
    const thread = new MjmlThread(1500);
    let ticks = 0;
    const clock = setInterval(() => ticks++, 20);
    const [given, next] = await Promise.all([
      compileMjml(slow, thread),
      compileMjml(`<mjml><mj-body>${body}</mj-body></mjml>`, thread),
    ]);
    clearInterval(clock);
    expect(given).toEqual({ problems: [{ message: expect.stringMatching(/longer than 1.5 s/), line: 1, column: 1 }] });
    expect(next).toHaveProperty('html');
    expect(ticks).toBeGreaterThan(5);
  });

  test.each(['', 'no markup at all', '<p>HTML</p>'])('what is not MJML is refused: %j', async (source) => {
    expect(await compileMjml(source)).toHaveProperty('problems');
  });
});

describe('whatever comes', () => {
  const EVERYTHING = [
    '{{event}} {{event.a}} {{event.a.b.c}} {{event.length}} {{user.[0]}} {{traits.a}} {{notification.id}} {{total}}',
    '{{#each event}}{{@key}}{{@index}}{{this}}{{this.a}}{{#each this}}{{this}}{{/each}}{{else}}none{{/each}}',
    '{{#with event.a}}{{b}}{{../event}}{{/with}}{{#if event.a}}x{{/if}}{{#unless user}}y{{/unless}}',
    '{{date event.a}}{{date event.a event.b zone=event.c locale=event.d}}{{number event.a digits=event.b locale=event.c}}',
    '{{money event.a event.b locale=event.c}}{{lookup event event.a}}{{lookup event.a event.b}}',
    '{{upper event.a}}{{lower event.b}}{{default event.a event.b}}{{eq event.a event.b}}{{ne event.a event.b}}',
    '{{gt event.a event.b}}{{gte event.a event.b}}{{lt event.a event.b}}{{lte event.a event.b}}',
    '{{and event.a event.b}}{{or event.a event.b}}{{not event.a}}',
  ].join('\n');

  test('the template above uses every helper', () => {
    for (const name of Object.keys(HELPERS)) expect(EVERYTHING).toContain(`{{${name} `);
  });

  test('any data renders to a message or to a reason', () => {
    const compiled = compile({
      subject: EVERYTHING,
      text: EVERYTHING,
      html: `<p title="${EVERYTHING.replaceAll('"', "'")}">`,
    });
    if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
    const key = fc.oneof(fc.constantFrom('a', 'b', 'c', 'd', 'length', '__proto__', 'constructor'), fc.string());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, 0, -0, 1e308, -1e21, '2025-11-20', '2025-11-20T10:00:00Z', 'EUR', 'de', 'x-y-z'),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ unit: 'binary' }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('event', 'user', 'traits', 'notification', 'total'), value), (data) => {
        const rendered = renderMessage(compiled.template, JSON.parse(JSON.stringify(data)) as JsonObject);
        if ('error' in rendered) return expect(rendered.error).toMatch(/cannot be rendered/);
        const { subject = '', text, html = '' } = rendered.message;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
        expect(subject).not.toMatch(/[\u0000-\u001f\u007f]/);
        expect([subject, text, html].every((part) => part.isWellFormed())).toBe(true);
        // Nothing of the data opens a tag or ends the attribute.
        expect(html.slice('<p title="'.length, -'">'.length)).not.toMatch(/[<>"]/);
      }),
      runs(300),
    );
  });

  test('any source compiles or is told to be wrong, and what compiles renders or says why not', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...[
          '{{',
          '}}',
          '{{{',
          '}}}',
          '{{#',
          '{{/',
          '{{else}}',
          '{{^',
          '{{!',
          '{{>',
          '{{~',
          '(',
          ')',
          '"',
          "'",
          '|',
          '=',
        ],
        ...[
          '#if',
          '#each',
          '#with',
          '/if',
          '/each',
          '/with',
          'event',
          'event.a',
          'this',
          '../',
          '@index',
          '@root',
          ' as |x|',
        ],
        ...[
          '{{#if event.a}}',
          '{{/if}}',
          '{{#each event.a}}',
          '{{/each}}',
          '{{event.a}}',
          '[',
          ']',
          '\\',
          '\n',
          ' ',
          '.',
        ],
        ...['<p>', '</p>', '<a href="', '">', '<!--', '-->', '__proto__', 'constructor', 'date ', 'lookup '],
      ),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
        const source = pieces.join('');
        const compiled = compile({ subject: source, html: source });
        if ('problems' in compiled) {
          expect(compiled.problems.length).toBeGreaterThan(0);
          for (const { message, line, column } of compiled.problems) {
            expect(message).not.toBe('');
            expect(line).toBeGreaterThanOrEqual(1);
            expect(column).toBeGreaterThanOrEqual(1);
          }
          return;
        }
        const rendered = renderMessage(compiled.template, { event: { a: ['<x>', 1, { a: 2 }] } });
        expect('message' in rendered || rendered.error.length > 0).toBe(true);
      }),
      runs(1000),
    );
  });
});
