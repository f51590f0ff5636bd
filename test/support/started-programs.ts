import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, vi } from 'vitest';
import { readPidFile } from '../../src/embedded/address.ts';
import { isRunning } from '../../src/embedded/processes.ts';
import { type Program, type ProgramOptions, tidings } from './program.ts';

/** Programs as a user starts them, each with folders of its own. */

const programs: Program[] = [];
const folders: string[] = [];

/** Prepares the tests of a file: call it once, at its top. After each test, programs are killed and folders removed. */
export function usePrograms(): void {
  afterEach(async () => {
    for (const program of programs) program.killGroup('SIGKILL');
    await Promise.all(programs.splice(0).map((program) => program.ended));
    for (const folder of folders.splice(0)) {
      const pid = serverOf(folder);
      if (pid !== undefined && isRunning(pid)) process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** Starts a program, which ends with the test. */
export function start(args: string[], options: ProgramOptions, by: typeof tidings = tidings): Program {
  const program = by(args, options);
  programs.push(program);
  return program;
}

/** Waits until a program has ended. */
export async function outcome(program: Program): Promise<{ code: number | string; stdout: string; stderr: string }> {
  programs.push(program);
  const code = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** A separate data directory and any free port. */
export function environment(): Record<string, string> {
  return { PORT: '0', TIDINGS_DATA_DIR: folder(), TIDINGS_LOG_LEVEL: 'info', TIDINGS_WATCH: 'false' };
}

/** Returns an empty folder, which is removed after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tidings-processes-'));
  folders.push(path);
  return path;
}

/** Returns the process of the embedded PostgreSQL of a data directory; undefined: it does not run. */
export function serverOf(dataDir: string): number | undefined {
  return readPidFile(join(dataDir, 'postgres'))?.pid;
}

/** An event of u_1, unless `more` says otherwise. */
export function event(
  event_type: string,
  clock: string,
  more: { user?: string; properties?: object; traits?: object },
): Record<string, unknown> {
  return {
    user_id: more.user ?? 'u_1',
    event_type,
    event_timestamp: `2025-10-31T${clock}:00Z`,
    properties: more.properties ?? {},
    user_traits: more.traits ?? { email: 'a@example.com' },
  };
}

interface Answer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly results: readonly { readonly decisions: readonly { readonly rule: string; readonly outcome: string }[] }[];
}

/** Posts events, all of which are taken. */
export async function post(url: string | null, events: unknown[]): Promise<Answer> {
  const response = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  expect(response.status).toBe(202);
  return (await response.json()) as Answer;
}

/** Returns what the rules decided. */
export function outcomes(answer: Answer): string[] {
  return answer.results.flatMap(({ decisions }) => decisions.map(({ rule, outcome }) => `${rule} ${outcome}`));
}

interface Audit {
  readonly recent_events: readonly unknown[];
  readonly decisions: readonly { readonly catalog_version: number }[];
  readonly notifications: readonly { readonly deliveries: readonly object[] }[];
}

/** Returns what is known of a user. */
export async function audit(url: string | null, user: string): Promise<Audit> {
  return (await (await fetch(`${url}/api/v1/audit/${user}`)).json()) as Audit;
}

/** Waits until so many deliveries are sent, and none is left. */
export async function allDelivered(url: string, count: number): Promise<void> {
  await vi.waitFor(
    async () => {
      expect((await deliveries(url, 'sent')) + (await deliveries(url, 'sandboxed'))).toBe(count);
      for (const status of ['queued', 'sending', 'dead', 'in_doubt']) expect(await deliveries(url, status)).toBe(0);
    },
    { timeout: 30_000, interval: 100 },
  );
}

async function deliveries(url: string, status: string): Promise<number> {
  let count = 0;
  for (let next: string | null = ''; next !== null; ) {
    const page = next === '' ? '' : `&after=${encodeURIComponent(next)}`;
    const answer = await fetch(`${url}/api/v1/deliveries?status=${status}&limit=200${page}`);
    expect(answer.status).toBe(200);
    const body = (await answer.json()) as { deliveries: unknown[]; next: string | null };
    count += body.deliveries.length;
    next = body.next;
  }
  return count;
}
