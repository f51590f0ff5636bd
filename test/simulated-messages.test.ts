import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runLikeProcess } from './support/cli.ts';

/** `tidings simulate --messages`: every part of the messages of every channel. */

const CHANNELS = ['email', 'sms', 'push', 'in_app', 'webhook', 'chat', 'internal'];
const FILES = {
  'events.yaml': 'events: { shown: {} }\ntraits: { email: string, phone: string }',
  'notifications.yaml': `notifications:
  SHOWN: { category: SYSTEM, channels: [${CHANNELS.join(', ')}] }
  BLANK: { category: SYSTEM, channels: [sms] }
  HOSTED: { category: SYSTEM, channels: [email], provider_template: WELCOME_V1 }`,
  'rules.yaml': 'rules: { SHOWN: { on: shown }, BLANK: { on: shown }, HOSTED: { on: shown } }',
  ...Object.fromEntries(CHANNELS.map((channel) => [`templates/SHOWN/${channel}.en.txt`, `${channel} {{event.n}}`])),
  'templates/SHOWN/email.en.subject.txt': 'Number {{event.n}}',
  'templates/SHOWN/email.en.html': '<p>Number {{event.n}}</p>',
  'templates/SHOWN/push.en.title.txt': 'Title {{event.n}}',
  'templates/SHOWN/push.en.badge.txt': '3',
  'templates/SHOWN/push.en.image.txt': 'https://x.example/i.png',
  'templates/SHOWN/push.en.actions.yaml': '- { label: Open, url: "app://o/{{event.n}}" }',
  'templates/SHOWN/push.en.data.yaml': 'n: "{{event.n}}"',
  'templates/SHOWN/webhook.en.data.yaml': 'n: "{{event.n}}"',
  'templates/SHOWN/chat.en.blocks.yaml': '- { type: section, text: { type: mrkdwn, text: "n {{event.n}}" } }',
  'templates/BLANK/sms.en.txt': '{{event.absent}}',
};

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-simulated-'));
  for (const [path, text] of Object.entries(FILES)) {
    const file = join(folder, 'catalog', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const event = {
    user_id: 'u1',
    event_type: 'shown',
    event_timestamp: '2025-11-20T12:00:00Z',
    properties: { n: 7 },
    user_traits: { email: 'jane@example.com', phone: '+351912345678' },
  };
  writeFileSync(join(folder, 'events.json'), JSON.stringify([event]));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function simulate(...options: string[]): Promise<string> {
  const args = ['simulate', join(folder, 'catalog'), '--events', join(folder, 'events.json'), ...options];
  const { code, stdout, output } = await runLikeProcess(args);
  expect(code, output).toBe(0);
  return stdout;
}

test('as JSON a step has each message with all its parts, and why one would not be sent', async () => {
  const [first = ''] = (await simulate('--messages', '--json')).split('\n');
  const { messages } = JSON.parse(first);
  const find = (channel: string, type = 'SHOWN') =>
    messages.find((one: { channel: string; notification_type: string }) => {
      return one.channel === channel && one.notification_type === type;
    });
  expect(CHANNELS.map((channel) => find(channel)?.text)).toEqual(CHANNELS.map((channel) => `${channel} 7`));
  expect(find('email')).toMatchObject({ subject: 'Number 7', html: expect.stringContaining('Number 7') });
  expect(find('push')).toEqual({
    notification_type: 'SHOWN',
    channel: 'push',
    locale: 'en',
    title: 'Title 7',
    text: 'push 7',
    badge: 3,
    image: 'https://x.example/i.png',
    actions: [{ label: 'Open', url: 'app://o/7' }],
    data: { n: 7 },
  });
  expect(find('webhook')).toMatchObject({ data: { n: 7 } });
  expect(find('chat')).toMatchObject({ blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'n 7' } }] });
  expect(find('sms', 'BLANK')).toMatchObject({ error: expect.stringContaining('event.absent is missing') });
  expect(find('email', 'HOSTED')).toMatchObject({ provider_template: { name: 'WELCOME_V1' } });
});

test('an SMS shows its encoding and the parts that are billed, and no other message does', async () => {
  const [first = ''] = (await simulate('--messages', '--json')).split('\n');
  const { messages } = JSON.parse(first) as { messages: { channel: string; billed?: object; error?: string }[] };
  const billed = messages.filter((one) => one.billed).map((one) => [one.channel, one.billed]);
  expect(billed).toEqual([['sms', { encoding: 'GSM-7', parts: 1 }]]);
  expect(await simulate('--messages')).toContain('billed: {"encoding":"GSM-7","parts":1}');
});

test('as text each part is a line below its message, and without the option no part is shown', async () => {
  const text = await simulate('--messages');
  expect(text).toMatch(/SHOWN push en\n\s+title: Title 7\n\s+text: push 7\n\s+badge: 3\n/);
  expect(text).toMatch(/actions: \[\{"label":"Open","url":"app:\/\/o\/7"\}\]/);
  expect(text).toMatch(/BLANK sms en\n\s+error: The text of BLANK is empty/);
  expect(await simulate()).not.toContain('title:');
  expect(await simulate('--json')).not.toContain('"messages"');
});
