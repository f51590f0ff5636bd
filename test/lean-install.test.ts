import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeEach, expect, test } from 'vitest';

/** A first start installs what Tidings needs to run. Packages for development come when a script needs them. */

const ROOT = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'tidings-lean-'));
let clone: string;

const RUNTIME = { 'node_modules/a': { version: '1.0.0' } };
const DEVELOPMENT = { 'node_modules/b': { version: '1.0.0', dev: true } };

/** Notes its arguments, and the list of what it installs as npm does. */
const NPM = `#!/usr/bin/env node
import fs from 'node:fs';
const args = process.argv.slice(2);
fs.appendFileSync(${JSON.stringify(join(folder, 'npm.log'))}, args.slice(0, args[0] === 'ci' ? 2 : 3).join(' ') + '\\n');
if (process.env.NPM_FAILS) process.exit(1);
const { packages } = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'));
const kept = Object.entries(packages).filter(([, { dev }]) => !dev || !args.includes('--omit=dev'));
if (args[0] === 'ci') fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync('node_modules', { recursive: true });
fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: Object.fromEntries(kept) }));
`;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(() => {
  clone = mkdtempSync(join(folder, 'clone-'));
  for (const part of ['bin', 'scripts']) cpSync(join(ROOT, part), join(clone, part), { recursive: true });
  for (const name of ['tools', 'tmp', 'own']) mkdirSync(join(clone, name));
  writeFileSync(join(clone, 'package.json'), '{ "type": "module" }');
  const lock = JSON.stringify({ packages: { ...RUNTIME, ...DEVELOPMENT } });
  for (const place of ['package-lock.json', 'own/package-lock.json']) writeFileSync(join(clone, place), lock);
  writeFileSync(join(clone, 'tools', 'npm'), NPM);
  chmodSync(join(clone, 'tools', 'npm'), 0o755);
  rmSync(join(folder, 'npm.log'), { force: true });
});

/** Calls a function of scripts/install.mjs; returns its result and output, and what npm was asked for. */
async function install(call: string, settings: Record<string, string> = {}) {
  const { npm_execpath: _path, npm_lifecycle_event: _event, ...env } = process.env;
  const program = `import(${JSON.stringify(join(clone, 'scripts', 'install.mjs'))}).then(async (m) => console.log(await m.${call}))`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', program], {
    cwd: clone,
    env: { ...env, ...settings, PATH: `${join(clone, 'tools')}${delimiter}${env.PATH}`, TMPDIR: join(clone, 'tmp') },
  });
  const log = join(folder, 'npm.log');
  const asked = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  rmSync(log, { force: true });
  return { result: stdout.trim(), stderr, asked };
}

const start = 'ensureInstalled()';
const develop = 'ensureInstalled({ development: true })';

test('a first start leaves packages for development out, and the next start installs nothing', async () => {
  expect((await install(start)).asked).toEqual(['ci --omit=dev']);
  expect((await install(start)).asked).toEqual([]);
});

test('a script for development adds what is missing and keeps what a running Tidings uses', async () => {
  await install(start);
  writeFileSync(join(clone, 'node_modules', 'in-use'), '');
  const { asked, stderr } = await install(develop);
  expect(asked).toEqual(['install --no-save --include=dev']);
  expect(stderr).toContain('Installing packages for development (once)');
  expect(existsSync(join(clone, 'node_modules', 'in-use'))).toBe(true);
  for (const call of [develop, start]) expect((await install(call)).asked).toEqual([]);
});

test('a script for development installs everything at once in a fresh clone', async () => {
  expect((await install(develop)).asked).toEqual(['ci --include=dev']);
  expect((await install(start)).asked).toEqual([]);
});

test.each([
  ['with', '', []],
  ['without', '--omit=dev', ['install --no-save --include=dev']],
])('a manual installation %s packages for development counts as such', async (_what, option, added) => {
  await promisify(execFile)(join(clone, 'tools', 'npm'), ['ci', ...(option ? [option] : [])], { cwd: clone });
  rmSync(join(folder, 'npm.log'));
  expect((await install(start)).asked).toEqual([]);
  expect((await install(develop)).asked).toEqual(added);
});

test('packages of a folder are installed once; a failure is reported, and tried again the next time', async () => {
  const own = "ensureFolderInstalled('own')";
  const failed = await install(own, { NPM_FAILS: '1' });
  expect(failed.result).toBe('false');
  expect(failed.stderr).toContain('Installing packages of own (once)');
  expect(failed.stderr).toContain('npm ci failed');
  const installed = await install(own);
  expect([installed.result, installed.asked.length]).toEqual(['true', 1]);
  expect(await install(own)).toEqual({ result: 'true', stderr: '', asked: [] });
  expect(existsSync(join(clone, 'own', 'node_modules', '.package-lock.json'))).toBe(true);
});
