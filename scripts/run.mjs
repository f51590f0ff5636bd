/**
 * node scripts/run.mjs FILE.ts [args]     runs a file of this checkout, after installing and building what is missing
 * node scripts/run.mjs --bin NAME [args]  runs the program of an installed package
 *
 * The file runs in this process, so signals and exit codes need not be passed on.
 */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { followNpm } from './follow.mjs';
import { ensureBuilt, ensureInstalled, root } from './install.mjs';

const [target, ...args] = process.argv.slice(2);
if (!target || (target === '--bin' && !args[0])) {
  console.error('Usage: node scripts/run.mjs FILE.ts [args] | --bin NAME [args]');
  process.exit(2);
}

followNpm();
await ensureInstalled({ development: true });
if (target === '--bin') {
  await runProgram(args[0], args.slice(1));
} else {
  // A file that starts Tidings (the torture test) must start the current version.
  await ensureBuilt();
  const { register } = await import('tsx/esm/api');
  register();
  const file = resolve(root, target);
  process.argv = [process.argv[0], file, ...args];
  await import(pathToFileURL(file).href);
}

async function runProgram(name, programArgs) {
  const isWindows = process.platform === 'win32';
  const program = join(root, 'node_modules', '.bin', isWindows ? `${name}.cmd` : name);
  const child = spawn(program, programArgs, { stdio: 'inherit', shell: isWindows });
  // Ctrl-C in a terminal reaches the program by itself.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((resolveExit) => {
    child.on('exit', (...exit) => resolveExit(exit));
    child.on('error', (error) => {
      console.error(error.message);
      resolveExit([127, null]);
    });
  });
  if (!signal) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
