import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

describe('the command line', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tidings-cases-'));
    await writeFile(join(dir, 'events.yaml'), 'events: { a: {} }');
    await writeFile(
      join(dir, 'notifications.yaml'),
      'notifications: { N: { category: SYSTEM, channels: [internal] } }',
    );
    await writeFile(join(dir, 'rules.yaml'), 'rules:\n  N: { on: a, delay: 36h, expires: 1h }');
    await writeFile(
      join(dir, 'cases.yaml'),
      'cases:\n  - { name: it, events: [{ at: 2025-11-03T09:00Z, a: {} }], expect: [{ at: 2025-11-04T21:00Z, N: send }] }',
    );
    await writeFile(
      join(dir, 'events.jsonl'),
      '{"user_id":"u","event_type":"a","event_timestamp":"2025-11-03T09:00:00Z"}\n\n{"user_id":"u"}\n',
    );
  });
  afterAll(() => rm(dir, { recursive: true }));

  test('test passes, or fails with an exit code', async () => {
    expect(await tidings('test', dir, '--json')).toMatchObject({ code: 0, answer: { ok: true, passed: 1, failed: 0 } });
    await writeFile(
      join(dir, 'cases.yaml'),
      'cases:\n  - { name: it, events: [{ at: 2025-11-03T09:00Z, a: {} }], expect: none }',
    );
    const failed = await tidings('test', dir);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain('✗ it');
    expect(failed.stdout).toContain('cases.yaml:2: not expected: 2025-11-04T21:00Z u_1 send N');
  });

  test('simulate prints what happens and when', async () => {
    const { code, stdout, stderr } = await tidings('simulate', dir, '--events', join(dir, 'events.jsonl'));
    expect(code).toBe(1);
    expect(stderr).toContain('event 2: invalid_event: event_type is missing');
    expect(stdout).toMatch(/^2025-11-03T09:00Z\s+u {2}event a$/m);
    expect(stdout).toMatch(/^2025-11-04T21:00Z\s+u {2}wait N ends: delay since 2025-11-03T09:00Z$/m);
    expect(stdout).toMatch(/^\s+send\s+N matched: To be sent/m);
    expect(stdout).toContain('1 event, 1 user, 1 notification');
  });

  test('check prints the mistakes and their places', async () => {
    expect(await tidings('check', dir)).toMatchObject({ code: 0 });
    await writeFile(join(dir, 'rules.yaml'), 'rules:\n  N: { on: b }');
    const wrong = await tidings('check', dir, '--json');
    expect(wrong).toMatchObject({ code: 1, answer: { ok: false, errors: 1 } });
    expect(wrong.answer).toMatchObject({
      problems: [{ file: 'rules.yaml', line: 2, column: 12, severity: 'error', code: 'invalid' }],
    });
    expect((await tidings('check', join(dir, 'nowhere'))).code).toBe(1);
  });
});

async function tidings(...args: string[]) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const run = promisify(execFile)(process.execPath, ['dist/tidings.mjs', ...args], { cwd: root });
  const { code, stdout, stderr } = await run.then(
    (done) => ({ ...done, code: 0 }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  const answer: unknown = stdout.startsWith('{') ? JSON.parse(stdout) : undefined;
  return { code, stdout, stderr, answer };
}
