import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HELPERS } from '../src/templates/helpers.ts';
import { renderMessage } from '../src/templates/template.ts';
import { runs } from './support/properties.ts';
import { compile, type TemplateData } from './support/templates.ts';

describe('any input', () => {
  const EVERYTHING = [
    '{{event}} {{event.a}} {{event.a.b.c}} {{event.length}} {{user.[0]}} {{traits.a}} {{notification.id}} {{total}}',
    '{{#each event}}{{@key}}{{@index}}{{this}}{{this.a}}{{#each this}}{{this}}{{/each}}{{else}}none{{/each}}',
    '{{#with event.a}}{{b}}{{../event}}{{/with}}{{#if event.a}}x{{/if}}{{#unless user}}y{{/unless}}',
    '{{date event.a}}{{date event.a event.b zone=event.c locale=event.d}}{{number event.a digits=event.b locale=event.c}}',
    '{{money event.a event.b locale=event.c}}{{currency event.a event.b}}{{plural event.a one=event.b other=event.c}}',
    '{{#if event.a}}{{asset event.a}}{{/if}}{{lookup event event.a}}{{lookup event.a event.b}}',
    '{{url event.a}}{{#if event.a}}{{required event.a}}{{/if}}{{upper event.a}}{{lower event.b}}{{default event.a event.b}}{{eq event.a event.b}}{{ne event.a event.b}}',
    '{{gt event.a event.b}}{{gte event.a event.b}}{{lt event.a event.b}}{{lte event.a event.b}}',
    '{{and event.a event.b}}{{or event.a event.b}}{{not event.a}}',
  ].join('\n');

  test('the template of this test uses every helper', () => {
    for (const name of Object.keys(HELPERS)) expect(EVERYTHING).toContain(`{{${name} `);
  });

  test('any data gives a message or a reason', () => {
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
        const tenant = { asset_base_url: 'https://static.example' };
        const values = { ...JSON.parse(JSON.stringify(data)), tenant } as TemplateData;
        const rendered = renderMessage(compiled.template, values);
        if ('error' in rendered) {
          expect(rendered.error).toMatch(/cannot be rendered/);
          return;
        }
        const { subject = '', text, html = '' } = rendered.message;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that must not be there
        expect(subject).not.toMatch(/[\u0000-\u001f\u007f]/);
        expect([subject, text, html].every((part) => part.isWellFormed())).toBe(true);
        // Nothing of the data opens a tag or ends the attribute.
        expect(html.slice('<p title="'.length, -'">'.length)).not.toMatch(/[<>"]/);
      }),
      runs(300),
    );
  });

  test('any source compiles or has problems; a compiled template renders or gives a reason', () => {
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
