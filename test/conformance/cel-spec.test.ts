import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readSpecCases } from './cel-cases.ts';
import { conforms } from './cel-conforms.ts';
import { evaluate } from './cel-engine.ts';
import { translate } from './cel-translation.ts';

/** A group of cel-departures.yaml. */
interface Departures {
  readonly reason: string;
  readonly shows: readonly string[];
  /** Number and names of cases by suite or section: `3 eq_bytes not_eq_*`. */
  readonly cases: { readonly [place: string]: string };
}

/** Outcomes of each case as it is written and with all its literals in fields. `departsWith` is set if one does not conform. */
const outcomes = readSpecCases().map((spec) => {
  const results = [false, true].map((allLiterals) => evaluate(translate(spec, allLiterals)));
  const departing = results.find((result) => !conforms(spec, result));
  return { name: spec.name, expression: spec.expression, departsWith: departing?.text };
});

const listed = readDepartures().flatMap(({ reason, shows, cases }) =>
  Object.entries(cases).map(([place, text]) => {
    const [count, ...names] = text.split(/\s+/);
    const pattern = new RegExp(`^${place}/(?:${names.map(toPattern).join('|')})$`);
    return { reason, shows, place, count: Number(count), covers: outcomes.filter(({ name }) => pattern.test(name)) };
  }),
);

function readDepartures(): readonly Departures[] {
  return parse(readFileSync(new URL('cel-departures.yaml', import.meta.url), 'utf8'));
}

function toPattern(name: string): string {
  return name.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
}

describe('an expression, by the conformance data of CEL', () => {
  it('is evaluated as the specification says, unless the case is a listed departure', () => {
    const known = new Set(listed.flatMap(({ covers }) => covers));
    expect(outcomes.filter((outcome) => outcome.departsWith !== undefined && !known.has(outcome))).toEqual([]);
  });

  it('departs in every listed case', () => {
    const conforming = listed.flatMap(({ covers }) => covers.filter(({ departsWith }) => departsWith === undefined));
    expect(conforming.map(({ name }) => name)).toEqual([]);
  });

  it('departs in as many cases as are listed, each of them listed once', () => {
    const counts = listed.map(({ place, covers }) => `${place}: ${covers.length}`);
    expect(counts).toEqual(listed.map(({ place, count }) => `${place}: ${count}`));
    const names = listed.flatMap(({ covers }) => covers.map(({ name }) => name));
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    expect({ cases: outcomes.length, departures: names.length }).toEqual({ cases: 2344, departures: 1562 });
  });

  it('departs for the listed reason', () => {
    const unexplained = listed.flatMap(({ reason, shows, covers }) =>
      covers
        .filter(({ departsWith }) => !shows.some((text) => departsWith?.includes(text)))
        .map(({ name, departsWith }) => `${name} shows ${departsWith}, but: ${reason}`),
    );
    expect(unexplained).toEqual([]);
  });
});

describe('an expression, where the conformance data has no case', () => {
  it.each([
    // Code points, not UTF-16 units: half of a pair is less than U+FB01.
    ['event.ligature < event.emoji', true],
    ['event.emoji > event.ligature', true],
    ['event.emoji + "a" < event.emoji + "b"', true],
    ['"\\U0001F431" < "\\U0001F432"', true],
    ['event.ligature <= event.ligature && event.emoji >= event.emoji', true],
    ['"ab" < "abc" && !("abc" < "ab")', true],
    ['"" < "\\u0001"', true],
    ['" \\u0085 ".trim() == "" && "".trim() == "" && " a b ".trim() == "a b"', true],
  ])('evaluates %s to %s', (expression, value) => {
    expect(evaluate({ expression, event: { ligature: '\uFB01', emoji: '🐱' } })).toMatchObject({ value });
  });
});
