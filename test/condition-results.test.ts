import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/model/event.ts';
import { compile, evaluateToText, SCOPE } from './support/conditions.ts';

const json = (text: string) => JSON.parse(text) as JsonObject;

describe('a condition that holds:', () => {
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
    // Matched events, and the time of evaluation
    'matched["signup_completed"].plan == event.plan',
    'matched.signup_completed.plan == "gold" && matched["cart.opened"].items == 3',
    'has(matched.signup_completed) && !has(matched.nope) && "cart.opened" in matched',
    'now == timestamp("2025-11-01T00:00:00Z")',
    'now - timestamp(event.at) > duration("13h")',
    'timestamp(event.at) + duration("1h") < now && now.getMonth() == 10',
    // Comments and lines
    'event.plan == "gold" // the dear ones\n  && event.paid',
  ])('%s', (expression) => {
    expect(evaluateToText(expression)).toBe('true');
  });
});

describe('a condition with a missing field', () => {
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
    // The other operand decides, on either side.
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
    expect(evaluateToText(expression)).toBe(expected);
  });

  it('reports a time and a match that are not in the scope', () => {
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
      expect(evaluateToText(`event.${name} == 1`)).toBe(`missing: event.${name}`);
      expect(evaluateToText(`has(event.${name}) || ${JSON.stringify(name)} in event`)).toBe('false');
      expect(evaluateToText(`event.${name} == 1`, { event: json(`{"${name}": 1}`) })).toBe('true');
      expect(evaluateToText(`event.o == {"${name}": 1}`, { event: json(`{"o": {"${name}": 1}}`) })).toBe('true');
      expect(evaluateToText(`event.o == {"a": 1}`, { event: json(`{"o": {"${name}": 1}}`) })).toBe('false');
    }
    expect(
      evaluateToText('event.list.length == 2 || event.text.length == 1', { event: { list: [1, 2], text: 'a' } }),
    ).toContain('event.list is a list');
  });
});

describe('a condition that fails', () => {
  it.each([
    ['event.text_number >= 3', 'event.text_number is text ("3"), but must be a number'],
    ['3 <= event.text_number', 'event.text_number is text ("3"), but must be a number'],
    ['event.nothing >= 3', 'event.nothing is null, but must be a number'],
    ['event.items > 3', 'event.items is a list, but must be a number'],
    ['event.address > 3', 'event.address is an object, but must be a number'],
    [
      'event.plan > event.amount',
      'event.plan is text ("gold") and event.amount is a number (100.5): ">" cannot compare them',
    ],
    ['event.text_number + 1 > 3', 'event.text_number is text ("3"), but must be a number'],
    ['event.text_number * 2 > 3', 'event.text_number is text ("3"), but must be a number'],
    ['-event.plan == 1', 'event.plan is text ("gold"), but must be a number'],
    ['event.attempt_number / (event.attempt_number - 3) > 1', 'event.attempt_number - 3 is 0: division by zero'],
    ['event.plan', 'event.plan is text ("gold"), but must be true or false'],
    ['event.plan && event.paid', 'event.plan is text ("gold"), but must be true or false'],
    ['event.attempt_number ? true : false', 'event.attempt_number is a number (3), but must be true or false'],
    ['event.amount.contains("1")', 'event.amount is a number (100.5), but must be text'],
    ['event.amount.matches("1")', 'event.amount is a number (100.5), but must be text'],
    ['size(event.amount) > 1', 'event.amount is a number (100.5), but must be text, a list or an object'],
    ['event.plan.exists(x, true)', 'event.plan is text ("gold"), but must be a list or an object'],
    ['event.plan.city == 1', 'event.plan is text ("gold"), but must be an object'],
    ['"a" in event.plan', 'event.plan is text ("gold"), but must be a list or an object'],
    ['int(event.plan) == 1', 'event.plan cannot be read as a number'],
    ['timestamp(event.plan) > timestamp(event.at)', 'event.plan cannot be read as a time like "2025-10-31T10:41:00Z"'],
    ['duration(event.plan) > duration("1h")', 'event.plan cannot be read as a duration like "24h"'],
    ['timestamp(event.at) + duration("87000000h") > timestamp(event.at)', 'a time is outside the years 1 to 9999'],
    ['event.items.exists(i, i.tags > 1)', 'event.items[].tags is a list, but must be a number'],
    ['event.at < now', 'event.at is text ("2025…"), but must be a time'],
  ])('%s', (expression, message) => {
    expect(evaluateToText(expression)).toBe(`error: ${message}`);
  });

  it('is true or false if the other operand decides', () => {
    expect(evaluateToText('event.plan > 3 || event.paid')).toBe('true');
    expect(evaluateToText('event.paid || event.plan > 3')).toBe('true');
    expect(evaluateToText('event.plan > 3 && false')).toBe('false');
  });

  it('quotes little of a long text, and nothing that could be an address', () => {
    for (const secret of ['someone@example.com', 'a@b.io', '+4915112345678', 'sk_live_0123456789']) {
      const message = evaluateToText('event.x > 3', { event: { x: secret } });
      expect(message).toContain('event.x is text ("');
      expect(message).not.toContain(secret);
      expect(message).not.toContain('@');
    }
    expect(evaluateToText('event.x.contains("1")', { event: { x: 4915112345678 } })).toBe(
      'error: event.x is a number (4915…), but must be text',
    );
  });
});
