import { describe, expect, it } from 'vitest';
import type { Declared } from '../src/expressions/condition.ts';
import type { JsonObject } from '../src/model/event.ts';
import { ANYTHING, formatConditionProblems } from './support/conditions.ts';

describe('rejects a condition', () => {
  const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
    type: 'object',
    properties,
    ...more,
  });
  const declared: Declared = {
    event: object({
      attempt_number: { type: 'integer' },
      amount: { type: 'number' },
      plan: { type: 'string', enum: ['gold', 'silver'] },
      note: { type: ['string', 'null'] },
      any: {},
      at: { type: 'string' },
      items: { type: 'array', items: object({ price: { type: 'number' } }) },
      codes: { type: 'array', items: { type: 'string' } },
      address: object({ city: { type: 'string' } }, { additionalProperties: false }),
      open: object({ known: { type: 'number' } }, { additionalProperties: true }),
      counts: { type: 'object', additionalProperties: { type: 'number' } },
      either: object(
        { a: { type: 'number' } },
        { anyOf: [{ properties: { b: { type: 'number' } } }], required: ['c'] },
      ),
      needed: object({ a: { type: 'number' } }, { required: ['b'], unevaluatedProperties: false }),
      keyed: object({}, { patternProperties: { '^x': { type: 'string' } }, additionalProperties: { type: 'number' } }),
      pair: { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'number' } },
      free: { type: 'object' },
    }),
    traits: object({ marketing_opt_in: { type: 'boolean' } }),
  };

  it.each([
    // Syntax
    ['', '0 the condition is empty'],
    ['event.amount >', '14 the condition ends too early'],
    ['(event.amount > 1', '17 ")" is missing at the end'],
    ['event.amount = 3', '13 "=" is not expected here (did you mean ==?)'],
    ['event.amount === 3', '15 "=" is not expected here (did you mean ==?)'],
    ['event.amount > 3 and event.amount < 5', '17 "and" is not expected here (did you mean &&?)'],
    ['not traits.marketing_opt_in', '0 "not" is not expected here (did you mean !?)'],
    ['event.plan == “gold”', '14 "“" is not expected here (did you mean "?)'],
    ['event.plan == "gold', '14 unterminated string'],
    ['event.items.exists(1, true)', '19 a plain name is needed here, as x in exists(x, x > 1)'],
    // Names
    [
      'evnt.amount > 1',
      '0 there is no variable "evnt": a condition sees event, traits, user and context (did you mean event?)',
    ],
    [
      'true && amount > 1',
      '8 there is no variable "amount": a condition sees event, traits, user and context (did you mean event.amount?)',
    ],
    [
      'event.plan == gold',
      '14 there is no variable "gold": a condition sees event, traits, user and context (text is written in quotes: "gold")',
    ],
    [
      'traits.marketing_optin',
      '7 traits has no field "marketing_optin": it has marketing_opt_in (did you mean marketing_opt_in?)',
    ],
    ['has(event.address.zip)', '18 event.address has no field "zip": it has city'],
    ['has(event.needed.zip)', '17 event.needed has no field "zip": it has a'],
    [
      'event["atempt_number"] > 1',
      /^6 event has no field "atempt_number": it has .*, … \(did you mean attempt_number\?\)$/,
    ],
    ['event.items.exists(i, i.prise > 1)', '24 event.items[] has no field "prise": it has price (did you mean price?)'],
    // Kinds
    ['event.amount', '0 event.amount is a number, but must be true or false'],
    [
      'event.attempt_number == "3"',
      '0 event.attempt_number is a number and "3" is text: they are never equal (did you mean 3?)',
    ],
    ['event.at != 3', '0 event.at is text and 3 is a number: they are never equal (did you mean "3"?)'],
    [
      'event.amount == null',
      '0 event.amount is a number and null is null: they are never equal (has(event.amount) tells whether it is there)',
    ],
    [
      'traits.marketing_opt_in > 2',
      '0 traits.marketing_opt_in is true or false and 2 is a number: ">" cannot compare them',
    ],
    ['event.items > 2', '0 event.items is a list, ">" cannot compare it'],
    ['event.amount && true', '0 event.amount is a number, but must be true or false'],
    ['!event.amount', '1 event.amount is a number, but must be true or false'],
    ['event.at + 1 == "a"', '0 "+" does not go with text (event.at) and a number (1)'],
    ['-event.at == 1', '1 event.at is text, but must be a number'],
    ['event.at.city == 1', '9 event.at is text, it has no fields'],
    ['event.amount.contains("a")', '0 event.amount is a number, but must be text'],
    ['event.amount in ["a", "b"]', '0 event.amount is a number, and the list holds text'],
    ['"a" in event.at', '7 "in" looks into lists and objects, not into text (did you mean event.at.contains("a")?)'],
    ['event.plan == "glod"', '14 event.plan is never "glod": it is one of gold, silver (did you mean gold?)'],
    ['true ? 1 : "a"', '11 one branch gives a number, the other text: they must be of one kind'],
    [
      'event.at > timestamp("2025-01-01T00:00:00Z")',
      /^0 event\.at is text and timestamp\(.*\) is a time: ">" cannot compare them \(did you mean timestamp\(event.at\)\?\)/,
    ],
    [
      'event.at - duration("1h") > timestamp(event.at)',
      '0 "-" does not go with text (event.at) and a duration (duration("1h")) (did you mean timestamp(event.at)?)',
    ],
    [
      'timestamp(event.at) + event.plan > timestamp(event.at)',
      /^0 "\+" does not go with .* \(did you mean duration\(event.plan\)\?\)$/,
    ],
    // Functions
    ['event.plan.contians("a")', '11 there is no function "contians" (did you mean contains?)'],
    ['contains(event.plan, "a")', '0 contains is not written like this (as in event.x.contains("a"))'],
    ['math.abs(event.amount) > 1', '5 there is no function "abs"'],
    ['cel.bind(x, 1, x == 1)', '4 there is no function "bind"'],
    ['has(event)', '0 has() takes the name of one field (as in has(event.amount))'],
    ['has(event.items.filter(i, true)[0].price)', '0 has() takes the name of one field (as in has(event.amount))'],
    ['event.plan.matches("(")', '19 the pattern is not a regular expression (RE2): missing closing ): `(`'],
    ['event.plan.matches(event.at)', '19 the pattern of matches must be written out, between quotes'],
    ['event.plan.matches("(a{1,100}){1,10}")', '19 the pattern is too large: its repetitions unfold to too many steps'],
    [`event.plan.matches("${'a'.repeat(300)}")`, '19 the pattern is longer than 256 characters'],
    ['timestamp("2025-02-30T00:00:00Z") > timestamp(0)', /^10 "2025-02-30T00:00:00Z" cannot be read as a time/],
    ['timestamp("2025-02-03T00:00:00") > timestamp(0)', /^10 .* cannot be read as a time/],
    ['duration("1 day") > duration("1h")', '9 "1 day" cannot be read as a duration like "24h"'],
    ['event.codes.all(a, event.codes.all(b, event.codes.all(c, a == b)))', /all is nested more than two deep$/],
    ['event.codes.all(event, true)', '16 the name "event" is taken'],
    ['b"x" == b"x"', /^0 bytes cannot be used here$/],
    ['event.amount == 9007199254740993', '16 9007199254740993 is too large a number to be exact'],
    ['event.items[0.5].price > 1', '12 a list position is a whole number from 0, not 0.5'],
  ])('%s', (expression, expected) => {
    const [first = ''] = formatConditionProblems(expression, declared);
    if (typeof expected === 'string') expect(first).toBe(expected);
    else expect(first).toMatch(expected);
  });

  it('that is too large', () => {
    const tooLarge = 'the condition is too large or nested too deeply';
    expect(formatConditionProblems(`${'('.repeat(80)}true${')'.repeat(80)}`)).toEqual([`50 ${tooLarge}`]);
    expect(formatConditionProblems(`${'!'.repeat(3000)}true`)).toEqual([`2000 ${tooLarge}`]);
    expect(formatConditionProblems('true || '.repeat(600))).toEqual([
      '4096 the condition is longer than 4096 characters',
    ]);
  });

  it.each([
    'event.attempt_number >= 3 && event.amount > 100',
    'event.note == "x" || event.note == null || event.any == 3 || event.any == "x"',
    'event.open.known > 1 && event.open.other == "x" && event.free.whatever == 1 && event.counts.cats > 2',
    'event.either.b > 1 && event.either.c > 1 && event.needed.b > 1 && event.keyed.x1 == "x" && event.pair[0] == "x"',
    'user.anything == 1',
    'traits.marketing_opt_in',
    'event.plan == "gold" && event.plan in ["gold", "silver"]',
    'event.items.map(i, i.price).exists(p, p > 3)',
    'event.codes[0].startsWith("A")',
    'duration("1h") < timestamp(event.at) - timestamp("2025-01-01T00:00:00Z")',
  ])('but not %s', (expression) => {
    expect(formatConditionProblems(expression, declared)).toEqual([]);
  });

  it('with all its problems, in order of place', () => {
    expect(
      formatConditionProblems('event.amuont > 1 && event.paln == "a" && traits.marketing_opt_in > 2', declared),
    ).toEqual([
      expect.stringContaining('6 event has no field "amuont"'),
      expect.stringContaining('26 event has no field "paln"'),
      expect.stringContaining('41 traits.marketing_opt_in is true or false'),
    ]);
  });
});

describe('reports names that are not available:', () => {
  const plan: JsonObject = { type: 'object', properties: { plan: { type: 'string' } } };
  const pattern: Declared = { matched: { signup_completed: plan, 'cart.opened': {}, loose: { properties: {} } } };
  const noNow = 'now is known only where the rule waits (add delay, at, unless, debounce or every)';
  const noMatch = 'there is no matched event: the rule has no after (add after)';

  it.each<[string, Declared, string[]]>([
    ['now > timestamp(event.at)', {}, [`0 ${noNow}`]],
    ['event.a == 1 && now > timestamp(event.at)', { now: false }, [`16 ${noNow}`]],
    ['now > timestamp(event.at)', { now: true }, []],
    ['now > 3', { now: true }, ['0 now is a time and 3 is a number: ">" cannot compare them']],
    ['now.year == 3', { now: true }, ['4 now is a time, it has no fields']],
    ['has(matched.signup_completed)', {}, [`4 ${noMatch}`]],
    ['matched["signup_completed"].plan == "a"', {}, [`0 ${noMatch}`]],
    ['matched["signup_completed"].plan == "a" && matched["cart.opened"].x == 1', pattern, []],
    [
      'matched.signup_complete.plan == "a"',
      pattern,
      [
        '8 matched has no field "signup_complete": it has signup_completed, cart.opened, loose (did you mean signup_completed?)',
      ],
    ],
    [
      'matched.signup_completed.paln == "a"',
      pattern,
      ['25 matched.signup_completed has no field "paln": it has plan (did you mean plan?)'],
    ],
    ['matched.loose.x == 1', pattern, ['14 matched.loose has no field "x"']],
    ['matched.whatever.x == 1', { matched: {} }, []],
    ['event.l.exists(now, now == 1)', {}, ['15 the name "now" is taken']],
    // Unknown names
    [
      'signup_completed.plan == "a"',
      pattern,
      [
        '0 there is no variable "signup_completed": a condition sees event, traits, user, context and matched (did you mean matched.signup_completed?)',
      ],
    ],
    [
      'nwo == 1',
      {},
      [
        '0 there is no variable "nwo": a condition sees event, traits, user and context (text is written in quotes: "nwo")',
      ],
    ],
    [
      'matchd.x == 1',
      ANYTHING,
      [
        '0 there is no variable "matchd": a condition sees event, traits, user, context, matched and now (did you mean matched?)',
      ],
    ],
    // Places that know less
    ['event.a == user.b', { roots: ['event'] }, ['11 user is not known here: only event is']],
    ['event.a == 1', { roots: ['user', 'now'], now: true }, ['0 event is not known here: only user and now are']],
    ['timestamp(user.seen) < now', { roots: ['user', 'now'], now: true }, []],
    ['timestamp(user.seen) < now', { roots: ['user', 'now'] }, [`23 ${noNow}`]],
    ['timestamp(user.seen) < now', { roots: ['user'], now: true }, ['23 now is not known here: only user is']],
    [
      'usr.tier == "vip"',
      { roots: ['user', 'now'], now: true },
      ['0 there is no variable "usr": a condition sees user and now (did you mean user?)'],
    ],
  ])('%s with %j', (expression, declared, expected) => {
    expect(formatConditionProblems(expression, declared)).toEqual(expected);
  });
});
