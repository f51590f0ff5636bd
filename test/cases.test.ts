import { beforeAll, describe, expect, test } from 'vitest';
import { parseCases } from '../src/simulate/cases/parse-cases.ts';
import { compileCaseRules, runCase } from '../src/simulate/cases/run-case.ts';
import { type Catalog, parseCatalog } from './support/catalog.ts';

describe('a case', () => {
  let data: Catalog;
  beforeAll(async () => {
    data = await parseCatalog(
      new Map([
        ['events.yaml', 'events: { a: { properties: { n: integer } }, b: {} }\ntraits: { plan: string }'],
        ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
        [
          'rules.yaml',
          'rules:\n  N: { on: a, when: event.n > 1, data: { twice: event.n * 2 } }\n  R: { on: b, notify: none, do: { set: { plan: "\'pro\'" } } }',
        ],
      ]),
    );
  });

  const run = (text: string) => {
    const [one] = parseCases('cases.yaml', `cases:\n  - name: it\n${text.replace(/^/gm, '    ')}`, data);
    return runCase(compileCaseRules(data), one!, () => 0);
  };
  const sent = 'events: [{ at: 2025-11-03T09:00Z, a: { n: 2 } }]';

  test.each([
    ['the right time', 'expect: [{ at: 2025-11-03T09:00Z, N: send }]', []],
    ['no time', 'expect: [{ N: send }]', []],
    ['part of the data', 'expect: [{ N: send, data: { twice: 4 } }]', []],
    [
      'other data',
      'expect: [{ N: send, data: { twice: 5 } }]',
      ['expected: u_1 N send', 'not expected: 2025-11-03T09:00Z u_1 send N'],
    ],
    [
      'another time',
      'expect: [{ at: 2025-11-03T10:00Z, N: send }]',
      ['expected: 2025-11-03T10:00Z u_1 N send', 'not expected'],
    ],
    ['another user', 'expect: [{ user: u_2, N: send }]', ['expected: u_2 N send', 'not expected']],
    ['none', 'expect: none', ['not expected: 2025-11-03T09:00Z u_1 send N matched: To be sent']],
    ['twice', 'expect: [{ N: send }, { N: send }]', ['expected: u_1 N send']],
    [
      'another reason',
      'expect: [{ N: not_matched, because: condition_false }]',
      ['expected: u_1 N not_matched because condition_false', 'not expected'],
    ],
  ])('that expects %s', (_name, expectation, messages) => {
    const { failures, passed, timeline } = run(`${sent}\n${expectation}`);
    expect(passed).toBe(messages.length === 0);
    expect(failures).toHaveLength(messages.length);
    for (const message of messages)
      expect(failures.map((one) => one.message)).toContainEqual(expect.stringContaining(message));
    expect(timeline.length > 0).toBe(messages.length > 0);
  });

  test('reports the closest decision, with its evidence', () => {
    const { failures } = run('events: [{ at: 2025-11-03T09:00Z, a: { n: 1 } }]\nexpect: [{ N: send }]');
    expect(failures).toEqual([
      {
        line: 4,
        message: 'expected: u_1 N send',
        closest: expect.stringContaining('not_matched N condition_false: Not sent: the rule needs event.n > 1'),
        evidence: ['condition: {"expression":"event.n > 1","result":false,"values":{"event.n":1}}'],
      },
    ]);
  });

  test('matches two expectations of one type to their decisions, in either order', () => {
    const { failures } = run(
      'events: [{ at: 2025-11-03T09:00Z, a: { n: 2 } }, { at: 2025-11-03T10:00Z, a: { n: 2 } }]\nexpect: [{ N: send }, { at: 2025-11-03T09:00Z, N: send }]',
    );
    expect(failures).toEqual([]);
  });

  test('counts the same event once', () => {
    const { failures } = run(
      'events: [{ at: 2025-11-03T09:00Z, a: { n: 2 } }, { at: 2025-11-03T09:00Z, a: { n: 2 } }]\nexpect: [{ N: send }]',
    );
    expect(failures).toEqual([]);
  });

  test.each([
    ['nothing', '', 'is needed, a list'],
    ['no list', 'cases: 3', 'is needed, a list'],
    ['no expectation', 'cases: [{ name: x, events: [] }]', 'the case has no "expect"'],
    ['no events and no beginning', 'cases: [{ name: x, expect: none }]', 'does not say when it begins'],
    [
      'an unknown event',
      'cases: [{ name: x, events: [{ at: 2025-11-03T09:00Z, aa: {} }], expect: none }]',
      'no event is called "aa" (did you mean a?)',
    ],
    [
      'two events in one',
      'cases: [{ name: x, events: [{ at: 2025-11-03T09:00Z, a: {}, b: {} }], expect: none }]',
      'says a and b',
    ],
    ['no time', 'cases: [{ name: x, events: [{ a: {} }], expect: none }]', 'does not say when it happened'],
    [
      'a time without a zone',
      'cases: [{ name: x, events: [{ at: 2025-11-03T09:00, a: {} }], expect: none }]',
      '"at" has no zone',
    ],
    [
      'wrong properties',
      'cases: [{ name: x, events: [{ at: 2025-11-03T09:00Z, a: { n: 1.5 } }], expect: none }]',
      'properties.n',
    ],
    [
      'a wrong profile',
      'cases: [{ name: x, profile: { plan: 3 }, from: 2025-11-03T09:00Z, expect: none }]',
      'profile.plan is the number 3',
    ],
    [
      'an unknown type',
      'cases: [{ name: x, from: 2025-11-03T09:00Z, expect: [{ M: send }] }]',
      'no notification is called "M"',
    ],
    [
      'an unknown outcome',
      'cases: [{ name: x, from: 2025-11-03T09:00Z, expect: [{ N: sent }] }]',
      '"sent" is not an outcome (did you mean send?)',
    ],
    [
      'an unknown reason',
      'cases: [{ name: x, from: 2025-11-03T09:00Z, expect: [{ N: send, because: luck }] }]',
      '"luck" is not a reason code',
    ],
    [
      'an end before the end',
      'cases: [{ name: x, until: 2025-11-03T08:00Z, events: [{ at: 2025-11-03T09:00Z, b: {} }], expect: none }]',
      'is before the last event',
    ],
  ])('with %s is rejected, with the place', (_name, text, message) => {
    let thrown: unknown;
    try {
      parseCases('cases.yaml', text, data);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toHaveProperty('name', 'CatalogError');
    expect((thrown as Error).message).toMatch(/^cases\.yaml:\d+:\d+: /);
    expect((thrown as Error).message).toContain(message);
  });
});
