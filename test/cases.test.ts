import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lintCatalog } from '../src/catalog/lint/lint-catalog.ts';
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import { CatalogError } from '../src/errors.ts';
import type { CatalogData } from '../src/model/catalog.ts';
import { parseCases } from '../src/simulate/cases/parse-cases.ts';
import { compileCaseRules, runCase } from '../src/simulate/cases/run-case.ts';

const example = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

describe.each(['fintech', 'booking', 'marketplace'])('examples/%s', async (name) => {
  const source = await loadCatalogFiles(example(name));
  const { data } = await lintCatalog(await parseCatalogFiles(source));
  if (!data) throw new Error(`examples/${name} has errors`);
  const rules = compileCaseRules(data);
  const cases = parseCases('cases.yaml', source.get('cases.yaml') ?? '', data);
  test.each(cases.map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const { failures, timeline } = runCase(rules, one, () => 0);
    expect(failures, timeline.join('\n')).toEqual([]);
  });
});

describe('a case', () => {
  let data: CatalogData;
  beforeAll(async () => {
    const checked = await lintCatalog(
      await parseCatalogFiles(
        new Map([
          ['events.yaml', 'events: { a: { properties: { n: integer } }, b: {} }\ntraits: { plan: string }'],
          ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
          [
            'rules.yaml',
            'rules:\n  N: { on: a, when: event.n > 1, data: { twice: event.n * 2 } }\n  R: { on: b, notify: none, do: { set: { plan: "\'pro\'" } } }',
          ],
        ]),
      ),
    );
    if (!checked.data) throw new Error(JSON.stringify(checked.problems));
    data = checked.data;
  });

  const play = (text: string) => {
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
    const { failures, passed, timeline } = play(`${sent}\n${expectation}`);
    expect(passed).toBe(messages.length === 0);
    expect(failures).toHaveLength(messages.length);
    for (const message of messages)
      expect(failures.map((one) => one.message)).toContainEqual(expect.stringContaining(message));
    expect(timeline.length > 0).toBe(messages.length > 0);
  });

  test('reports the closest decision, with its evidence', () => {
    const { failures } = play('events: [{ at: 2025-11-03T09:00Z, a: { n: 1 } }]\nexpect: [{ N: send }]');
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
    const { failures } = play(
      'events: [{ at: 2025-11-03T09:00Z, a: { n: 2 } }, { at: 2025-11-03T10:00Z, a: { n: 2 } }]\nexpect: [{ N: send }, { at: 2025-11-03T09:00Z, N: send }]',
    );
    expect(failures).toEqual([]);
  });

  test('counts the same event once', () => {
    const { failures } = play(
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
    expect(thrown).toBeInstanceOf(CatalogError);
    expect((thrown as CatalogError).message).toMatch(/^cases\.yaml:\d+:\d+: /);
    expect((thrown as CatalogError).message).toContain(message);
  });
});

describe('from the command line', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tidings-cases-'));
    await writeFile(join(dir, 'events.yaml'), 'events: { a: {} }');
    await writeFile(
      join(dir, 'notifications.yaml'),
      'notifications: { N: { category: SYSTEM, channels: [internal] } }',
    );
    await writeFile(join(dir, 'rules.yaml'), 'rules:\n  N: { on: a, delay: 36h, expires: 1h }');
    await writeFile(
      join(dir, 'cases.yaml'),
      'cases:\n  - { name: it, events: [{ at: 2025-11-03T09:00Z, a: {} }], expect: [{ at: 2025-11-04T21:00Z, N: send }] }',
    );
    await writeFile(
      join(dir, 'events.jsonl'),
      '{"user_id":"u","event_type":"a","event_timestamp":"2025-11-03T09:00:00Z"}\n\n{"user_id":"u"}\n',
    );
  });
  afterAll(() => rm(dir, { recursive: true }));

  test('test passes, and fails with an exit code', async () => {
    expect(await tidings('test', dir, '--json')).toMatchObject({ code: 0, answer: { ok: true, passed: 1, failed: 0 } });
    await writeFile(
      join(dir, 'cases.yaml'),
      'cases:\n  - { name: it, events: [{ at: 2025-11-03T09:00Z, a: {} }], expect: none }',
    );
    const failed = await tidings('test', dir);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain('✗ it');
    expect(failed.stdout).toContain('cases.yaml:2: not expected: 2025-11-04T21:00Z u_1 send N');
  });

  test('simulate prints what happens and when', async () => {
    const { code, stdout, stderr } = await tidings('simulate', dir, '--events', join(dir, 'events.jsonl'));
    expect(code).toBe(1);
    expect(stderr).toContain('event 2: invalid_event: event_type is missing');
    expect(stdout).toMatch(/^2025-11-03T09:00Z\s+u {2}event a$/m);
    expect(stdout).toMatch(/^2025-11-04T21:00Z\s+u {2}wait N ends: delay since 2025-11-03T09:00Z$/m);
    expect(stdout).toMatch(/^\s+send\s+N matched: To be sent/m);
    expect(stdout).toContain('1 event, 1 user, 1 notification');
  });

  test('check prints the mistakes and their places', async () => {
    expect(await tidings('check', dir)).toMatchObject({ code: 0 });
    await writeFile(join(dir, 'rules.yaml'), 'rules:\n  N: { on: b }');
    const wrong = await tidings('check', dir, '--json');
    expect(wrong).toMatchObject({ code: 1, answer: { ok: false, errors: 1 } });
    expect(wrong.answer).toMatchObject({
      problems: [{ file: 'rules.yaml', line: 2, column: 12, severity: 'error', code: 'invalid' }],
    });
    expect((await tidings('check', join(dir, 'nowhere'))).code).toBe(1);
  });
});

async function tidings(...args: string[]) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const run = promisify(execFile)(process.execPath, ['dist/tidings.mjs', ...args], { cwd: root });
  const { code, stdout, stderr } = await run.then(
    (done) => ({ ...done, code: 0 }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  const answer: unknown = stdout.startsWith('{') ? JSON.parse(stdout) : undefined;
  return { code, stdout, stderr, answer };
}
