import { expect, test } from 'vitest';
import { checkCatalog } from './support/part-files.ts';

/** Files of the parts of a message, as the author of a catalog writes them. */

test('every part has a file of its own', async () => {
  const { templates } = await checkCatalog({
    'push.en.title.txt': 'Title\n',
    'push.en.txt': 'Text\n',
    'push.en.badge.txt': '{{event.n}}\n',
    'push.en.image.txt': 'https://x.example/i.png\n',
    'push.en.actions.yaml': '- { label: Open, url: "app://o/{{event.n}}" }\n',
    'push.en.data.json': '{ "n": "{{event.n}}", "deep": { "on": true } }',
    'chat.en.txt': 'Text',
    'chat.en.blocks.yaml': '- type: divider\n',
    'webhook.en.data.yaml': 'n: "{{event.n}}"\n',
  });
  expect(templates.map(({ channel, parts }) => [channel, parts])).toEqual([
    ['chat', { blocks: '[{"type":"divider"}]', text: 'Text' }],
    [
      'push',
      {
        actions: '[{"label":"Open","url":"app://o/{{event.n}}"}]',
        badge: '{{event.n}}',
        data: '{"n":"{{event.n}}","deep":{"on":true}}',
        image: 'https://x.example/i.png',
        text: 'Text',
        title: 'Title',
      },
    ],
    ['webhook', { data: '{"n":"{{event.n}}"}' }],
  ]);
});

test('a subject of a channel without one is its title', async () => {
  const { templates } = await checkCatalog({ 'push.en.subject.txt': 'Title', 'push.en.txt': 'Text' });
  expect(templates[0]?.parts).toEqual({ title: 'Title', text: 'Text' });
});

test.each([
  [
    { 'push.en.data.yaml': 'a: ok\nlist:\n  - "{{evnt.n}}"\n' },
    { file: 'push.en.data.yaml', line: 3, column: 5, message: /there is no `evnt` here/ },
  ],
  [
    { 'push.en.data.yaml': 'n: {{event.n}}\n' },
    { file: 'push.en.data.yaml', line: 1, message: /^a value with \{\{…\}\} stands between quotes$/ },
  ],
  [
    { 'push.en.data.yaml': '"{{event.n}}": 1\n' },
    { file: 'push.en.data.yaml', line: 1, message: /^a name is no template$/ },
  ],
  [{ 'push.en.data.yaml': 'a: 1\na: 2\n' }, { file: 'push.en.data.yaml', line: 2, message: /a/ }],
  [
    { 'push.en.data.txt': 'x', 'push.en.txt': 'x' },
    { file: 'push.en.data.txt', message: /is not a part of push/ },
  ],
  [
    { 'sms.en.title.txt': 'x', 'sms.en.txt': 'x' },
    { file: 'sms.en.title.txt', message: /is not a part of sms/ },
  ],
  [
    { 'push.en.data.json': '{}', 'push.en.data.yaml': 'a: 1' },
    { file: 'push.en.data.yaml', message: /^there is another file of the data$/ },
  ],
  [
    { 'push.en.title.txt': 'x' },
    { file: 'push.en.title.txt', message: /^the push template in "en" has no text or data$/ },
  ],
])('reports what is wrong at its place: %j', async (files, { file, message, ...place }) => {
  const { problems } = await checkCatalog(files);
  expect(problems).toContainEqual(
    expect.objectContaining({ file: `templates/T/${file}`, ...place, message: expect.stringMatching(message) }),
  );
});

test('a field of a structured part that nothing declares is reported at its value', async () => {
  const { problems } = await checkCatalog({ 'push.en.data.yaml': 'a: 1\nb: "{{event.gone}}"\n' });
  expect(problems).toContainEqual(
    expect.objectContaining({ file: 'templates/T/push.en.data.yaml', line: 2, column: 4 }),
  );
});
