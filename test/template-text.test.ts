import { describe, expect, test } from 'vitest';
import { MAX_SUBJECT_CHARS } from '../src/templates/limits.ts';
import { DATA, render, renderText } from './support/templates.ts';

describe('a subject', () => {
  test('is one line without control characters', () => {
    const data = { event: { name: 'Ann\r\nBcc: thief@example.com\n\n\u0000\u2028x' } };
    expect(render({ subject: ' Hi\n {{event.name}} ', text: 'x' }, data).subject).toBe(
      'Hi Ann Bcc: thief@example.com x',
    );
  });

  test('is truncated if it is too long, never within a character', () => {
    const { subject = '' } = render({ subject: '{{event.x}}', text: 'x' }, { event: { x: `a${'🐘'.repeat(300)}` } });
    expect(subject.length).toBeLessThanOrEqual(MAX_SUBJECT_CHARS);
    expect(subject.endsWith('…')).toBe(true);
    expect(subject.isWellFormed()).toBe(true);
  });
});

describe('a text part', () => {
  test('has LF line ends, no trailing blanks and no repeated empty lines', () => {
    expect(renderText('a \r\nb\t\r{{#if event.no}}\n\nx\n\n{{/if}}\n\n\nc\u0007')).toBe('a\nb\n\nc');
  });

  test('is generated from the HTML if it is missing', () => {
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

test('formats dates, numbers and case for the locale of the template', () => {
  expect(
    renderText('{{date event.due}}; {{number event.amount}}; {{money event.amount event.currency}}', DATA, 'pt-PT'),
  ).toBe('20 novembro 2025; 1234,5; 1234,50\u00a0€');
  expect(renderText('{{upper "i"}}', DATA, 'tr')).toBe('İ');
});
