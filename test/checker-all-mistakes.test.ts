import { describe, expect, test } from 'vitest';
import { parseCases } from '../src/simulate/cases/parse-cases.ts';
import { formatMistakes, parseCatalog } from './support/catalog.ts';

const EVENTS = `events:
  payment: { properties: { card_id: string, n: number } }
`;

const catalog = (rules: string, events = EVENTS) =>
  new Map([
    ['events.yaml', events],
    ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
    ['rules.yaml', `rules:\n${rules}`],
  ]);
const mistakes = (rules: string, events?: string) => formatMistakes(catalog(rules, events));

describe('the checker tells at once', () => {
  test('a misspelled event, and what is wrong with the rest of the rule', async () => {
    const rule = '  N:\n    on: paymet\n    key: event.crad_id\n    when: event.m > 1\n    limit: 3 per week\n';
    expect(await mistakes(rule)).toEqual([
      'rules.yaml:3:9: no event is called "paymet" (did you mean payment?)',
      'rules.yaml:4:16: event has no field "crad_id": it has card_id, n (did you mean card_id?)',
      'rules.yaml:5:17: event has no field "m": it has card_id, n',
      'rules.yaml:6:12: "3 per week" is not a limit (write 3 per 7d)',
    ]);
  });

  test.each(['after', 'count', 'unless', 'digest', 'do', 'split', 'data', 'debounce'])('an empty "%s"', async (key) => {
    expect((await mistakes(`  N: { on: payment, ${key}: , notify: N }\n`)).join('\n')).toContain(`"${key}" is empty`);
  });

  test.each([
    ['do: [null]', '"do" is empty'],
    ['after: [null]', '"after" is empty'],
    ['choose: [null]', 'a branch is empty'],
    ['digest: { sliding: }', '"sliding" is empty'],
    ['do: { emit: payment, with: }', '"with" is empty'],
    ['debounce: { quiet: 1h, at_most: 1d }, if_past: skip', '"if_past" cannot be combined with "debounce"'],
    ['debounce: 1h, if_missing: skip', '"if_missing" cannot be combined with "debounce"'],
  ])('%s', async (written, message) => {
    expect((await mistakes(`  N: { on: payment, ${written} }\n`)).join('\n')).toContain(message);
  });

  test.each(['properties: {}, required: 3', 'properties: , required: 3'])('{ %s }', async (written) => {
    const events = `events: { payment: { ${written} } }`;
    expect(await mistakes('  N: { on: payment }\n', events)).toEqual([
      expect.stringContaining('"required" must be a list of names (required: [amount])'),
    ]);
  });

  test('a required property that is not there, beside no properties', async () => {
    const events = 'events: { payment: { properties: {}, required: [amount] } }';
    expect((await mistakes('  N: { on: payment }\n', events))[0]).toContain('which is not a property');
  });
});

describe('a case is not dropped in silence', () => {
  test.each([
    ['events: [], expect: none', 'the case has no events and does not say when it begins'],
    ['events: , expect: none', 'the case has no events and does not say when it begins'],
    ['from: 2025-11-01T00:00Z, events: [null], expect: none', 'an event is empty'],
    ['from: 2025-11-01T00:00Z, expect: [null]', 'an expectation is empty'],
  ])('{ %s }', async (written, message) => {
    const data = await parseCatalog(catalog('  N: { on: payment }\n'));
    expect(() => parseCases('cases.yaml', `cases:\n  - { name: x, ${written} }\n`, data)).toThrow(message);
  });

  test('with no events from a time on', async () => {
    const data = await parseCatalog(catalog('  N: { on: payment }\n'));
    const cases = 'cases:\n  - { name: x, from: 2025-11-01T00:00Z, events: [], expect: none }\n';
    expect(parseCases('cases.yaml', cases, data)).toHaveLength(1);
  });
});
