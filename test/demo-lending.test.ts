import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findKafka } from './support/kafka/broker.ts';

/** npm run demo:lending, as a reader of the docs runs it: over Kafka, and on a machine that has no Java. Both at once. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function runDemo(path = process.env.PATH ?? ''): Promise<Ran> {
  const child = spawn('npm', ['run', '--silent', 'demo:lending', '--', '--once'], {
    cwd: ROOT,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  for (const name of ['out', 'err'] as const) {
    child[`std${name}`].on('data', (chunk: Buffer) => {
      text[name] += String(chunk);
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...text };
}

function expectWhole({ code, out, err }: Ran, ...more: string[]): void {
  expect({ code, err, out }).toMatchObject({ code: 0 });
  const steps = out.split('\n').flatMap((line) => /^ *[\d.]+ s {2}(\w+)/.exec(line)?.[1] ?? []);
  expect(steps).toEqual([
    'device',
    'approved',
    'imported',
    'registered',
    'reminded',
    'alerted',
    'pushed',
    'silent',
    ...more,
  ]);
  expect(out).toContain('(1 new, 0 there already, 0 rejected; again: 0 new, 1 there already, 0 rejected)');
  expect(out).toMatch(/explained at http:\/\/\S+\/#\/users\/[0-9a-f-]{36}/);
}

describe.concurrent('a customer is approved, imported, registered, reminded, alerted and sent what others ask for', () => {
  test.runIf(findKafka())(
    'by topics of a broker that is started',
    async () => {
      const ran = await runDemo();
      expectWhole(ran, 'outcomes');
      expect(ran.out).toContain('by the topic prd.default.account-opening.avant-basic.event-publisher.product-status');
    },
    300_000,
  );

  // Its steps are those above: where these ran by topics, they are not run once more, but for LONG.
  test.skipIf(findKafka() && !process.env.LONG)(
    'over HTTP where Java does not run, which is said in a sentence',
    async () => {
      const programs = mkdtempSync(join(tmpdir(), 'programs-'));
      writeFileSync(join(programs, 'java'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
      const ran = await runDemo(`${programs}:${process.env.PATH}`);
      rmSync(programs, { recursive: true, force: true });
      expectWhole(ran);
      expect(ran.out).toMatch(/^Without a broker, since there is no Java, or no Maven: [^.\n]+\.$/m);
    },
    300_000,
  );
});
