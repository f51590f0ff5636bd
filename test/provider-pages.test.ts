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

test.each(listProviderNames())(
  'the page of %s says what the check of an account asks, and tries only what there is',
  async (name) => {
    const page = read(`providers/${name}.md`);
    const { checks } = (await loadProvider(name))!;
    expect(page).toContain(`| the check of an account | ${checks ?? '`tidings providers check` only opens it: '}`);
    expect(page.includes('tidings providers check main')).toBe(checks !== null);
  },
);

test('the page of webhooks tries an endpoint, not an account', () => {
  const page = read('providers/webhook.md');
  expect(page).toMatch(/tidings webhooks create https:.*\ntidings webhooks test /);
  expect(page).not.toContain('tidings accounts create');
});
