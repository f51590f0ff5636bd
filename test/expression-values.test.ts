import { describe, expect, it } from 'vitest';
import { collectSeenValues, compileExpression, type Declared, type Expression } from '../src/expressions/condition.ts';
import type { JsonObject } from '../src/model/event.ts';
import { compileValue, EVENT, formatProblems, SCOPE } from './support/conditions.ts';

const json = (text: string) => JSON.parse(text) as JsonObject;

describe('expressions with a value', () => {
  it.each<[string, unknown, Expression['type']]>([
    ['event.amount', 100.5, 'any'],
    ['event.amount * 2', 201, 'number'],
    ['-(event.amount - 100.5)', 0, 'number'],
    ['event.amount > 100', true, 'bool'],
    ['event.plan + "!"', 'gold!', 'string'],
    ['"text"', 'text', 'string'],
    ['null', null, 'null'],
    ['event.nothing', null, 'any'],
    ['event.items.map(i, i.price)', [5, 12.5], 'list'],
    ['event.address', { city: 'Berlin', 'post code': '10115' }, 'any'],
    ['{"plan": event.plan, "at": [timestamp(event.at)]}', { plan: 'gold', at: ['2025-10-31T10:41:00.250Z'] }, 'map'],
    ['event.paid ? user.tier : "none"', 'vip', 'any'],
    ['matched.signup_completed.plan', 'gold', 'any'],
    ['matched', SCOPE.matched, 'map'],
    ['now', '2025-11-01T00:00:00.000Z', 'timestamp'],
    ['timestamp(event.at) - duration("24h")', '2025-10-30T10:41:00.250Z', 'timestamp'],
    ['timestamp(event.created)', '2025-10-30T08:41:00.000Z', 'timestamp'],
    ['timestamp("0001-01-01T00:00:00Z")', '0001-01-01T00:00:00.000Z', 'timestamp'],
    ['duration("1h30m")', '5400s', 'duration'],
    ['duration("-1.5s")', '-1.5s', 'duration'],
    ['duration("1ns")', '0s', 'duration'],
    ['{"left": now - timestamp(event.at)}', { left: '47939.75s' }, 'map'],
  ])('%s is %j', (text, value, type) => {
    const expression = compileValue(text);
    const result = expression.evaluate(SCOPE);
    expect(result).toEqual({ kind: 'value', value });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(expression.type).toBe(type);
    expect(expression.expression).toBe(text);
  });

  it('have problems that name expressions, not conditions', () => {
    const wrong = (expression: string, declared: Declared = {}) => {
      const compiled = compileExpression(expression, declared);
      return 'expression' in compiled ? [] : formatProblems(compiled.problems);
    };
    expect(wrong(' ')).toEqual(['0 the expression is empty']);
    expect(wrong('event.amount *')).toEqual(['14 the expression ends too early']);
    expect(wrong('pro')).toEqual([
      '0 there is no variable "pro": an expression sees event, traits, user and context (text is written in quotes: "pro")',
    ]);
    expect(wrong('pro', { roots: ['event'] })[0]).toContain('an expression sees event (text');
    expect(wrong('event.amount && true', { event: { properties: { amount: { type: 'number' } } } })).toEqual([
      '0 event.amount is a number, but must be true or false',
    ]);
  });

  it('have types from the schemas', () => {
    const event: JsonObject = {
      properties: {
        starts_at: { type: 'string', format: 'date-time' },
        list: { type: 'array' },
        either: { type: ['string', 'null'] },
      },
    };
    for (const [expression, type] of [
      ['event.starts_at', 'string'],
      ['timestamp(event.starts_at) - duration("24h")', 'timestamp'],
      ['event.list', 'list'],
      ['event.either', 'any'],
      ['event', 'map'],
    ] as const) {
      expect([expression, compileValue(expression, { event }).type]).toEqual([expression, type]);
    }
  });

  it('name their fields, the variable first', () => {
    const expression = compileValue(
      '{"a": event.x.y, "b": matched["signup_completed"].plan, "c": now, "d": [user.nope]}',
    );
    expect(expression.fields).toEqual(['event.x.y', 'matched.signup_completed.plan', 'now', 'user.nope']);
    expect(expression.paths.map(([variable]) => variable)).toEqual(['event', 'matched', 'now', 'user']);
    expect(collectSeenValues(expression, SCOPE)).toEqual({
      values: { 'matched.signup_completed.plan': 'gold', now: '2025-11-01T00:00:00.000Z' },
      missing: ['event.x.y', 'user.nope'],
    });
    expect(collectSeenValues(expression, { event: {}, traits: {}, user: {} })).toEqual({
      values: {},
      missing: expression.fields,
    });
  });

  it.each<[string, JsonObject, object]>([
    ['event.a + event.b', {}, { kind: 'missing', fields: ['event.a', 'event.b'] }],
    ['[event.a, 1]', {}, { kind: 'missing', fields: ['event.a'] }],
    ['event.a * 2', { a: 'x' }, { kind: 'error', message: 'event.a is text ("x"), but must be a number' }],
    ['event.a / 0', { a: 1 }, { kind: 'error', message: '0 is 0: division by zero' }],
    ['"a\\u0000b"', {}, { kind: 'error', message: 'the value has a character that cannot be stored' }],
    ['[{"\\u0000": 1}]', {}, { kind: 'error', message: 'the value has a character that cannot be stored' }],
    ['event.a', { a: '\ud800' }, { kind: 'error', message: 'the value has a character that cannot be stored' }],
  ])('%s of %j fails', (expression, event, expected) => {
    expect(compileValue(expression).evaluate({ ...SCOPE, event })).toMatchObject(expected);
  });

  it('are bounded in size', () => {
    const nested = (levels: number) => json(`{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`);
    const kindOf = (expression: string, event: JsonObject) => {
      const result = compileValue(expression).evaluate({ ...SCOPE, event });
      return result.kind === 'error' ? result.message : result.kind;
    };
    const deep = 'the value is nested more than 31 levels deep';
    expect(kindOf('event.a', nested(31))).toBe('value');
    expect(kindOf('event.a', nested(32))).toBe(deep);
    expect(kindOf('event.a', nested(5000))).toBe(deep);

    const parts = 'the value has more than 10000 parts';
    const wide = (length: number) => ({ a: Array(length).fill(1) });
    expect(kindOf('event.a', wide(9999))).toBe('value');
    expect(kindOf('event.a', wide(10_000))).toBe(parts);
    expect(kindOf('event.a.map(x, event.a)', wide(1000))).toBe(parts);
    expect(kindOf('event', Object.fromEntries(wide(20_000).a.map((one, at) => [`k${at}`, one])))).toBe(parts);

    const text = 'the value has more than 100000 characters of text';
    expect(kindOf('event.a', { a: 'x'.repeat(100_000) })).toBe('value');
    expect(kindOf('event.a', { a: 'x'.repeat(100_001) })).toBe(text);
    expect(kindOf('[event.a, event.a]', { a: 'x'.repeat(50_001) })).toBe(text);
    expect(kindOf('event', { ['k'.repeat(100_001)]: 1 })).toBe(text);
  });

  it('are copies with unchanged keys', () => {
    const event = json('{"a":{"__proto__":{"x":1},"constructor":2}}');
    const result = compileValue('{"__proto__": event.a}').evaluate({ ...SCOPE, event });
    expect(JSON.stringify(result)).toBe('{"kind":"value","value":{"__proto__":{"__proto__":{"x":1},"constructor":2}}}');
    const list = compileValue('event.codes').evaluate(SCOPE);
    if (list.kind === 'value') (list.value as unknown[]).push(4);
    expect(EVENT.codes).toEqual([1, 2, 3]);
  });
});
