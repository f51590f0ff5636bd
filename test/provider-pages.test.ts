import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatProviderPage } from '../src/accounts/provider-page.ts';
import { listProviderNames, loadProvider } from '../src/channels/registry.ts';

/** Pages of the docs about providers: one each, made from its definition. */

const read = (path: string) => readFileSync(new URL(`../docs/${path}`, import.meta.url), 'utf8');

test.each(listProviderNames())('the page of %s is current; if not, run npm run generate', async (name) => {
  const definition = await loadProvider(name);
  expect(read(`providers/${name}.md`)).toBe(formatProviderPage(definition!));
});

test('the list of providers in the docs names every one, and no other', () => {
  const named = [...read('providers.md').matchAll(/^\| `(\w+)` \|.*\]\(providers\/(\w+)\.md\)/gm)];
  expect(named.map(([, name, page]) => [name, page])).toEqual(listProviderNames().map((name) => [name, name]));
});

test('a page has each setting with its variable, each code, and marks each secret', async () => {
  const page = read('providers/twilio.md');
  expect(page).toMatch(/\| `auth_token` \| required \| `TWILIO_AUTH_TOKEN` \| \*\*Secret\.\*\*/);
  expect(page).toMatch(/\| `21610` \| .* \| gives the address up: its owner wants no more messages \|/);
  const { codes } = (await loadProvider('twilio'))!;
  for (const { code } of codes) expect(page).toContain(`| \`${code}\` |`);
});

test('the page of a push service tries its own kind of device', () => {
  expect(read('providers/apns.md')).toMatch(/send-test main --to-file token\.txt --platform ios /);
  expect(read('providers/web_push.md')).toMatch(/send-test main --to-file subscription\.json /);
});
