import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LanguageServer, PROGRAM } from './support/language-server.ts';
import { codeBlocks } from './support/markdown.ts';

/** catalog.schema.json in the language server that VS Code's YAML extension runs. */

const ROOT = join(import.meta.dirname, '..');
const SETTINGS = JSON.parse(readFileSync(join(ROOT, '.vscode/settings.json'), 'utf8'));
const PAGE = codeBlocks(readFileSync(join(ROOT, 'docs/rules.md'), 'utf8'));
const MODELINE = PAGE.find(({ text }) => text.startsWith('# yaml-language-server:'))?.text ?? '';
const PLACE = '¦';

let server: LanguageServer;
let opened = 0;

beforeAll(async () => {
  // Nothing from the network.
  const settings = { schemas: SETTINGS['yaml.schemas'], schemaStore: { enable: false } };
  server = await LanguageServer.start(ROOT, { ...settings, validate: true, completion: true, hover: true });
});
afterAll(() => server?.stop());

/** Opens a catalog file whose first line names the schema, as docs/rules.md says. */
async function open(text: string) {
  const path = `any-folder/${++opened}.yaml`;
  const before = `${MODELINE.split('\n', 1)[0]}\n${text.split(PLACE, 1)[0]}`.split('\n');
  const found = await server.open(path, `${MODELINE.split('\n', 1)[0]}\n${text.replace(PLACE, '')}`);
  const mistakes = found.map(({ message, range }) => `${range.start.line}:${range.start.character + 1} ${message}`);
  return { path, mistakes, line: before.length - 1, character: before.at(-1)!.length };
}

async function proposed(text: string): Promise<string[]> {
  const { path, line, character } = await open(text);
  return (await server.complete(path, line, character)).map(({ label }) => label);
}

// The server waits a moment before it looks at a file: all of them are opened at once.
describe.runIf(PROGRAM).concurrent('an editor', () => {
  test('finds nothing wrong with the examples, by the settings of this repository', async () => {
    const examples = join(ROOT, 'examples');
    const files = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
    expect(files.length).toBeGreaterThan(10);
    await Promise.all(
      files.map(async (name) => {
        expect(await server.open(`examples/${name}`, readFileSync(join(examples, name), 'utf8')), name).toEqual([]);
      }),
    );
    const [wrong] = await server.open('my-catalog/rules.yaml', 'rulez: {}');
    expect(wrong?.message).toBe('Property rulez is not allowed.');
  });

  test('finds the schema as docs/rules.md describes', async () => {
    expect(PAGE.filter(({ language }) => language === 'json').map(({ text }) => text)).toContain(
      readFileSync(join(ROOT, '.vscode/settings.json'), 'utf8').trim(),
    );
    expect(await server.open('any-folder/rules.yaml', MODELINE)).toEqual([]);
  });

  const mistakes: readonly (readonly [text: string, ...found: string[]])[] = [
    ['rules:\n  A:\n    on: a\n    whn: true', '4:5 Property whn is not allowed.'],
    [
      'rules:\n  A:\n    on: a\n    delay: 2 days',
      '4:12 A duration is a number and a unit (w, d, h, m or s), from large to small: 30s, 10m, 24h, 7d, 1h30m.',
    ],
    ['rules:\n  A:\n    when: true', '2:3 A rule needs a trigger: "on", or "every" to act without an event.'],
    ['rules:\n  A:\n    on: { triat: plan }', '3:11 Property triat is not allowed.'],
    [
      'rules:\n  A:\n    on: a\n    delay: 1h\n    digest: { window: 1h }',
      '4:5 This does not go with "digest", which collects for its own window.',
    ],
    [
      'rules:\n  A:\n    on: a\n    channels: [email, mail]',
      '4:23 Value is not accepted. Valid values: "email", "sms", "push", "in_app", "webhook", "chat", "internal".',
    ],
    [
      'events:\n  a:\n    properties: { n: nubmer }',
      '3:22 Value is not accepted. Valid values: "string", "number", "integer", "boolean", "object", "array", "timestamp", "date".',
    ],
    [
      'rules: {}\nnotifications: {}',
      '1:1 This belongs in another file: notifications.yaml holds "notifications", "layout" and "variables" only.',
    ],
  ];
  test.each(mistakes)('says what is wrong with %j', async (text, ...found) => {
    expect((await open(text)).mistakes).toEqual(found);
  });

  test.each([
    ['the keys of a rule', `rules:\n  A:\n    on: a\n    ${PLACE}`, ['when', 'delay', 'at', 'limit', 'digest', 'do']],
    ['a whole rule', `rules:\n  ${PLACE}`, ['rule', 'rule on a schedule']],
    ['the forms of a trigger', `rules:\n  A:\n    on:\n      ${PLACE}`, ['trait', 'notification', 'is']],
    ['words', `rules:\n  A:\n    on: a\n    again: ${PLACE}`, ['ignore', 'restart', 'beside']],
    ['limits', `rules:\n  A:\n    on: a\n    limit: ${PLACE}`, ['once', '1 per day', '3 per 24h']],
    ['the parts of a digest', `rules:\n  A:\n    on: a\n    digest:\n      ${PLACE}`, ['window', 'sliding', 'keep']],
    ['channels', `notifications:\n  A:\n    channels: [${PLACE}]`, ['email', 'sms', 'internal']],
    ['types', `events:\n  a:\n    properties:\n      n: ${PLACE}`, ['string', 'number', 'timestamp']],
    ['outcomes', `cases:\n  - name: n\n    expect:\n      - A: ${PLACE}`, ['send', 'suppressed', 'not_matched']],
  ])('proposes %s', async (_what, text, labels) => {
    expect(await proposed(text)).toEqual(expect.arrayContaining(labels));
  });

  test.each([
    [`rules:\n  A:\n    on: a\n    de${PLACE}lay: 1h`, 'The time to wait after the trigger.'],
    [`rules:\n  A:\n    on: a\n    again: ig${PLACE}nore`, '`restart`: The first wait ends, and a new one begins.'],
    [`rules:\n  A:\n    o${PLACE}n: a`, 'The trigger: a type of event'],
    [
      `rules:\n  A:\n    on: a\n    debounce: { qui${PLACE}et: 1h }`,
      'The time without a further trigger that ends the burst.',
    ],
    [`events: {}\ntra${PLACE}its: {}`, 'The traits of users'],
  ])('explains %j', async (text, explanation) => {
    const { path, line, character } = await open(text);
    expect(await server.explain(path, line, character)).toContain(explanation);
  });
});
