import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Condition,
  type ConditionProblem,
  collectSeenValues,
  compileCondition,
  compileExpression,
  type Declared,
  type Expression,
  type Scope,
} from '../src/expressions/condition.ts';
import type { JsonObject } from '../src/model/event.ts';
import { runs } from './support/properties.ts';

const EVENT: JsonObject = {
  attempt_number: 3,
  amount: 100.5,
  text_number: '3',
  plan: 'gold',
  nothing: null,
  paid: true,
  at: '2025-10-31T10:41:00.250Z',
  created: '2025-10-30T10:41:00+02:00',
  items: [
    { price: 5, tags: ['new'] },
    { price: 12.5, tags: [] },
  ],
  codes: [1, 2, 3],
  words: ['a', 'b'],
  address: { city: 'Berlin', 'post code': '10115' },
  emoji: '👍ok',
};

const SCOPE: Scope = {
  event: EVENT,
  traits: { marketing_opt_in: true },
  user: { tier: 'vip', age: 30 },
  matched: { signup_completed: { plan: 'gold' }, 'cart.opened': { items: 3 } },
  now: Date.parse('2025-11-01T00:00:00Z'),
};

/** All may be named. */
const ANYTHING: Declared = { matched: {}, now: true };

function compile(expression: string, declared: Declared = ANYTHING): Condition {
  const compiled = compileCondition(expression, declared);
  if ('problems' in compiled) throw new Error(`${expression}: ${texts(compiled.problems).join('; ')}`);
  return compiled.condition;
}

function compileValue(expression: string, declared: Declared = ANYTHING): Expression {
  const compiled = compileExpression(expression, declared);
  if ('problems' in compiled) throw new Error(`${expression}: ${texts(compiled.problems).join('; ')}`);
  return compiled.expression;
}

/** `true`, `false`, `missing: a, b` or `error: …`. */
function outcome(expression: string, scope: Partial<Scope> = SCOPE): string {
  const result = compile(expression).evaluate({ event: {}, traits: {}, user: {}, ...scope });
  if (result.kind === 'missing') return `missing: ${result.fields.join(', ')}`;
  return result.kind === 'error' ? `error: ${result.message}` : result.kind;
}

/** `offset message (hint)`, one for each problem. */
function problems(expression: string, declared: Declared = {}): string[] {
  const compiled = compileCondition(expression, declared);
  return 'condition' in compiled ? [] : texts(compiled.problems);
}

function texts(all: readonly ConditionProblem[]): string[] {
  return all.map((p) => `${p.offset} ${p.message}${p.hint ? ` (${p.hint})` : ''}`);
}

const json = (text: string) => JSON.parse(text) as JsonObject;

describe('what holds', () => {
  it.each([
    // Numbers: whole and fractional ones are one kind.
    'event.attempt_number >= 3',
    'event.attempt_number == 3',
    'event.attempt_number == 3.0',
    'event.attempt_number == 3u',
    'event.attempt_number == 0x3',
    'event.attempt_number < 3.5',
    'event.attempt_number <= 3',
    'event.amount > 100',
    'event.amount != 3',
    'event.attempt_number in [1, 2, 3]',
    'event.amount in [1, 100.5]',
    '!(event.amount in [1, 2])',
    'event.attempt_number in event.codes',
    'event.attempt_number + 1 > event.amount / 100 * 2',
    '-event.attempt_number == -3',
    '-event.attempt_number < 0',
    'event.attempt_number % 2 == 1',
    'event.attempt_number / 2 == 1.5',
    '1 + 2 * 3 == 7',
    'size(event.items) == 2',
    'size(event.items) < event.attempt_number',
    'event.items.size() + 1 == event.attempt_number',
    'event.codes == [1, 2.0, 3]',
    'event.codes + [4] == [1, 2, 3, 4]',
    'event.codes[0] == 1',
    'event.codes[size(event.codes) - 1] == 3',
    'int(event.text_number) == event.attempt_number',
    'int(-3.9) == -3',
    'double("2.5") == 2.5',
    // Logic
    'event.paid',
    'event.paid && traits.marketing_opt_in',
    'event.paid || traits.marketing_opt_in',
    '!(event.amount > 200) && user.tier == "vip"',
    'event.paid ? user.age > 18 : false',
    'event.paid == true',
    'true',
    // Text
    'event.plan == "gold"',
    "event.plan != 'silver'",
    'event.plan < "silver"',
    'event.plan in ["gold", "silver"]',
    'event.plan.contains("ol")',
    'event.plan.startsWith("go")',
    'event.plan.endsWith("ld")',
    'event.plan + "!" == "gold!"',
    'event.plan.upperAscii() == "GOLD" && "ÄB".lowerAscii() == "Äb"',
    '" a ".trim() == "a"',
    'size(event.emoji) == 3',
    'string(event.attempt_number) == event.text_number',
    'bool("true")',
    // Patterns
    'event.plan.matches("^g[a-z]+$")',
    'matches(event.plan, "ol")',
    '!event.plan.matches("^ol")',
    // Names
    'event["plan"] == "gold"',
    'event.address["post code"] == "10115"',
    'event.items[1].price > 12',
    'event.items[0].tags[0] == "new"',
    '{"gold": 3, "silver": 1}[event.plan] == event.attempt_number',
    'event.address == {"post code": "10115", "city": "Berlin"}',
    '"city" in event.address',
    '!("constructor" in event.address)',
    // has()
    'has(event.plan) && !has(event.nope)',
    'has(event.nothing)',
    'has(event.address.city)',
    '!has(event.nope.city)',
    '!has(event.nope.city.street)',
    '!has(event.plan.city)',
    '!has(event.nothing.city)',
    'has(event.items[0].price) && !has(event.items[7].price)',
    // null: equal to itself and to nothing else
    'event.nothing == null',
    'event.plan != null',
    'event.nothing != 3',
    '!(event.nothing == 0)',
    // Other kinds are not equal, and that is no error
    '!(event.text_number == 3)',
    'event.text_number != 3',
    '!(event.attempt_number in event.words)',
    // Macros
    'event.items.exists(i, i.price > 10)',
    '!event.items.all(i, i.price > 10)',
    'event.items.exists_one(i, i.price > 10)',
    'size(event.items.filter(i, i.price > 10)) == 1',
    'event.items.map(i, i.price * 2) == [10, 25]',
    'event.items.map(i, i.price > 10, i.price) == [12.5]',
    'event.items.exists(i, i.tags.exists(t, t == "new"))',
    'event.address.exists(key, key == "city")',
    'event.words.all(w, w in ["a", "b", "c"])',
    '[].all(x, x > 1) && ![].exists(x, x > 1)',
    // Times
    'timestamp(event.at) > timestamp("2025-10-31T00:00:00Z")',
    'timestamp(event.at) - timestamp(event.created) > duration("24h")',
    'timestamp(event.at) - timestamp(event.created) == duration("26h0.25s")',
    'timestamp(event.created) + duration("1h30m") < timestamp(event.at)',
    'timestamp(event.at) - duration("1h") < timestamp(event.at)',
    'duration("90m").getHours() == 1 && duration("-1.5s") < duration("0s")',
    'timestamp(event.at).getFullYear() == 2025 && timestamp(event.at).getMonth() == 9',
    'timestamp(event.at).getDayOfWeek() == 5 && timestamp(event.at).getHours() == 10',
    'timestamp(0) == timestamp("1970-01-01T00:00:00Z")',
    'timestamp("2024-02-29T12:00:00.123456789+01:00") < timestamp("2024-02-29T12:00:00Z")',
    'int(timestamp("1970-01-01T00:01:00Z")) == 60',
    // What matched, and when it is judged
    'matched["signup_completed"].plan == event.plan',
    'matched.signup_completed.plan == "gold" && matched["cart.opened"].items == 3',
    'has(matched.signup_completed) && !has(matched.nope) && "cart.opened" in matched',
    'now == timestamp("2025-11-01T00:00:00Z")',
    'now - timestamp(event.at) > duration("13h")',
    'timestamp(event.at) + duration("1h") < now && now.getMonth() == 10',
    // Comments and lines
    'event.plan == "gold" // the dear ones\n  && event.paid',
  ])('%s', (expression) => {
    expect(outcome(expression)).toBe('true');
  });
});

describe('what is missing', () => {
  it.each([
    ['event.nope == 1', 'missing: event.nope'],
    ['event.nope.deeper == 1', 'missing: event.nope.deeper'],
    ['event.nothing.deeper == 1', 'missing: event.nothing.deeper'],
    ['event.items[7].price == 1', 'missing: event.items[7].price'],
    ['event["the key"] == 1', 'missing: event["the key"]'],
    ['event.address[event.plan] == 1', 'missing: event.address[event.plan]'],
    ['event.items.exists(i, i.nope == 1)', 'missing: event.items[].nope'],
    ['!user.nope', 'missing: user.nope'],
    ['event.a + event.b > 1', 'missing: event.a, event.b'],
    ['event.a == 1 && traits.b', 'missing: event.a, traits.b'],
    ['event.a == 1 || event.a == 2', 'missing: event.a'],
    ['matched.nope.plan == "gold"', 'missing: matched.nope.plan'],
    // What decides without it wins, on either side.
    ['event.nope == 1 || true', 'true'],
    ['true || event.nope == 1', 'true'],
    ['false && event.nope', 'false'],
    ['event.nope && false', 'false'],
    ['event.nope == 1 || false', 'missing: event.nope'],
    ['event.nope && true', 'missing: event.nope'],
    ['event.paid ? true : event.nope', 'true'],
    ['event.nope ? true : true', 'missing: event.nope'],
    ['event.items.exists(i, i.price > 10 || i.nope)', 'true'],
    ['event.items.all(i, i.price > 10 && i.nope)', 'false'],
    ['event.nope in [1]', 'missing: event.nope'],
  ])('%s: %s', (expression, expected) => {
    expect(outcome(expression)).toBe(expected);
  });

  it('tells of a time and a match that are not given', () => {
    const { event, traits, user } = SCOPE;
    const bare = { event, traits, user };
    const expression = 'now > timestamp(event.at) && matched.signup_completed.plan == "gold"';
    expect(compile(expression).evaluate(SCOPE)).toEqual({ kind: 'true' });
    // Nothing stays behind from one evaluation to the next.
    expect(compile(expression).evaluate(bare)).toEqual({
      kind: 'missing',
      fields: ['now', 'matched.signup_completed.plan'],
    });
    expect(compile('matched == {}').evaluate(bare)).toEqual({ kind: 'true' });
  });

  it('sees own properties of the JSON only', () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty', '__proto__', 'length']) {
      expect(outcome(`event.${name} == 1`)).toBe(`missing: event.${name}`);
      expect(outcome(`has(event.${name}) || ${JSON.stringify(name)} in event`)).toBe('false');
      expect(outcome(`event.${name} == 1`, { event: json(`{"${name}": 1}`) })).toBe('true');
      expect(outcome(`event.o == {"${name}": 1}`, { event: json(`{"o": {"${name}": 1}}`) })).toBe('true');
      expect(outcome(`event.o == {"a": 1}`, { event: json(`{"o": {"${name}": 1}}`) })).toBe('false');
    }
    expect(
      outcome('event.list.length == 2 || event.text.length == 1', { event: { list: [1, 2], text: 'a' } }),
    ).toContain('event.list is a list');
  });
});

describe('what is an error', () => {
  it.each([
    ['event.text_number >= 3', 'event.text_number is text ("3"), a number is needed'],
    ['3 <= event.text_number', 'event.text_number is text ("3"), a number is needed'],
    ['event.nothing >= 3', 'event.nothing is null, a number is needed'],
    ['event.items > 3', 'event.items is a list, a number is needed'],
    ['event.address > 3', 'event.address is an object, a number is needed'],
    [
      'event.plan > event.amount',
      'event.plan is text ("gold") and event.amount is a number (100.5): ">" cannot compare them',
    ],
    ['event.text_number + 1 > 3', 'event.text_number is text ("3"), a number is needed'],
    ['event.text_number * 2 > 3', 'event.text_number is text ("3"), a number is needed'],
    ['-event.plan == 1', 'event.plan is text ("gold"), a number is needed'],
    ['event.attempt_number / (event.attempt_number - 3) > 1', 'event.attempt_number - 3 is 0: division by zero'],
    ['event.plan', 'event.plan is text ("gold"), true or false is needed'],
    ['event.plan && event.paid', 'event.plan is text ("gold"), true or false is needed'],
    ['event.attempt_number ? true : false', 'event.attempt_number is a number (3), true or false is needed'],
    ['event.amount.contains("1")', 'event.amount is a number (100.5), text is needed'],
    ['event.amount.matches("1")', 'event.amount is a number (100.5), text is needed'],
    ['size(event.amount) > 1', 'event.amount is a number (100.5), text or a list or an object is needed'],
    ['event.plan.exists(x, true)', 'event.plan is text ("gold"), a list or an object is needed'],
    ['event.plan.city == 1', 'event.plan is text ("gold"), an object is needed'],
    ['"a" in event.plan', 'event.plan is text ("gold"), a list or an object is needed'],
    ['int(event.plan) == 1', 'event.plan cannot be read as a number'],
    ['timestamp(event.plan) > timestamp(event.at)', 'event.plan cannot be read as a time like "2025-10-31T10:41:00Z"'],
    ['duration(event.plan) > duration("1h")', 'event.plan cannot be read as a duration like "24h"'],
    ['timestamp(event.at) + duration("87000000h") > timestamp(event.at)', 'a time is outside the years 1 to 9999'],
    ['event.items.exists(i, i.tags > 1)', 'event.items[].tags is a list, a number is needed'],
    ['event.at < now', 'event.at is text ("2025…"), a time is needed'],
  ])('%s', (expression, message) => {
    expect(outcome(expression)).toBe(`error: ${message}`);
  });

  it('is absorbed where something else decides', () => {
    expect(outcome('event.plan > 3 || event.paid')).toBe('true');
    expect(outcome('event.paid || event.plan > 3')).toBe('true');
    expect(outcome('event.plan > 3 && false')).toBe('false');
  });

  it('shows little of a long text, and nothing that could be an address', () => {
    for (const secret of ['someone@example.com', 'a@b.io', '+4915112345678', 'sk_live_0123456789']) {
      const message = outcome('event.x > 3', { event: { x: secret } });
      expect(message).toContain('event.x is text ("');
      expect(message).not.toContain(secret);
      expect(message).not.toContain('@');
    }
    expect(outcome('event.x.contains("1")', { event: { x: 4915112345678 } })).toBe(
      'error: event.x is a number (4915…), text is needed',
    );
  });
});

describe('what is refused', () => {
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
    ['evnt.amount > 1', '0 there is no variable "evnt": a condition sees event, traits and user (did you mean event?)'],
    [
      'true && amount > 1',
      '8 there is no variable "amount": a condition sees event, traits and user (did you mean event.amount?)',
    ],
    [
      'event.plan == gold',
      '14 there is no variable "gold": a condition sees event, traits and user (text is written in quotes: "gold")',
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
    ['event.amount', '0 event.amount is a number, true or false is needed'],
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
    ['event.amount && true', '0 event.amount is a number, true or false is needed'],
    ['!event.amount', '1 event.amount is a number, true or false is needed'],
    ['event.at + 1 == "a"', '0 "+" does not go with text (event.at) and a number (1)'],
    ['-event.at == 1', '1 event.at is text, a number is needed'],
    ['event.at.city == 1', '9 event.at is text, it has no fields'],
    ['event.amount.contains("a")', '0 event.amount is a number, text is needed'],
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
    const [first = ''] = problems(expression, declared);
    if (typeof expected === 'string') expect(first).toBe(expected);
    else expect(first).toMatch(expected);
  });

  it('and what is too large', () => {
    const tooLarge = 'the condition is too large or nested too deeply';
    expect(problems(`${'('.repeat(80)}true${')'.repeat(80)}`)).toEqual([`50 ${tooLarge}`]);
    expect(problems(`${'!'.repeat(3000)}true`)).toEqual([`2000 ${tooLarge}`]);
    expect(problems('true || '.repeat(600))).toEqual(['4096 the condition is longer than 4096 characters']);
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
    expect(problems(expression, declared)).toEqual([]);
  });

  it('tells all that is wrong, in order of place', () => {
    expect(problems('event.amuont > 1 && event.paln == "a" && traits.marketing_opt_in > 2', declared)).toEqual([
      expect.stringContaining('6 event has no field "amuont"'),
      expect.stringContaining('26 event has no field "paln"'),
      expect.stringContaining('41 traits.marketing_opt_in is true or false'),
    ]);
  });
});

describe('what is seen where', () => {
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
        '0 there is no variable "signup_completed": a condition sees event, traits, user and matched (did you mean matched.signup_completed?)',
      ],
    ],
    [
      'nwo == 1',
      {},
      ['0 there is no variable "nwo": a condition sees event, traits and user (text is written in quotes: "nwo")'],
    ],
    [
      'matchd.x == 1',
      ANYTHING,
      [
        '0 there is no variable "matchd": a condition sees event, traits, user, matched and now (did you mean matched?)',
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
    expect(problems(expression, declared)).toEqual(expected);
  });
});

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

  it('are told what is wrong in their own words', () => {
    const wrong = (expression: string, declared: Declared = {}) => {
      const compiled = compileExpression(expression, declared);
      return 'expression' in compiled ? [] : texts(compiled.problems);
    };
    expect(wrong(' ')).toEqual(['0 the expression is empty']);
    expect(wrong('event.amount *')).toEqual(['14 the expression ends too early']);
    expect(wrong('pro')).toEqual([
      '0 there is no variable "pro": an expression sees event, traits and user (text is written in quotes: "pro")',
    ]);
    expect(wrong('pro', { roots: ['event'] })[0]).toContain('an expression sees event (text');
    expect(wrong('event.amount && true', { event: { properties: { amount: { type: 'number' } } } })).toEqual([
      '0 event.amount is a number, true or false is needed',
    ]);
  });

  it('know their kind from the schemas', () => {
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
    ['event.a * 2', { a: 'x' }, { kind: 'error', message: 'event.a is text ("x"), a number is needed' }],
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

  it('are copies, with keys as they are', () => {
    const event = json('{"a":{"__proto__":{"x":1},"constructor":2}}');
    const result = compileValue('{"__proto__": event.a}').evaluate({ ...SCOPE, event });
    expect(JSON.stringify(result)).toBe('{"kind":"value","value":{"__proto__":{"__proto__":{"x":1},"constructor":2}}}');
    const list = compileValue('event.codes').evaluate(SCOPE);
    if (list.kind === 'value') (list.value as unknown[]).push(4);
    expect(EVENT.codes).toEqual([1, 2, 3]);
  });
});

describe('evidence', () => {
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

  it('keeps what stands there, and lists what does not', () => {
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

  it('cuts large values short', () => {
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

describe('hostile values', () => {
  const list = (length: number) => Array.from({ length }, (_, at) => at);

  it('stops what would be too much work', () => {
    expect(outcome('event.l.exists(x, x < 0)', { event: { l: list(1000) } })).toBe('false');
    expect(outcome('event.l.exists(x, x < 0)', { event: { l: list(1001) } })).toBe(
      'error: event.l has 1001 items, more than the 1000 that are looked at',
    );
    const stopped = 'error: the evaluation was stopped: it takes too many steps';
    const long = 'a'.repeat(1_000_000);
    const keys = Object.fromEntries(list(20_000).map((at) => [`k${at}`, at]));
    const half = `${'a'.repeat(250_000)}b${'a'.repeat(250_000)}`;
    for (const [expression, event] of [
      ['event.l.all(x, event.l.all(y, x + y >= 0))', { l: list(1000) }],
      ['event.l.all(x, event.l.map(y, x + y) != [])', { l: list(1000) }],
      ['event.l.all(x, x in event.big)', { l: list(1000), big: list(1000).toReversed() }],
      ['event.l.all(x, event.big == event.copy)', { l: list(100), big: list(5000), copy: list(5000) }],
      ['event.l.all(x, event.long + event.long != "")', { l: list(100), long }],
      ['event.l.all(x, event.long.upperAscii() != "")', { l: list(100), long }],
      ['event.l.all(x, size(event.long) > 1)', { l: list(100), long }],
      ['event.l.exists(x, size(event.keys) < 0)', { l: list(1000), keys }],
      ['event.l.exists(x, event.keys.exists(k, true) && false)', { l: list(1000), keys }],
      ['event.l.exists(x, event.keys == event.keysToo && false)', { l: list(1000), keys, keysToo: { ...keys } }],
      ['event.long.contains(event.half)', { long, half }],
      ['event.l.exists(x, event.t.matches("(x+x+)+y|.*.*.*=.*"))', { l: list(1000), t: 'x'.repeat(4000) }],
    ] satisfies [string, JsonObject][]) {
      expect([expression, outcome(expression, { event })]).toEqual([expression, stopped]);
    }
    expect(outcome('event.l.map(x, event.l.all(y, x + y >= 0)) == []', { event: { l: list(1000) } })).toBe(stopped);
    expect(outcome('event.t.matches("a")', { event: { t: 'a'.repeat(5000) } })).toBe(
      'error: event.t has 5000 characters, matches looks at 4096 at most',
    );
    // The next evaluation starts afresh.
    expect(outcome('event.l.exists(x, x == 999)', { event: { l: list(1000) } })).toBe('true');
  });

  it('does not exhaust the stack', () => {
    const nested = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    const event = json(`{"a":${nested},"b":${nested}}`);
    expect(outcome('event.a == event.b', { event })).toBe('error: a value is nested more than 100 levels deep');
    expect(outcome('event.a != event.b', { event })).toContain('error: ');
    expect(outcome('event.a in [event.b]', { event })).toContain('error: ');
    const chain = Array(195).fill('event.x==1').join('||');
    expect(outcome(chain, { event: { x: 2 } })).toBe('false');
  });

  it('never throws, whatever the JSON', () => {
    const conditions = [
      'event.a >= 3',
      'event.a == traits.a && event.b != user.b',
      'event.a in event.b || event.b in user',
      'event.a + event.b > event.c * 2 - 1 || event.a / event.b < event.c % 2',
      'event.a + event.b == event.c',
      '-event.a < 1',
      'event.a ? event.b : !event.c',
      'event.a.b.c == event["__proto__"]["constructor"]',
      'event[event.a] == event.b[event.c]',
      'event.a.exists(x, x.b > 1 || x in event.b) || event.b.all(x, x.exists_one(y, y == x))',
      'event.a.map(x, x + 1) == event.b.filter(x, x).map(x, [x])',
      'event.exists(k, event[k] == traits)',
      'has(event.a.b.constructor) || has(event.toString)',
      'size(event.a) > 1 || event.a.size() > size(event)',
      'event.a.contains(event.b) || event.a.startsWith(event.b) || event.a.endsWith(event.b)',
      'event.a.lowerAscii() == event.b.upperAscii().trim()',
      'event.a.matches("^(\\\\w+\\\\s?)*$") || event.b.matches("\\\\p{L}|[^a]")',
      'int(event.a) + double(event.b) > 1 || string(event.a) == "x" || bool(event.b)',
      'timestamp(event.a) - timestamp(event.b) > duration(event.c)',
      'timestamp(event.a) + duration(event.b) > timestamp(event.c) || string(timestamp(event.a)) == ""',
      'timestamp(event.a).getDayOfYear() > duration(event.b).getMinutes()',
      '{"a": event.a, "__proto__": event.b} == event && [event.a, event.b] == event.c',
      'timestamp(event.a) < now || now - timestamp(event.b) > duration(event.c)',
      'matched.a == event.b || matched[event.a] in matched.b',
    ].map((expression) => compile(expression));
    const expressions = [
      'event',
      'matched[event.a]',
      '-event.a',
      'event.a + event.b',
      '{"__proto__": event, "a": [user, traits.a]}',
      'timestamp(event.a) - duration(event.b)',
      'timestamp(event.a) - now',
      'event.a.map(x, {"x": x, "t": now})',
    ].map((expression) => compileValue(expression));

    const key = fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'toString', 'length'), fc.string());
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -3, max: 3 })),
        fc.string({ unit: 'binary' }),
        fc.constantFrom(null, true, false, '', '3', '1h', '2025-10-31T10:41:00Z', '9999-12-31T23:59:59Z', '\ud800'),
        fc.array(tie('value'), { maxLength: 5 }),
        fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((fields) => Object.fromEntries(fields)),
      ),
    }));
    const object = fc.array(fc.tuple(key, value), { maxLength: 6 }).map((all) => Object.fromEntries(all) as JsonObject);

    fc.assert(
      fc.property(object, object, object, object, (event, traits, user, matched) => {
        const scope = { event, traits, user, matched, now: 0 };
        for (const expression of expressions) {
          const result = expression.evaluate(scope);
          expect(['value', 'missing', 'error']).toContain(result.kind);
          if (result.kind === 'value') expect(JSON.parse(JSON.stringify(result.value))).toEqual(result.value);
        }
        for (const condition of conditions) {
          const result = condition.evaluate(scope);
          expect(['true', 'false', 'missing', 'error']).toContain(result.kind);
          if (result.kind === 'missing') expect(result.fields.length).toBeGreaterThan(0);
          collectSeenValues(condition, scope);
        }
      }),
      runs(300),
    );
  });
});

describe('hostile expressions', () => {
  const survives = (expression: string) => {
    const valued = compileExpression(expression, ANYTHING);
    if ('expression' in valued) {
      expect(['value', 'missing', 'error']).toContain(valued.expression.evaluate(SCOPE).kind);
    }
    const compiled = compileCondition(expression, ANYTHING);
    if ('condition' in compiled) {
      compiled.condition.evaluate(SCOPE);
      return;
    }
    expect(compiled.problems.length).toBeGreaterThan(0);
    for (const { offset, message } of compiled.problems) {
      expect(message).not.toBe('');
      expect(offset).toBeGreaterThanOrEqual(0);
      expect(offset).toBeLessThanOrEqual(expression.length);
    }
  };

  it('never throws on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), survives), runs(1000));
  });

  it('never throws on what looks like CEL', () => {
    const token = fc.constantFrom(
      ...'event traits user matched now .a .items .plan ["a"] [0] ( ) [ ] { } , : ? . + - * / % == != < >= && || ! in true null 1 2.5'.split(
        ' ',
      ),
      ...'"a" has( size( .size() .exists(x, .map(x, x x.a .matches("a") timestamp( duration( "1h" int( string( b"a" 3u'.split(
        ' ',
      ),
      ...[
        '.contains(',
        '.getHours()',
        '_',
        'cel.bind(',
        'type(',
        '__proto__',
        'r"\\d"',
        '// c\n',
        '1e400',
        '"\\u0000"',
      ],
    );
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 25 }).map((all) => all.join(' ')),
        survives,
      ),
      runs(3000),
    );
  });

  it('never throws on well-formed nonsense', () => {
    const { tree } = fc.letrec<{ tree: string }>((tie) => {
      const t = tie('tree');
      return {
        tree: fc.oneof(
          { maxDepth: 5 },
          fc.constantFrom(
            'event',
            'event.amount',
            'event.plan',
            'user.nope',
            'traits.x.y',
            'event.items',
            'event.at',
            'matched',
            'now',
          ),
          fc.constantFrom('1', '2.5', '"a"', 'true', 'null', '[]', '{}', 'duration("1h")', 'timestamp(event.at)', 'x'),
          fc
            .tuple(t, fc.constantFrom('+', '-', '*', '/', '%', '==', '<', '>=', '&&', '||', 'in'), t)
            .map((p) => `(${p.join(' ')})`),
          fc.tuple(fc.constantFrom('!', '-', 'size', 'int', 'string', 'has', 'bool'), t).map(([f, a]) => `${f}(${a})`),
          fc.tuple(t, fc.constantFrom('exists', 'all', 'map', 'filter'), t).map(([a, m, b]) => `${a}.${m}(x, ${b})`),
          fc.tuple(t, t).map(([a, b]) => `${a}[${b}]`),
          fc.tuple(t, t, t).map(([a, b, d]) => `(${a} ? ${b} : ${d})`),
          fc.array(t, { maxLength: 3 }).map((all) => `[${all.join(', ')}]`),
        ),
      };
    });
    fc.assert(fc.property(tree, survives), runs(3000));
  });
});
