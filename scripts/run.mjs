/**
 * node scripts/run.mjs FILE.ts [args]     runs a file of this checkout, making what is missing first
 * node scripts/run.mjs --bin NAME [args]  runs a program that a package brings
 *
 * The file runs in this very process, so signals and exit codes need no passing on.
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

await ensureInstalled();
if (target === '--bin') {
  await runProgram(args[0], args.slice(1));
} else {
  // Those that start Tidings (the torture) start it as it is now.
  await ensureBuilt();
  const { register } = await import('tsx/esm/api');
  register();
  followNpm();
  const file = resolve(root, target);
  process.argv = [process.argv[0], file, ...args];
  await import(pathToFileURL(file).href);
}

async function runProgram(name, rest) {
  const windows = process.platform === 'win32';
  const program = join(root, 'node_modules', '.bin', windows ? `${name}.cmd` : name);
  const child = spawn(program, rest, { stdio: 'inherit', shell: windows });
  // The terminal's Ctrl-C reaches the program by itself.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((done) => {
    child.on('exit', (...how) => done(how));
    child.on('error', (error) => {
      console.error(error.message);
      done([127, null]);
    });
  });
  if (!signal) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
