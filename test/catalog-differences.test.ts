import { expect, test } from 'vitest';
import { diffCatalogs } from '../src/catalog/diff.ts';
import { formatDifferences } from '../src/cli/output/format-differences.ts';
import { parseCatalog } from './support/catalog.ts';
import { buildLintFiles } from './support/lint-files.ts';

/** A difference of two catalogs is shown in the words of their files, whole, and without what stayed the same. */

interface Side {
  readonly rule?: string;
  readonly traits?: string;
  readonly text?: string;
  readonly notification?: string;
}

async function parse({ rule = '{ on: a }', traits, text, notification }: Side) {
  const files = buildLintFiles(`  A: ${rule}\n`);
  const events = files.get('events.yaml')!;
  if (traits) files.set('events.yaml', events.replace(/^traits: .*/, `traits: ${traits}`));
  if (text) files.set('templates/A/internal.en.txt', text);
  if (notification) files.set('notifications.yaml', `notifications:\n  A: ${notification}\n`);
  return parseCatalog(files);
}

async function diff(from: Side, to: Side): Promise<string[]> {
  return formatDifferences(diffCatalogs(await parse(from), await parse(to)));
}

test('a limit, a wait and a duration are shown as they are written', async () => {
  const from = '{ on: a, limit: 1 per day, delay: 1h, expires: 2d }';
  const to = '{ on: a, limit: [3 per day in user zone, once], delay: 90m, expires: 36h }';
  expect(await diff({ rule: from }, { rule: to })).toEqual([
    '~ rule A',
    '    delay: 1h → 90m',
    '    expires: 2d → 36h',
    '    limit: [ 1 per day ] → [ 3 per day in user zone, once ]',
  ]);
});

test('a part that is absent on one side is shown as such', async () => {
  const rule = '{ on: a, cancel_on: b, delay: 1h, after: { event: b, within: 24h } }';
  expect(await diff({ rule: '{ on: a, delay: 1h }' }, { rule })).toEqual([
    '~ rule A',
    '    after: (none) → { event: b, within: 24h }',
    '    cancel_on: (none) → [ b ]',
  ]);
});

test('long values stand below each other, whole', async () => {
  const [from, to] = ['3', '2'].map((n) => `event.n >= ${n} && event.id != "a rather long identifier of something"`);
  expect(await diff({ rule: `{ on: a, when: '${from}' }` }, { rule: `{ on: a, when: '${to}' }` })).toEqual([
    '~ rule A',
    '    when:',
    `      - ${from}`,
    `      + ${to}`,
  ]);
});

test('of the traits, those that changed are shown', async () => {
  const from = '{ plan: { enum: [free, pro] }, vip: boolean, score: number }';
  const to = '{ plan: { enum: [free, gold] }, vip: boolean, level: string }';
  expect(await diff({ traits: from }, { traits: to })).toEqual([
    '~ traits',
    '    level: (none) → { type: string }',
    '    plan.enum: [ free, pro ] → [ free, gold ]',
    '    score: { type: number } → (none)',
  ]);
});

test('of the properties of an event, those that changed are shown', async () => {
  const change = async (properties: string) => {
    const files = buildLintFiles('  A: { on: a }\n');
    return parseCatalog(files.set('events.yaml', `events:\n  a: { properties: ${properties} }\n  b: {}\n`));
  };
  const [from, to] = [await change('{ id: string, n: number }'), await change('{ id: string, n: string, m: number }')];
  expect(formatDifferences(diffCatalogs(from, to))).toEqual([
    '~ event a',
    '    properties.m: (none) → { type: number }',
    '    properties.n.type: number → string',
  ]);
});

test('of a template, the lines that changed are shown', async () => {
  expect(await diff({ text: 'Hello\nold\nBye\n' }, { text: 'Hello\nnew\nmore\nBye\n' })).toEqual([
    '~ template A/internal.en',
    '    text:',
    '      - old',
    '      + new',
    '      + more',
  ]);
});

test('a notification is shown in the words of its file', async () => {
  const [from, to] = ['3d', '12h'].map((age) => `{ category: SYSTEM, channels: [internal], give_up_after: ${age} }`);
  expect(await diff({ notification: from! }, { notification: to! })).toEqual([
    '~ notification A',
    '    give_up_after: 3d → 12h',
  ]);
});

test('branches and actions are shown as a catalog writes them', async () => {
  const from = '{ on: a, choose: [{ when: event.n > 1, notify: A }, { notify: none }] }';
  const to = '{ on: a, choose: [{ when: event.n > 2, notify: A }, { notify: none }], do: { set: { vip: true } } }';
  const lines = await diff({ rule: from }, { rule: to });
  expect(lines.join('\n')).not.toMatch(/…|\[object|kind: set.*cut/);
  expect(lines).toContain('    choose:');
  expect(lines).toContain('      - { when: event.n > 1, notify: [ A ] }');
  expect(lines).toContain('      + { when: event.n > 2, notify: [ A ] }');
});
