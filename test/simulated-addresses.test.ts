import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** Rules that are tried out see what stands in the events, as in production; what is printed is masked. */

const run = promisify(execFile);
let dir: string;

const FILES: { readonly [path: string]: string } = {
  'notifications.yaml': 'notifications:\n  INVITE: { category: SYSTEM, channels: [in_app] }\n',
  'templates/INVITE/in_app.en.txt': 'x',
  'rules.yaml': `rules:
  INVITE: { on: invited, key: event.invitee, limit: once, when: 'user.email == traits.email', data: { to: event.invitee } }
`,
  'events.yaml': 'events:\n  invited: { properties: { invitee: string } }\n',
  'cases.yaml': `cases:
  - name: two addresses with one mask are two invitations
    events:
      - { invited: { invitee: maria@example.com }, at: 2025-11-01T10:00Z, traits: { email: a.user@example.com } }
      - { invited: { invitee: mark@example.com }, at: 2025-11-01T10:05Z, traits: { email: a.user@example.com } }
    expect:
      - { INVITE: send, data: { to: maria@example.com } }
      - { INVITE: send, data: { to: mark@example.com } }
`,
  'events.jsonl': ['maria', 'mark', 'mark']
    .map((name, minute) =>
      JSON.stringify({
        user_id: 'u1',
        event_type: 'invited',
        event_timestamp: `2025-11-01T10:0${minute}:00Z`,
        properties: { invitee: `${name}@example.com` },
        user_traits: { email: 'a.user@example.com', phone: 351912345678 },
      }),
    )
    .join('\n'),
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tidings-simulated-'));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
});
afterAll(() => rm(dir, { recursive: true }));

async function tidings(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, ['bin/tidings.mjs', ...args]).catch((error) => error);
  return stdout + stderr;
}

test('two addresses with one mask are two keys, and a rule compares addresses as posted', async () => {
  const out = await tidings('simulate', dir, '--events', join(dir, 'events.jsonl'));
  expect(out).toContain('2 notifications');
  expect(out).toContain('m…@example.com');
  expect(out).not.toMatch(/maria@|mark@|a\.user@|912345678/);
});

test('as JSON it is masked, too', async () => {
  const out = await tidings('simulate', dir, '--events', join(dir, 'events.jsonl'), '--json');
  const steps = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(steps.map(({ sends }) => sends.length)).toEqual([1, 1, 0]);
  expect(steps[0].sends[0].data).toEqual({ to: 'm…@example.com' });
  expect(out).not.toMatch(/maria@|mark@|a\.user@|912345678/);
});

test('a case states what is posted and sent; what a failed one prints is masked', async () => {
  expect(await tidings('test', dir)).toMatch(/1 passed|passed: 1|1 case/);
  await writeFile(join(dir, 'cases.yaml'), (FILES['cases.yaml'] as string).replace('to: mark@', 'to: martha@'));
  const out = await tidings('test', dir);
  expect(out).toContain('m…@example.com');
  expect(out).not.toMatch(/maria@|mark@|martha@|a\.user@/);
});
