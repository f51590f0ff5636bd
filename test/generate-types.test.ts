import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from './support/cli.ts';

/** `tidings generate types`: TypeScript for the code that posts events. */

const EVENTS = `
traits:
  email: string
  age: integer
events:
  order.paid:
    description: "Ends a comment: */ export const x = 1; /*"
    properties:
      order_id: string
      amount: number
      paid_at: timestamp
      status: { enum: [paid, 'on "hold"', 3, null] }
      lines: { type: array, items: { type: object, properties: { sku: { type: string }, 'odd-key': { type: boolean } }, required: [sku] } }
    required: [order_id]
  combined:
    schema:
      type: object
      $defs: { node: { type: object, properties: { next: { $ref: '#/$defs/leaf' }, name: { type: string } }, required: [name] }, leaf: { type: object, properties: { name: { type: string } } } }
      properties:
        tree: { $ref: '#/$defs/node' }
        either: { anyOf: [{ type: string }, { type: 'array', items: { type: integer } }] }
        both: { allOf: [{ $ref: '#/$defs/node' }, { type: object, properties: { extra: { const: 1 } }, required: [extra] }] }
        maybe: { type: [string, 'null'] }
        map: { type: object, additionalProperties: { type: number } }
        pair: { type: array, prefixItems: [{ type: string }, { type: number }], minItems: 2, items: false }
  anything: {}
`;

/** Lines that TypeScript accepts, and lines that it must reject. */
const USES = `
import { type EventOf, EventType, NotificationType, type TidingsEvent, type UserTraits } from './types.ts';
const base = { user_id: 'u', event_timestamp: '2025-10-31T19:00:00Z' };
export const events: TidingsEvent[] = [
  { ...base, event_type: 'order.paid', properties: { order_id: '1', status: 'on "hold"', lines: [{ sku: 'a', 'odd-key': true }] } },
  { ...base, event_type: EventType.combined, properties: { tree: { name: 'a', next: { name: 'b' } }, either: [1], maybe: null } },
  { ...base, event_type: 'combined', properties: { both: { name: 'a', extra: 1 }, map: { a: 1 }, pair: ['a', 1] } },
  { ...base, event_type: 'anything', properties: { whatever: [1] }, user_traits: { age: 3 } },
];
export const type: NotificationType = NotificationType.ORDER_PAID;
// @ts-expect-error: an unknown event type
export const a: TidingsEvent = { ...base, event_type: 'order.payed' };
// @ts-expect-error: a required property is missing
export const b: EventOf<'order.paid'> = { ...base, event_type: 'order.paid', properties: { amount: 1 } };
// @ts-expect-error: a value outside the enum
export const c: EventOf<'order.paid'> = { ...base, event_type: 'order.paid', properties: { order_id: '1', status: 'lost' } };
// @ts-expect-error: a nested value of another type
export const d: EventOf<'combined'> = { ...base, event_type: 'combined', properties: { tree: { name: 'a', next: { name: 1 } } } };
// @ts-expect-error: too many items
export const e: EventOf<'combined'> = { ...base, event_type: 'combined', properties: { pair: ['a', 1, 2] } };
// @ts-expect-error: a trait of another type
export const f: UserTraits = { age: 'old' };
`;

let folder: string;
const catalog = () => join(folder, 'catalog');
const types = () => join(folder, 'types.ts');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-types-'));
  await runCommand('init', '--dir', catalog());
  await rm(join(catalog(), 'cases.yaml'));
  await rm(join(catalog(), 'templates'), { recursive: true });
  await writeFile(join(catalog(), 'events.yaml'), EVENTS);
  await writeFile(
    join(catalog(), 'notifications.yaml'),
    'notifications: { ORDER_PAID: { category: SYSTEM, channels: [internal] } }',
  );
  await writeFile(join(catalog(), 'rules.yaml'), 'rules: { ORDER_PAID: { on: order.paid } }');
  await mkdir(join(catalog(), 'templates', 'ORDER_PAID'), { recursive: true });
  await writeFile(join(catalog(), 'templates', 'ORDER_PAID', 'internal.en.txt'), 'Paid.');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function compile(file: string): Promise<string> {
  const options = [
    '--noEmit',
    '--strict',
    '--ignoreConfig',
    '--allowImportingTsExtensions',
    '--module',
    'nodenext',
    '--types',
    '',
  ];
  return new Promise((resolve) =>
    execFile('node_modules/.bin/tsc', [...options, file], (_error, stdout, stderr) => resolve(stdout + stderr)),
  );
}

test('the module accepts what the schemas accept, and rejects what they reject', async () => {
  const generated = await runCommand('generate', 'types', catalog(), '--out', types());
  expect(generated.exitCode, generated.text).toBe(0);
  await writeFile(join(folder, 'uses.ts'), USES);
  expect(await compile(join(folder, 'uses.ts'))).toBe('');
});

test.each(['fintech', 'booking', 'marketplace', 'lending'])('the types of the example %s compile', async (name) => {
  const file = join(folder, `${name}.ts`);
  expect((await runCommand('generate', 'types', `examples/${name}`, '--out', file)).exitCode).toBe(0);
  expect(await compile(file)).toBe('');
});

test('the order of the entries in the files does not matter', async () => {
  const before = (await runCommand('generate', 'types', catalog())).text;
  const [head = '', ...events] = EVENTS.split(/^(?= {2}\S)/m);
  const at = events.findIndex((one) => one.startsWith('  order.paid'));
  await writeFile(
    join(catalog(), 'events.yaml'),
    [head, ...events.slice(0, at), ...events.slice(at).reverse()].join(''),
  );
  expect((await runCommand('generate', 'types', catalog())).text).toBe(before);
});

test('--check compares with the file, and writes nothing', async () => {
  const file = join(folder, 'checked.ts');
  const check = () => runCommand('generate', 'types', 'examples/fintech', '--out', file, '--check');
  expect(await check()).toMatchObject({ exitCode: 1, errors: expect.stringContaining('not up to date') });
  await runCommand('generate', 'types', 'examples/fintech', '--out', file);
  expect(await check()).toMatchObject({ exitCode: 0 });
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('\n', '\r\n'));
  expect(await check()).toMatchObject({ exitCode: 0 });
  expect((await runCommand('generate', 'types', 'examples/fintech', '--check')).exitCode).toBe(2);
});

test('a file that was not generated is not overwritten, and an invalid catalog is reported with its places', async () => {
  const file = join(folder, 'mine.ts');
  await writeFile(file, 'mine');
  const { errors, exitCode } = await runCommand('generate', 'types', 'examples/fintech', '--out', file);
  expect([errors, exitCode]).toEqual([expect.stringContaining('was not generated'), 1]);
  expect(await readFile(file, 'utf8')).toBe('mine');
  const invalid = await runCommand('generate', 'types', folder, '--json');
  expect(invalid.exitCode).toBe(1);
  expect(JSON.parse(invalid.text).problems.length).toBeGreaterThan(0);
});
