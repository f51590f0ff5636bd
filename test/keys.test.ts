import { describe, expect, test } from 'vitest';
import { evaluateKey, haveSameValue, limitBucketKey } from '../src/rules/evaluate/key.ts';
import { plainRule, rulesOf } from './support/random-catalog.ts';

/** Keys, which separate the events, waits and limits of one rule. */

/** IDs that show the text they stand for. */
const IDS = {
  fresh: () => 'fresh',
  fromText: (text: string) => `id of ${text.length}: ${text}`,
  keyed: (text: string) => `hash of ${text}`,
};

describe('the key of an event', () => {
  test('is empty for a rule without one', () => {
    expect(evaluateKey(compile({}), event({ k: 'x' }), IDS)).toBe('');
  });

  test.each([
    ['x', 'x'],
    ['two words', 'two words'],
    [7, '7'],
    [true, 'true'],
    [0, '0'],
    [false, 'false'],
    ['x'.repeat(128), 'x'.repeat(128)],
    ['x'.repeat(129), `id of 129: ${'x'.repeat(129)}`],
    ['a\x1fb', 'id of 3: a\x1fb'],
    ['a\u2028b', 'id of 3: a\u2028b'],
    ['a\u2029b', 'id of 3: a\u2029b'],
    ['a\n', 'id of 2: a\n'],
    ['\na', 'id of 2: \na'],
  ])('is the value as text where it is short and plain, and an id of it otherwise: %j', (value, key) => {
    expect(evaluateKey(compile({ key: 'event.k' }), event({ k: value }), IDS)).toBe(key);
  });

  test.each([[{}], [{ k: null }], [{ k: '' }]])('is missing where %j has no value', (properties) => {
    expect(evaluateKey(compile({ key: 'event.k' }), event(properties), IDS)).toBeUndefined();
  });

  test('is missing where its expression cannot be evaluated', () => {
    expect(evaluateKey(compile({ key: 'event.k + 1' }), event({ k: 'x' }), IDS)).toBeUndefined();
  });

  test('may be a trait of the event', () => {
    const { traits, properties } = { traits: { plan: 'pro' }, properties: {} };
    expect(evaluateKey(compile({ key: 'traits.plan' }), { traits, properties }, IDS)).toBe('pro');
  });
});

describe('two events have the same value', () => {
  test.each([
    [{ k: 'x' }, { k: 'x' }, true],
    [{ k: 'x' }, { k: 'y' }, false],
    [{ k: '' }, { k: '' }, true],
    [{ k: [1] }, { k: [1] }, true],
    [{ k: [1] }, { k: [2] }, false],
    [{}, { k: 'x' }, false],
    [{ k: 'x' }, {}, false],
    [{}, {}, false],
    [{ k: null }, { k: null }, false],
    [{ k: null }, { k: 'x' }, false],
    [{ k: 'x' }, { k: null }, false],
    [{ k: 'null' }, { k: null }, false],
    [{ k: null }, { k: 'null' }, false],
  ])('of %j and %j: %s', (one, other, same) => {
    const { sameUnless } = compile({
      unless: { events: ['b'], atLeast: 1, within: 1, withinText: '1ms', same: 'event.k' },
    });
    expect(haveSameValue(sameUnless, event(one), event(other), IDS)).toBe(same);
  });

  test('with any values, if nothing is compared', () => {
    expect(haveSameValue(undefined, event({ k: 'x' }), event({}), IDS)).toBe(true);
  });
});

describe('a limit is counted', () => {
  const limit = { max: 1, period: { kind: 'ever' as const }, text: 'once' };

  test.each([
    [{ key: 'event.k', limits: [limit] }, 'k 1', 'R [k 1]/ever'],
    [{ key: 'event.k', limits: [limit] }, '', 'R/ever'],
    [{ key: 'event.k', limits: [{ ...limit, perUser: true as const }] }, 'k 1', 'R/ever'],
    [{ limits: [limit] }, '', 'R/ever'],
  ])('for the rule %j and the key %j in %s', (rule, key, bucketKey) => {
    const [bound] = compile(rule).limits;
    expect(limitBucketKey(bound!, key)).toBe(bucketKey);
  });

  test('for a key by itself also where the key looks like that of another rule', () => {
    const [one, other] = [compile({ key: 'event.k', limits: [limit] }), compile({ key: 'event.k', limits: [limit] })];
    expect(limitBucketKey(one.limits[0]!, 'a')).not.toBe(limitBucketKey(other.limits[0]!, 'b'));
  });
});

function compile(rule: Partial<Parameters<typeof plainRule>[0]>) {
  return rulesOf([plainRule({ name: 'R', on: ['a'], ...rule })]).byName.get('R')!;
}

function event(properties: object) {
  return { properties: { ...properties }, traits: {} };
}
