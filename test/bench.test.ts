import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { type CompareOptions, compareRevisions } from '../bench/compare/compare.ts';
import { formatComparison, reportRow } from '../bench/compare/comparison.ts';
import { comparePairs, judge } from '../bench/compare/pairs.ts';
import { formatRowList, parseRejectedName, parseRowList } from '../bench/compare/row-list.ts';
import { makeEvents, makeSignups } from '../bench/events.ts';
import { ROWS } from '../bench/rows.ts';
import { selectRows } from '../bench/select-rows.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

function bench(...args: string[]) {
  return run(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...args], { cwd: ROOT });
}

test('a row is measured, printed and written as JSON', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-bench-test-'));
  try {
    const file = join(folder, 'bench.json');
    const { stdout, stderr } = await bench('batch function', '--events', '2000', '--rounds', '1', '--json', file);
    expect(stdout).toContain('events decided and stored, batch function');
    expect(stderr).toContain('round 1 of 1');
    const { rows, machine } = JSON.parse(readFileSync(file, 'utf8'));
    expect(rows).toEqual([
      {
        id: 'batch',
        name: 'events decided and stored, batch function',
        unit: 'events/s',
        against: expect.any(String),
        direction: 'higher',
        value: expect.any(Number),
        limit: expect.any(Number),
        ratio: expect.any(Number),
        at_least: 0.55,
        goal: 0.8,
        rounds: [expect.any(Number)],
      },
    ]);
    expect(rows[0].ratio).toBe(rows[0].value / rows[0].limit);
    expect(machine).toMatchObject({ cpus: expect.any(Number), node: process.version, postgres: expect.any(String) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('rejects a name that no row has, and names the rows', { timeout: 30_000 }, async () => {
  await expect(bench('no such row')).rejects.toMatchObject({ stderr: expect.stringContaining('batch function') });
});

test('the traffic is the same each time, has the requested number of users, and no repeats', () => {
  const traffic = { count: 5000, users: 1000, firstUser: 7, now: Date.parse('2025-11-20T12:00:00Z') };
  const events = makeEvents(traffic);
  expect(events).toEqual(makeEvents(traffic));
  expect(events).toHaveLength(5000);
  expect(new Set(events.map((event) => JSON.stringify(event))).size).toBe(5000);
  expect(new Set(events.map((event) => event.user_id)).size).toBe(1000);
  for (const { event_timestamp } of events) expect(Date.parse(event_timestamp)).toBeLessThan(traffic.now);
  const order = events.map((event) => event.event_timestamp);
  expect(order).not.toEqual([...order].sort());
  expect(makeSignups(traffic).every((event) => event.user_traits.marketing_opt_in)).toBe(true);
});

describe('rows are selected', () => {
  const select = (...words: string[]) => selectRows(ROWS, words).map(({ id }) => id);

  test('all without a word, by id, by group and by a part of the name', () => {
    expect(select()).toHaveLength(ROWS.length);
    expect(select('batch')).toEqual(['batch']);
    expect(select('CPU', 'smtp')).toEqual(['smtp', 'cpu']);
    expect(select('ingest')).toEqual(['batch', 'http', 'delivered', 'single', 'requests', 'cpu']);
    expect(select('no-op')).toEqual(['delivered', 'two_processes', 'requests', 'delivery', 'latency']);
    expect(select('no such row')).toEqual([]);
  });

  test('by ids that are unique and survive being listed', () => {
    expect(new Set(ROWS.map(({ id }) => id)).size).toBe(ROWS.length);
    const listed = parseRowList(`${formatRowList(ROWS)}\n`);
    expect(listed).toEqual(ROWS.map(({ id, name }) => ({ id, name, selector: id })));
  });

  test('by name from a revision that has no ids yet', () => {
    const rejected =
      'No row has that in its name. There are:\n  events decided and stored, batch function\n  delivery by pigeon\n';
    expect(parseRejectedName(rejected)).toEqual([
      {
        id: 'batch',
        name: 'events decided and stored, batch function',
        selector: 'events decided and stored, batch function',
      },
      { id: 'delivery by pigeon', name: 'delivery by pigeon', selector: 'delivery by pigeon' },
    ]);
    expect(parseRejectedName('node: bad option')).toEqual([]);
  });
});

describe('pairs of measurements', () => {
  test('are compared by the median of their ratios', () => {
    const pairs = [
      { this: 110, other: 100 },
      { this: 90, other: 100 },
      { this: 210, other: 200 },
    ];
    expect(comparePairs(pairs)).toEqual({ this: 110, other: 100, ratio: 1.05, ratios: [1.1, 0.9, 1.05] });
  });

  test.each([
    ['a rate that fell in every pair', [0.9, 0.92, 0.97], 'higher', 'worse', true],
    ['a rate that rose', [1.1, 1.2, 1.06], 'higher', 'better', true],
    ['a cost that rose', [1.1, 1.2, 1.06], 'lower', 'worse', true],
    ['a cost that fell', [0.9, 0.92, 0.97], 'lower', 'better', true],
    ['a change within 5%', [0.99, 1.01, 1], 'higher', 'same', true],
    ['a fall that one pair in three contradicts', [0.9, 0.92, 1.01], 'higher', 'worse', false],
    ['a fall that two pairs in five contradict', [0.9, 0.92, 0.91, 1.02, 1.03], 'higher', 'worse', false],
    [
      'a fall that one pair in eight contradicts',
      [0.9, 0.92, 0.91, 0.93, 0.9, 0.91, 1.01, 0.92],
      'higher',
      'worse',
      true,
    ],
    ['three pairs on one side of 1, far apart', [1.02, 1.12, 1.14], 'lower', 'worse', false],
    ['no change, but far apart', [0.8, 1, 1.2], 'higher', 'same', false],
    ['too few pairs', [0.9], 'higher', 'worse', false],
  ] as const)('%s', (_, ratios, direction, change, clear) => {
    const ratio = [...ratios].sort((a, b) => a - b)[Math.floor(ratios.length / 2)] as number;
    const verdict = judge({ ratio, ratios }, direction);
    expect(verdict).toMatchObject({ change, by: expect.closeTo(Math.abs(ratio - 1)), clear });
  });

  test('bound the true ratio more closely the more of them there are', () => {
    const intervalOf = (ratios: number[]) => judge({ ratio: 1, ratios }, 'higher').interval;
    expect(intervalOf([1.02])).toBeUndefined();
    // Student's t: the mean 0 of the logarithms, give or take 6.31 x 0.0141 / sqrt(2); then 2.35 x 0.0115 / 2.
    expect(intervalOf([Math.exp(-0.01), Math.exp(0.01)])?.map(Math.log)).toEqual([
      expect.closeTo(-0.0631, 4),
      expect.closeTo(0.0631, 4),
    ]);
    expect(intervalOf([-0.01, 0.01, -0.01, 0.01].map(Math.exp))?.map(Math.log)).toEqual([
      expect.closeTo(-0.01357, 4),
      expect.closeTo(0.01357, 4),
    ]);
  });
});

test('a comparison is printed with the ratios, their spread, and which way is better', () => {
  const turn = (value: number, node: number) =>
    ({
      name: 'CPU per event',
      unit: 'µs',
      direction: 'lower',
      value,
      limit: 1,
      also: new Map([['node', node]]),
    }) as const;
  const rate = (value: number, limit: number) =>
    ({ name: 'batch', unit: 'events/s', direction: 'higher', value, limit, also: new Map() }) as const;
  const batch = reportRow('batch', [{ this: rate(5000, 10_000), other: rate(10_000, 20_000) }]);
  const cpu = reportRow('cpu', [
    { this: turn(107, 50), other: turn(100, 50) },
    { this: turn(108, 51), other: turn(100, 50) },
    { this: turn(1060, 49), other: turn(1000, 50) },
  ]);
  const text = formatComparison({
    this: { commit: 'aaaaaaa', subject: 'New' },
    other: { commit: 'bbbbbbb', subject: 'Old' },
    pairs: 3,
    rounds: 1,
    events: 100_000,
    rows: [cpu, batch],
    failed: [{ id: 'http', name: 'over HTTP', failure: 'other: its bench ended with 1' }],
    unpaired: [{ id: 'kafka', name: 'from Kafka', only: 'this' }],
    machine: {},
  });
  expect(text.split('\n')).toEqual([
    'this:  aaaaaaa New',
    'other: bbbbbbb Old',
    '',
    '                 this   other            better is  ratio     spread',
    'CPU per event     108     100  µs        lower       1.07  1.06–1.08  worse by 7%',
    '  node           50.0    50.0  µs        lower       1.00  0.98–1.02',
    'batch           5,000  10,000  events/s  higher      0.50  0.50–0.50  worse by 50%, unclear',
    '  of its limit  0.500   0.500            higher      1.00  1.00–1.00',
    'from Kafka                                                            only in this',
    'over HTTP                                                             failed',
    '',
    'ratio: this / other, the median of the pairs (1 to 3 of 3, 100,000 events); spread: their lowest and highest.',
    'A ratio above 1 is good where higher is better, and bad where lower is better.',
    'unclear: the pairs differ too much for their number. Measure more pairs, on a quiet machine.',
    '',
    'over HTTP: other: its bench ended with 1',
  ]);
});

describe('another revision', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  interface Values {
    readonly [name: string]: number;
  }

  /** A repository with a fake bench: `old` in its only commit, without ids; `now` in its working tree, not committed. */
  function makeRepository(old: Values, now: Values) {
    const root = mkdtempSync(join(tmpdir(), 'tidings-bench-test-'));
    folders.push(root);
    const log = join(root, '.git', 'turns');
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: root });
    const write = (file: string, content: object) => writeFileSync(join(root, file), JSON.stringify(content));
    git('init', '--quiet');
    mkdirSync(join(root, 'bench'));
    cpSync(join(ROOT, 'test/support/fake-bench.mjs'), join(root, 'bench/main.mjs'));
    write('package.json', { scripts: { bench: 'node bench/main.mjs' } });
    write('bench/rows.json', { values: old, log, hasIds: false });
    git('add', '.');
    git('commit', '--quiet', '-m', 'Old');
    write('bench/rows.json', { values: now, log, hasIds: true });
    const turns = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
    return { root, turns };
  }

  const compare = (options: Partial<CompareOptions> & { root: string }, signal = new AbortController().signal) =>
    compareRevisions({ revision: 'HEAD', words: [], pairs: 2, rounds: 1, events: 10, ...options }, () => {}, signal);
  const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('tidings-against-'));

  const BATCH = 'events decided and stored, batch function';

  test('is measured in turns with this checkout, each by its own bench, and leaves no files behind', async () => {
    const before = leftovers();
    const { root, turns } = makeRepository(
      { [BATCH]: 100, 'delivery by pigeon': 1 },
      { 'batch the batch function': 90, 'single one event a request': 5 },
    );
    const report = await compare({ root });
    expect(turns()).toEqual([
      'batch the batch function 90',
      `${BATCH} 100`,
      `${BATCH} 100`,
      'batch the batch function 90',
    ]);
    expect(report.rows).toMatchObject([
      {
        id: 'batch',
        name: 'the batch function',
        this: 90,
        other: 100,
        ratios: [0.9, 0.9],
        verdict: { change: 'worse' },
      },
    ]);
    expect(report.unpaired).toEqual([
      { id: 'single', name: 'one event a request', only: 'this' },
      { id: 'delivery by pigeon', name: 'delivery by pigeon', only: 'other' },
    ]);
    expect(report).toMatchObject({ this: { subject: 'Old, with uncommitted changes' }, other: { subject: 'Old' } });
    expect(leftovers()).toEqual(before);
  });

  test('is measured for rows that a word selects by the name on either side', async () => {
    const { root, turns } = makeRepository(
      { [BATCH]: 100, 'delivery by pigeon': 1 },
      { 'batch the batch function': 90, 'http over HTTP': 5 },
    );
    expect(await compare({ root, words: ['decided and stored'], pairs: 1 })).toMatchObject({
      rows: [{ id: 'batch' }],
      unpaired: [],
    });
    expect(turns()).toHaveLength(2);
  });

  test('is not measured again for a row that failed', async () => {
    const { root, turns } = makeRepository({ [BATCH]: -1 }, { 'batch the batch function': 90 });
    const report = await compare({ root });
    expect(turns()).toEqual(['batch the batch function 90', `${BATCH} -1`]);
    expect(report).toMatchObject({
      rows: [],
      failed: [{ id: 'batch', failure: expect.stringContaining('out of luck') }],
    });
  });

  test('stops at a signal with the process that measures, and leaves no files behind', async () => {
    const before = leftovers();
    const { root, turns } = makeRepository({ [BATCH]: 0 }, { 'batch the batch function': 90 });
    const stop = new AbortController();
    const compared = compare({ root }, stop.signal);
    await expect.poll(turns).toHaveLength(2);
    stop.abort();
    await expect(compared).resolves.toMatchObject({ rows: [], failed: [] });
    expect(leftovers()).toEqual(before);
  });

  test('is rejected in a sentence if the revision or the row does not exist', async () => {
    const { root } = makeRepository({ [BATCH]: 100 }, { 'batch the batch function': 90 });
    await expect(compare({ root, revision: 'no-such' })).rejects.toThrow('git finds no revision no-such here');
    await expect(compare({ root, words: ['pigeon'] })).rejects.toThrow('--list');
  });
});
