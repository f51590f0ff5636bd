import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CHANNEL_DESCRIPTORS } from '../src/model/channels/channels.ts';
import { getLaneName } from '../src/store/deliveries/lanes.ts';
import { useDatabase } from './support/channel-facts.ts';

/** Descriptors of channels are the only place for what is known of them. */

const ROOT = join(import.meta.dirname, '..');
const ALL = Object.values(CHANNEL_DESCRIPTORS);

/** Files that name a channel, with the reason. Providers name the channels that they serve. */
const ALLOWED: { readonly [file: string]: string } = {
  ...Object.fromEntries(
    [
      'webhooks/webhooks.ts',
      'store/webhooks/endpoint-deliveries.ts',
      'store/webhooks/endpoint-turns.ts',
      'store/webhooks/facts.ts',
    ].map((file) => [`src/${file}`, 'the room of webhooks, whose endpoints belong to that channel alone']),
  ),
  'src/store/inbox/note-reading.ts': 'the inbox, whose items are of that channel alone',
  'src/cli/operation/tenant-settings.ts': 'an example of limits by channel',
  'src/store/deliveries/claim-statement.ts': 'the claim, whose SQL looks for stopped senders of phone numbers alone',
  'src/store/deliveries/queued-facts.ts': 'the channels whose targets are endpoints and devices, in SQL',
  'src/model/suppression.ts': 'the list of the channels that can be suppressed, of which their type is made',
  'src/model/provider-names.ts': 'the list of the names of providers, of which their type is made',
  'src/accounts/provider-page.ts': 'what to write to try an account, for each channel',
  'src/accounts/trials.ts': 'the same',
  'src/cli/operation/providers.ts': 'the same',
  'src/catalog/compile/built-in-templates.ts': 'the templates of its own types, for each channel',
  'src/cli/operation/preferences.ts': 'examples of a change',
  'src/http/confirmation-replies.ts': 'the one channel by which users reply with keywords',
  'src/notify/foretell.ts': 'the channel whose targets are devices, which an account may serve',
  'src/model/notification-state.ts':
    'the channel whose targets are recipients of their own; the console loads it at its start',
  'src/store/notifications.ts': 'the same',
  'packages/console/src/shell/channel-labels.ts': 'the names of channels as texts, which are translated',
  'packages/console/src/shell/outcome.ts': 'the icons of channels',
  'packages/console/src/templates/CellView.tsx': 'the two lines of a push message on a telephone',
  'packages/console/src/templates/PreviewView.tsx': 'the heading of the parts of a text message',
  'packages/console/src/preferences/RecordConsent.tsx': 'the channels of the form to record a consent',
  'packages/console/src/suppressions/AddSuppression.tsx': 'the kinds of addresses of the form',
  'packages/console/src/suppressions/SuppressionsPage.tsx': 'the kinds of addresses of the form',
  'src/http/schemas/consents.ts': 'an example',
  'src/http/schemas/accounts.ts': 'the kinds of a target, of which one has the name of its channel',
  'src/model/delivery.ts':
    'the list of the names, of which their type is made; and the log, which is a provider of alerts',
};

describe('the name of a channel', () => {
  // `email` is also a kind of address, and `internal` an error code and a mode of rendering.
  const names = ALL.map(({ name }) => name).filter((name) => name !== 'email' && name !== 'internal');
  const literal = new RegExp(`['"\`](?:${names.join('|')})['"\`]|\\bchannel\\b [!=]== '|'(?:SMS|in-app)'`);
  const files = ['src', 'packages/console/src'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => `${folder}/${name}`),
  );

  test('stands in no other file', () => {
    const others = files.filter((file) => !/^src\/(?:model\/)?channels\//.test(file) && !(file in ALLOWED));
    const found = others.filter((file) => {
      const code = readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      return literal.test(code);
    });
    expect(found).toEqual([]);
    expect(others.length).toBeGreaterThan(300);
  });
});

test('each descriptor has the name that it is listed under, a label, a phrase and a part', () => {
  for (const [name, channel] of Object.entries(CHANNEL_DESCRIPTORS)) {
    expect(channel.name).toBe(name);
    expect(channel.label).not.toBe('');
    expect(channel.phrase).toContain(' ');
    const { needs, oneOf, may } = channel.parts;
    const parts = [...needs, ...oneOf, ...may];
    expect(new Set(parts).size).toBe(parts.length);
    expect(parts).toEqual(expect.arrayContaining(Object.keys(channel.limits)));
    for (const { max, source } of Object.values(channel.limits)) {
      expect(max).toBeGreaterThan(0);
      expect(source).not.toBe('');
    }
  }
});

test('the database puts deliveries into the same lanes', async () => {
  const queryLane = await useDatabase();
  for (const { name } of ALL) expect(await queryLane('t', name, 'd')).toBe(getLaneName('t', name, 'd'));
});

test.each(ALL.map(({ name, parts, limits, whole }) => [name, parts, limits, whole] as const))(
  'the docs have the bounds of %s',
  (_name, _parts, limits, whole) => {
    const docs = readFileSync(join(ROOT, 'docs/templates.md'), 'utf8').replaceAll(',', '');
    for (const { max } of [...Object.values(limits), ...(whole ? [whole] : [])]) expect(docs).toContain(String(max));
  },
);
