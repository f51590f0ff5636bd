import { describe, expect, test } from 'vitest';
import { compileCondition } from '../src/expressions/condition.ts';

const TIME = { type: 'string', format: 'date-time' };
const DECLARED = {
  event: {
    type: 'object',
    properties: {
      a: TIME,
      b: TIME,
      day: { type: 'string', format: 'date' },
      text: { type: 'string' },
      any: {},
      steps: { type: 'array', items: { type: 'object', properties: { at: TIME } } },
    },
  },
};

function evaluate(text: string, event: Record<string, unknown>) {
  const compiled = compileCondition(text, DECLARED);
  if ('problems' in compiled) return compiled.problems.map(({ offset, message }) => `${offset} ${message}`).join('; ');
  const result = compiled.condition.evaluate({ event: event as never, traits: {}, user: {} });
  return result.kind === 'error' ? result.message : result.kind;
}

const LATER = { a: '2025-11-01T10:00:00+02:00', b: '2025-11-01T08:30:00Z' };
const EQUAL = { a: '2025-11-01T10:00:00+02:00', b: '2025-11-01T08:00:00.000Z' };

describe('timestamps are compared as instants, whatever their offsets', () => {
  test.each([
    ['event.a > event.b', LATER, 'false'],
    ['event.a < event.b', LATER, 'true'],
    ['event.a == event.b', EQUAL, 'true'],
    ['event.a != event.b', EQUAL, 'false'],
    ['event.a >= event.b && event.a <= event.b', EQUAL, 'true'],
    ['event.a == "2025-11-01T08:00:00Z"', EQUAL, 'true'],
    ['"2025-11-01T09:00:00+02:00" < event.a', EQUAL, 'true'],
    ['event.steps.exists(s, s.at < event.b)', { ...EQUAL, steps: [{ at: '2025-11-01T09:00:00+02:00' }] }, 'true'],
    ['event.a < event.any', { ...EQUAL, any: '2025-11-01T08:00:00.0001Z' }, 'true'],
    ['event.a == event.text', { ...EQUAL, text: 'soon' }, 'false'],
    ['event.text < event.any', { text: 'a', any: 'b' }, 'true'],
    ['event.a > event.b', { a: EQUAL.a }, 'missing'],
  ])('%s', (text, event, result) => {
    expect(evaluate(text, event)).toBe(result);
  });

  test('with a value that is no time, an order is an error that names the field', () => {
    expect(evaluate('event.a < event.text', { ...EQUAL, text: 'soon' })).toBe(
      'event.text is text ("soon"), but must be a date and time',
    );
    expect(evaluate('event.any >= event.a', { ...EQUAL, any: 'afterwards' })).toBe(
      'event.any is text ("afte…"), but must be a date and time',
    );
  });

  test('a text that is no time, and a date, are reported where they stand', () => {
    expect(evaluate('event.a > "2025-11-01"', {})).toBe('10 event.a is a date and time, and "2025-11-01" is not');
    expect(evaluate('event.day == event.b', {})).toBe('0 event.b is a date and time, and event.day is a date only');
  });
});
