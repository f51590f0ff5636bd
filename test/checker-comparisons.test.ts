import { describe, expect, test } from 'vitest';
import { lintFiles } from './support/catalog.ts';

const EVENTS = `traits: { plan: { enum: [free, pro] } }
events:
  a:
    properties:
      k: { enum: [x, y] }
      t: { type: string, enum: [p, q] }
      level: { enum: [1, 2] }
      n: number
      ok: boolean
      from: timestamp
      until: timestamp
  b: { properties: { k: string } }
`;

async function warnings(rule: string): Promise<string[]> {
  const files = new Map([
    ['events.yaml', EVENTS],
    ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
    ['rules.yaml', `rules:\n  N: { ${rule} }\n`],
  ]);
  const { problems } = await lintFiles(files);
  return problems
    .filter(({ code }) => code !== 'unused_event')
    .map(({ severity, code, message, hint }) => `${severity} ${code}: ${message}${hint ? ` (${hint})` : ''}`);
}

describe('a value that the enum does not have is warned of', () => {
  test.each([
    ['event.k == "z"', 'event.k is never "z": it is one of x, y'],
    ['event.k != "z"', 'event.k is never "z": it is one of x, y'],
    ['"z" == event.k', 'event.k is never "z": it is one of x, y'],
    ['event.k in ["x", "z"]', 'event.k is never "z": it is one of x, y'],
    ['event.t in ["r"]', 'event.t is never "r": it is one of p, q'],
    ['event.level == 3', 'event.level is never 3: it is one of 1, 2'],
    ['user.plan == "prof"', 'user.plan is never "prof": it is one of free, pro (did you mean pro?)'],
    ['(event.k == "z" ? 1 : 2) > event.n', 'event.k is never "z": it is one of x, y'],
    ['event.n > 1 || !(event["k"] == "z")', 'event.k is never "z": it is one of x, y'],
  ])('%s', async (condition, message) => {
    expect(await warnings(`on: a, when: '${condition}'`)).toEqual([`warning unknown_value: ${message}`]);
  });

  test('in a schedule, a branch and a value for templates', async () => {
    expect(await warnings('every: day 09:00, for: user.plan == "x"')).toHaveLength(1);
    expect(await warnings('on: a, choose: [{ when: event.k == "z", notify: N }]')).toHaveLength(1);
    expect(await warnings('on: a, data: { v: \'event.k == "z" ? 1 : 2\' }')).toHaveLength(1);
  });

  test.each(['event.k == "x"', 'event.k in ["x", "y"]', 'event.level == 2', 'event.n == 3', 'user.plan != "pro"'])(
    'but not of one that it has: %s',
    async (condition) => {
      expect(await warnings(`on: a, when: '${condition}'`)).toEqual([]);
    },
  );

  test('only if it holds for every trigger of the rule', async () => {
    expect(await warnings('on: [a, b], when: event.k == "z"')).toEqual([]);
  });
});

describe('terms that exclude each other are warned of', () => {
  test.each([
    ['event.n > 3 && event.n < 2', 'event.n > 3 and event.n < 2'],
    ['event.n > 3 && event.ok && event.n <= 3', 'event.n > 3 and event.n <= 3'],
    ['3 < event.n && 2 > event.n', '3 < event.n and 2 > event.n'],
    ['event.n == 3 && event.n == 4', 'event.n == 3 and event.n == 4'],
    ['event.n == 3 && event.n != 3', 'event.n == 3 and event.n != 3'],
    ['event.n in [1, 2] && event.n > 2', 'event.n in [1, 2] and event.n > 2'],
    ['event.n < -1 && event.n > 0', 'event.n > 0 and event.n < -1'],
    ['!(event.n > 3) && event.n > 4', 'event.n > 4 and !(event.n > 3)'],
    ['event.ok || (event.n > 3 && event.n < 2)', 'event.n > 3 and event.n < 2'],
    ['event.k == "x" && event.k == "y"', 'event.k == "x" and event.k == "y"'],
    ['event.k != "x" && event.k != "y"', 'event.k != "x" and event.k != "y"'],
    ['event.ok && !event.ok', 'event.ok and !event.ok'],
  ])('%s', async (condition, terms) => {
    const [found, ...others] = await warnings(`on: a, when: '${condition}'`);
    expect(others).toEqual([]);
    expect(found).toMatch(/^warning never_true: no value of event\.\w+ fulfills /);
    for (const term of terms.split(' and ')) expect(found).toContain(term);
  });

  test('also an expression and its opposite', async () => {
    expect(await warnings(`on: a, when: 'has(event.n) && !has(event.n)'`)).toEqual([
      'warning never_true: has(event.n) is never both true and false',
    ]);
  });

  test.each([
    'event.n > 2 && event.n < 3',
    'event.n >= 3 && event.n <= 3',
    'event.n > 3 || event.n < 2',
    'event.n != 3 && event.n != 4',
    'event.k in ["x", "y"] && event.k != "x"',
    'event.from > "2025-01-01T00:00:00+05:00" && event.from < "2024-12-31T20:00:00Z"',
    'event.ok && !has(event.n)',
  ])('but not %s', async (condition) => {
    expect(await warnings(`on: a, when: '${condition}'`)).toEqual([]);
  });
});
