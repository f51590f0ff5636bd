import { describe, expect, test } from 'vitest';
import { renderText, type TemplateData } from './support/templates.ts';

describe('names that are not data', () => {
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
    expect(renderText(`[{{${expression}}}]`)).toBe('[]');
  });

  test('are data if they are keys of the JSON', () => {
    const data = JSON.parse('{"event": {"__proto__": {"x": "own"}, "constructor": "also own"}}') as TemplateData;
    expect(renderText('{{event.__proto__.x}} {{event.constructor}}', data)).toBe('own also own');
    expect(({} as { x?: string }).x).toBeUndefined();
  });
});
