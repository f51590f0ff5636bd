import { expect, test } from 'vitest';
import { formatFirstProblem, renderError, renderText } from './support/templates.ts';

test('a third name of an item is rejected', () => {
  for (const block of ['each', 'with']) {
    expect(formatFirstProblem(`{{#${block} event.items as |a b c|}}{{c}}{{/${block}}}`)).toBe(
      `\`{{#${block}}}\` gives at most two names, not 3 (like \`as |item index|\`)`,
    );
  }
});

test('a required value that is missing, or blank, keeps the message from being sent, by name', () => {
  const source = 'Hello {{required user.first_name}}';
  for (const user of [{}, { first_name: '' }, { first_name: ' \u200b' }, { first_name: null }]) {
    expect(renderError(source, { user })).toBe('The text part of T cannot be rendered: user.first_name is missing.');
  }
  expect(renderText(source, { user: { first_name: 'Ann' } })).toBe('Hello Ann');
  expect(renderText('{{#if (required event.n)}}a{{else}}zero{{/if}}', { event: { n: 0 } })).toBe('zero');
});

test('times in different offsets compare as instants', () => {
  const event = { a: '2025-11-01T10:00:00+02:00', b: '2025-11-01T09:00:00Z', c: '2025-11-01 10:00:00.5Z' };
  expect(renderText('{{lt event.a event.b}} {{gt event.c event.a}} {{gt "b" "a"}}', { event })).toBe('true true true');
});
