import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** npm run demo:lending, as a reader of the docs runs it. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

test('a customer is approved, imported, registered, reminded and alerted, and it ends by itself', async () => {
  const child = spawn('npm', ['run', '--silent', 'demo:lending', '--', '--once'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    text.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text.err += chunk;
  });
  const [code] = await once(child, 'close');
  expect([code, text.err]).toEqual([0, expect.any(String)]);
  const steps = text.out.split('\n').flatMap((line) => /^ {2}(\w+)/.exec(line)?.[1] ?? []);
  expect(steps).toEqual(['device', 'approved', 'imported', 'registered', 'reminded', 'alerted']);
  expect(text.out).toMatch(/explained at http:\/\/\S+\/#\/users\/[0-9a-f-]{36}/);
}, 300_000);
