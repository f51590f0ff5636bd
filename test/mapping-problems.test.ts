import { expect, test } from 'vitest';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';

const problemsOf = async (mapping: string) => {
  const files = new Map([
    ['events.yaml', `mapping: ${mapping}\nevents: { a: {} }\n`],
    ['notifications.yaml', 'notifications: {}\n'],
    ['rules.yaml', 'rules: {}\n'],
  ]);
  const { problems } = await parseCatalogFiles(files);
  return problems.map(({ column, message, hint }) => `${column} ${message} (${hint})`);
};

test.each([
  ['{ user_id: { from: data.userId } }', []],
  ['{ user_id: { from: [data.userId, metadata.user, "data[\\"user id\\"]"] }, time: { from: "data.list[0].at" } }', []],
  ['{ properties: { from: { from: data.from } }, traits: { plan: { from: data.plan } } }', []],
  ['{ user: { from: data.userId } }', ['12 unknown key "user" in "mapping" (did you mean user_id?)']],
  ['{ user_id: data.userId }', ['21 "user_id" must be a mapping, not text (user_id: { from: data.userId })']],
  ['{ user_id: {} }', ['12 "user_id" does not say where it comes from (user_id: { from: data.userId })']],
  ['{ user_id: { form: data.userId } }', expect.arrayContaining([expect.stringContaining('did you mean from?')])],
  ['{ user_id: { from: Data.userId } }', ['29 no envelope has "Data" (did you mean data?)']],
  ['{ user_id: { from: meta_data.userId } }', ['29 no envelope has "meta_data" (did you mean metadata?)']],
  ['{ user_id: { from: data..userId } }', [expect.stringContaining('33 "data..userId" is not a path')]],
  ['{ user_id: { from: "data[x]" } }', [expect.stringContaining('is not a path')]],
  ['{ user_id: { from: "" } }', [expect.stringContaining('"from" is empty')]],
  ['{ user_id: { from: [] } }', [expect.stringContaining('is an empty list')]],
  ['{ properties: {} }', [expect.stringContaining('"properties" is empty')]],
  [
    `{ user_id: { from: [${Array.from({ length: 9 }, (_, i) => `data.u${i}`).join(', ')}] } }`,
    [expect.stringContaining('more than 8 paths')],
  ],
  [`{ user_id: { from: data${'.a'.repeat(40)} } }`, [expect.stringContaining('at most 32 steps')]],
])('mapping: %s', async (mapping, problems) => {
  expect(await problemsOf(mapping)).toEqual(problems);
});
