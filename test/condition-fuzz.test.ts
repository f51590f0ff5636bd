import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectSeenValues, compileCondition, compileExpression } from '../src/expressions/condition.ts';
import type { JsonObject } from '../src/model/event.ts';
import { ANYTHING, compile, compileValue, evaluateToText, SCOPE } from './support/conditions.ts';
import { runs } from './support/properties.ts';

const json = (text: string) => JSON.parse(text) as JsonObject;

describe('hostile values', () => {
  const list = (length: number) => Array.from({ length }, (_, at) => at);

  it('stops expressions that would take too many steps', () => {
    expect(evaluateToText('event.l.exists(x, x < 0)', { event: { l: list(1000) } })).toBe('false');
    expect(evaluateToText('event.l.exists(x, x < 0)', { event: { l: list(1001) } })).toBe(
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
      expect([expression, evaluateToText(expression, { event })]).toEqual([expression, stopped]);
    }
    expect(evaluateToText('event.l.map(x, event.l.all(y, x + y >= 0)) == []', { event: { l: list(1000) } })).toBe(
      stopped,
    );
    expect(evaluateToText('event.t.matches("a")', { event: { t: 'a'.repeat(5000) } })).toBe(
      'error: event.t has 5000 characters, matches looks at 4096 at most',
    );
    // The next evaluation starts afresh.
    expect(evaluateToText('event.l.exists(x, x == 999)', { event: { l: list(1000) } })).toBe('true');
  });

  it('does not exhaust the stack', () => {
    const nested = `${'['.repeat(5000)}${']'.repeat(5000)}`;
    const event = json(`{"a":${nested},"b":${nested}}`);
    expect(evaluateToText('event.a == event.b', { event })).toBe('error: a value is nested more than 100 levels deep');
    expect(evaluateToText('event.a != event.b', { event })).toContain('error: ');
    expect(evaluateToText('event.a in [event.b]', { event })).toContain('error: ');
    const chain = Array(195).fill('event.x==1').join('||');
    expect(evaluateToText(chain, { event: { x: 2 } })).toBe('false');
  });

  it('never throws on any JSON', () => {
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

  it('never throws on text that resembles CEL', () => {
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
