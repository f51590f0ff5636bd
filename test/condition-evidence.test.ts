import { describe, expect, it } from 'vitest';
import { collectSeenValues } from '../src/expressions/condition.ts';
import type { JsonObject } from '../src/model/event.ts';
import { compile, SCOPE } from './support/conditions.ts';

const json = (text: string) => JSON.parse(text) as JsonObject;

describe('the evidence of a condition', () => {
  it('names the fields in order of appearance, without repeats', () => {
    const expression =
      'has(traits.a) && event.x.y > 1 && user["b c"] == event.x.y && event.m[event.k] > 1 && event.l.exists(i, i.p > event.z[0])';
    expect(compile(expression).fields).toEqual([
      'traits.a',
      'event.x.y',
      'user["b c"]',
      'event.m',
      'event.k',
      'event.l',
      'event.z[0]',
    ]);
  });

  it('has the values that exist, and lists missing ones', () => {
    const condition = compile(
      'event.amount > 1 && event.nope.x == 1 && event.address.city == "x" && user.nothing == null',
    );
    const scope = { ...SCOPE, user: { nothing: null } };
    expect(collectSeenValues(condition, scope)).toEqual({
      values: { 'event.amount': 100.5, 'event.address.city': 'Berlin', 'user.nothing': null },
      missing: ['event.nope.x'],
    });
    expect(collectSeenValues(compile('event.toString == 1'), SCOPE)).toEqual({
      values: {},
      missing: ['event.toString'],
    });
  });

  it('truncates large values', () => {
    const wide = json(`{${Array.from({ length: 50_000 }, (_, at) => `"k${at}":${at}`).join(',')}}`);
    const deep = json(`{"a":${'{"a":'.repeat(500)}1${'}'.repeat(501)}`);
    const event = {
      text: 'x'.repeat(10_000),
      list: Array(5000).fill(7),
      wide,
      deep,
      odd: json('{"__proto__":{"x":1}}'),
    };
    const condition = compile('size(event.text) + size(event.list) > 1 && event.wide == event.deep && event.odd == 1');
    const { values } = collectSeenValues(condition, { ...SCOPE, event });
    expect(values['event.text']).toBe(`${'x'.repeat(200)}…`);
    expect(values['event.list']).toEqual([...Array(20).fill(7), '… 4980 more']);
    expect(Object.keys(values['event.wide'] as JsonObject)).toHaveLength(21);
    expect(JSON.stringify(values['event.odd'])).toBe('{"__proto__":{"x":1}}');
    expect(JSON.stringify(values).length).toBeLessThan(2000);
  });
});
