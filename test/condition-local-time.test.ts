import { describe, expect, test } from 'vitest';
import { compileCondition, compileExpression } from '../src/expressions/condition.ts';

const NOW = Date.parse('2025-02-28T23:30:15.123Z');

function evaluate(text: string, user: Record<string, string> = {}) {
  const compiled = compileExpression(text, { now: true });
  if ('problems' in compiled) throw new Error(compiled.problems.map(({ message }) => message).join('; '));
  return compiled.expression.evaluate({ event: {}, traits: {}, user, now: NOW });
}

describe('the calendar fields of a time in a zone', () => {
  test.each([
    ['now.getDate(user.time_zone)', 'Pacific/Auckland', 1],
    ['now.getMonth(user.time_zone)', 'Pacific/Auckland', 2],
    ['now.getFullYear(user.time_zone)', 'Pacific/Auckland', 2025],
    ['now.getHours(user.time_zone)', 'America/New_York', 18],
    ['now.getMinutes(user.time_zone)', 'Asia/Kolkata', 0],
    ['now.getDayOfWeek(user.time_zone)', 'Pacific/Auckland', 6],
    ['now.getDayOfMonth(user.time_zone)', 'Pacific/Auckland', 0],
    ['now.getDayOfYear(user.time_zone)', 'Pacific/Auckland', 59],
    ['now.getSeconds(user.time_zone)', 'Pacific/Auckland', 15],
    ['now.getMilliseconds(user.time_zone)', 'Pacific/Auckland', 123],
    ['now.getHours(user.time_zone)', '+05:30', 5],
    ['now.getHours(user.time_zone)', 'pacific/auckland', 12],
    ['now.getHours()', 'Pacific/Auckland', 23],
  ])('%s in %s', (text, zone, value) => {
    expect(evaluate(text, { time_zone: zone })).toEqual({ kind: 'value', value });
  });

  test('a zone that is unknown when it is evaluated is an error that names the field', () => {
    expect(evaluate('now.getDate(user.time_zone)', { time_zone: 'Mars/X' })).toEqual({
      kind: 'error',
      message: 'user.time_zone is text ("Mars/X"), but must be a time zone',
    });
  });

  test('a zone that is missing is a missing field', () => {
    expect(evaluate('now.getDate(user.time_zone)')).toEqual({ kind: 'missing', fields: ['user.time_zone'] });
  });

  test('an unknown zone that is written out is reported where it stands', () => {
    expect(compileCondition('now.getHours("Europe/Lisbn") > 8', { now: true })).toEqual({
      problems: [
        { offset: 13, message: 'there is no time zone "Europe/Lisbn"', hint: 'as in now.getHours("Europe/Lisbon")' },
      ],
    });
  });

  test('a duration has no zone', () => {
    expect(evaluate('duration("90m").getHours()')).toEqual({ kind: 'value', value: 1 });
    expect(() => evaluate('duration("90m").getHours("UTC")')).toThrow('a duration has no time zone');
  });
});

test('the milliseconds of a duration are those below a second', () => {
  expect(evaluate('duration("123.321s").getMilliseconds()')).toEqual({ kind: 'value', value: 321 });
  expect(evaluate('duration("-1.5s").getMilliseconds()')).toEqual({ kind: 'value', value: -500 });
});

test('a value of any kind is in no empty object', () => {
  for (const value of ['7', 'true', '"a"']) expect(evaluate(`${value} in {}`)).toEqual({ kind: 'value', value: false });
});
