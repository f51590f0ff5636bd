import { describe, expect, test } from 'vitest';
import { MAX_EACH_ITEMS, MAX_OUTPUT_CHARS, MAX_SOURCE_CHARS } from '../src/templates/limits.ts';
import { formatFirstProblem, renderError } from './support/templates.ts';

describe('a template is limited in', () => {
  test('the length of its output', () => {
    const data = { event: { x: 'x'.repeat(1000), items: new Array(MAX_EACH_ITEMS).fill(1) } };
    expect(renderError('{{#each event.items}}{{@root.event.x}}{{/each}}', data)).toBe(
      `The text part of T cannot be rendered: it becomes longer than ${MAX_OUTPUT_CHARS} characters.`,
    );
  });

  test('the items of one loop', () => {
    const data = { event: { items: new Array(MAX_EACH_ITEMS + 1).fill(1) } };
    expect(renderError('{{#each event.items}}x{{/each}}', data)).toContain('event.items has 1001 items');
  });

  test('the steps of nested loops', () => {
    const items = new Array(MAX_EACH_ITEMS).fill(1);
    const nested =
      '{{#each event.items}}{{#each @root.event.items}}{{#each @root.event.items}}{{/each}}{{/each}}{{/each}}';
    expect(renderError(nested, { event: { items } })).toContain('too many steps');
  });

  test('the work of helpers on long texts', () => {
    const data = { event: { x: 'x'.repeat(400_000), items: new Array(MAX_EACH_ITEMS).fill(1) } };
    const source = '{{#each event.items}}{{#if (eq (lower @root.event.x) "y")}}{{/if}}{{/each}}';
    expect(renderError(source, data)).toContain('too many steps');
  });

  test('the length, depth and number of expressions of its source', () => {
    expect(formatFirstProblem('x'.repeat(MAX_SOURCE_CHARS + 1))).toContain('characters long');
    expect(formatFirstProblem('{{#if event.a}}'.repeat(1000))).toContain('nested too deeply');
    expect(formatFirstProblem(`{{#if ${'(not '.repeat(500)}event.a${')'.repeat(500)}}}{{/if}}`)).toContain(
      'nested too deeply',
    );
    expect(formatFirstProblem('{{#each event.a}}'.repeat(4) + '{{/each}}'.repeat(4))).toContain('nested more than');
    expect(formatFirstProblem('{{event.a}}'.repeat(2001))).toContain('more than 2000');
  });

  test('errors, which never quote the data', () => {
    const data = { event: { x: 'maria@example.com'.repeat(40_000) } };
    expect(renderError('{{event.x}}', data)).not.toContain('maria');
  });
});
