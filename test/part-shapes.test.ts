import { expect, test } from 'vitest';
import { checkCatalog } from './support/part-files.ts';

/** Structured parts of a shape that no data could make right are reported before anything is sent. */

const PUSH = { 'push.en.txt': 'Text' };
const EMAIL = { 'email.en.subject.txt': 'Subject', 'email.en.html': '<p>Text</p>' };

test.each([
  [
    { ...EMAIL, 'email.en.attachments.yaml': 'url: x\n' },
    'email.en.attachments.yaml',
    1,
    /^"attachments" is not a list$/,
  ],
  [
    { ...EMAIL, 'email.en.attachments.yaml': '- { url: "{{event.n}}", name: a, foo: 1 }\n' },
    'email.en.attachments.yaml',
    1,
    /^unknown key "foo" in an item of "attachments"$/,
  ],
  [
    { ...EMAIL, 'email.en.attachments.yaml': '- { url: "{{event.n}}", name: a }\n- { url: "{{event.n}}" }\n' },
    'email.en.attachments.yaml',
    2,
    /^this item of "attachments" has no "name"$/,
  ],
  [{ ...PUSH, 'push.en.actions.yaml': 'x: 1\n' }, 'push.en.actions.yaml', 1, /^"actions" is not a list$/],
  [
    { ...PUSH, 'push.en.actions.yaml': '- { label: a, urll: "bank://x" }\n' },
    'push.en.actions.yaml',
    1,
    /^unknown key "urll" in an item of "actions"$/,
  ],
  [{ 'chat.en.txt': 'x', 'chat.en.blocks.yaml': '- divider\n' }, 'chat.en.blocks.yaml', 1, /is not a map$/],
  [{ ...PUSH, 'push.en.data.yaml': '- 1\n' }, 'push.en.data.yaml', 1, /^"data" is not a map$/],
] as const)('%j', async (files, file, line, message) => {
  const { problems } = await checkCatalog(files as unknown as { [name: string]: string });
  expect(problems).toContainEqual(
    expect.objectContaining({ file: `templates/T/${file}`, line, message: expect.stringMatching(message) }),
  );
});

test('a part or an item that is a template is judged when it is rendered', async () => {
  const { problems, templates } = await checkCatalog({
    ...EMAIL,
    'email.en.attachments.yaml': '"{{event.n}}"\n',
    ...PUSH,
    'push.en.actions.yaml': '- "{{event.n}}"\n',
  });
  expect(problems).toEqual([]);
  expect(templates).toHaveLength(2);
});
