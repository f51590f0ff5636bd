import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { escapeJson, escapeTerminal } from '../src/cli/output/escape-terminal.ts';
import { runCommand } from './support/cli.ts';

/** Text of files, events and responses cannot control the terminal: no escape, C1, line break or bidirectional control. */

const NASTY = 'h\u001b[31m\u009b2J\n\r\u202ei\u2066\u200f\u007f';
const SHOWN = String.raw`h\u{1b}[31m\u{9b}2J\u{a}\u{d}\u{202e}i\u{2066}\u{200f}\u{7f}`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for them
const INTERPRETED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-visible-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const print = async (...args: string[]) => (await runCommand(...args)).text;

async function writeCatalog(files: { readonly [name: string]: string }): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

const NAME = JSON.stringify(NASTY);

test('escapes what a terminal would interpret', () => {
  expect(escapeTerminal(NASTY)).toBe(SHOWN);
  expect(escapeTerminal('é … 🦊 ŷ')).toBe('é … 🦊 ŷ');
  expect(escapeJson({ NASTY })).not.toMatch(INTERPRETED);
  expect(JSON.parse(escapeJson({ NASTY }))).toEqual({ NASTY });
});

describe('with a folder', () => {
  test('check, test, simulate and apply escape names', async () => {
    await writeCatalog({
      'events.yaml': `events:\n  ${NAME}: {}\n  a: {}\n`,
      'notifications.yaml': 'notifications:\n  A: { category: SYSTEM, channels: [internal] }\n',
      'rules.yaml': `rules:\n  ${NAME}: { on: hi, notify: A }\n`,
      [`${NASTY.replace('/', '')}.yaml`]: 'x: 1\n',
      'events.jsonl': '[]',
    });
    for (const args of [['check'], ['test'], ['simulate', '--events', join(folder, 'events.jsonl')], ['apply']]) {
      const text = await print(args[0] as string, folder, ...args.slice(1));
      expect(text, args[0]).not.toMatch(INTERPRETED);
      if (args[0] === 'check') expect(text).toContain(String.raw`\u{202e}i\u{2066}`);
    }
  });

  test('test and simulate escape the content of events', async () => {
    const event = { user_id: 'u\u202e\u200f', event_type: 'a', event_timestamp: '2025-10-31T10:00:00Z' };
    const events = JSON.stringify([{ ...event, properties: { text: NASTY } }]);
    await writeCatalog({
      'events.yaml': 'events:\n  a: { properties: { text: string } }\n',
      'notifications.yaml': 'notifications:\n  A: { category: SYSTEM, channels: [internal] }\n',
      'rules.yaml': 'rules:\n  A: { on: a, when: event.text == "x" }\n',
      'cases.yaml': `cases:\n  - name: ${NAME}\n    events: [{ at: 2025-11-03T09:00Z, a: { text: ${NAME} } }]\n    expect: [{ A: send }]\n`,
      'events.jsonl': events,
    });
    for (const args of [['test'], ['simulate', '--events', join(folder, 'events.jsonl')]]) {
      const text = await print(args[0] as string, folder, ...args.slice(1));
      expect(text, args[0]).not.toMatch(INTERPRETED);
      expect(text, args[0]).toContain(String.raw`\u{9b}2J`);
    }
  });
});

test('commands escape the responses of a running Tidings', async () => {
  let answer: { status: number; body: unknown } = { status: 200, body: {} };
  const server = createServer((_request, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  vi.stubEnv('TIDINGS_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    const decision = { decided_at: '2025', outcome: 'send', reason: NASTY };
    const failure = { attempts: 2, reason: NASTY, set_aside_at: null };
    const wait = { user_id: NASTY, rule: NASTY, key: NASTY, kind: 'delay', status: 'waiting', due_at: '2025', failure };
    const difference = { part: 'rule', name: NASTY, change: 'changed', fields: [{ field: NASTY, from: NASTY, to: 1 }] };
    const problem = { file: NASTY, line: 1, column: 1, message: NASTY, hint: NASTY };
    const cases: [string[], number, unknown, number][] = [
      [['explain', 'u', 'A'], 200, { paragraph: NASTY, decisions: [decision] }, 3],
      [['explain', 'u', 'A'], 404, { detail: NASTY }, 1],
      [['waits', 'list'], 200, { waits: [wait], next: null }, 1],
      [['catalog', 'versions'], 200, { versions: [{ version: 1, applied_by: NASTY, rules: 1, notifications: 1 }] }, 1],
      // A text of several lines is compared line by line.
      [['catalog', 'diff', '1'], 200, { differences: [difference] }, 5],
      [['catalog', 'rollback', '1'], 422, { errors: [problem] }, 2],
    ];
    for (const [args, status, body, lines] of cases) {
      answer = { status, body };
      const text = await print(...args);
      expect(text).not.toMatch(INTERPRETED);
      expect(text).toContain(SHOWN.slice(0, 10));
      expect(text.split('\n'), text).toHaveLength(lines);
      expect(() => JSON.parse(text)).toThrow();
      expect(JSON.parse(await print(...args, '--json'))).toEqual(body);
    }
  } finally {
    server.close();
  }
});
