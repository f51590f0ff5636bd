import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { generateTypes } from '../packages/client/generate-types.ts';
import { buildApiDocument } from '../src/http/openapi/build-document.ts';
import { listBreaks } from './support/api-breaks.ts';

/** Files that `npm run generate` writes are committed, and say the same as the routes. */

let document: object;

beforeAll(async () => {
  document = JSON.parse(JSON.stringify(await buildApiDocument()));
});

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test('the types of the client are current; if not, run npm run generate', async () => {
  expect(read('packages/client/src/types.ts')).toBe(await generateTypes(document));
});

/** Breaks of what docs/openapi.json promises that are meant, each with its reason beside it. */
const MEANT: readonly string[] = [];

test('nothing that docs/openapi.json promises is gone or narrower, unless it is listed here', () => {
  expect(listBreaks(JSON.parse(read('docs/openapi.json')), document)).toEqual(MEANT);
});
