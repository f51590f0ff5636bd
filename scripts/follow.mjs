/**
 * Ends this process when the npm that started it is gone.
 *
 * npm puts a shell between, and passes a SIGTERM on to that one only (a SIGKILL to nobody): without this, killing
 * `npm start` would leave the server behind, holding its port. Ctrl-C reaches everybody anyway.
 */
import { readFileSync } from 'node:fs';

const EVERY = 500;

/** Watches, when npm started us: sends this process a SIGTERM, once, when the line of parents up to npm is broken. */
export function followNpm() {
  if (!process.env.npm_lifecycle_event || process.platform === 'win32') return;
  const line = lineToNpm();
  const timer = setInterval(() => {
    if (line.every(([child, parent]) => parentOf(child) === parent)) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, EVERY);
  timer.unref();
}

/** Pairs of a process and its parent, from this one up to npm; only this one where others cannot be seen. */
function lineToNpm() {
  const line = [[process.pid, process.ppid]];
  for (let parent = process.ppid; line.length < 4 && !/\bnp[mx]\b/.test(commandOf(parent)); ) {
    const next = parentOf(parent);
    if (!next || next === 1) return line.slice(0, 1);
    line.push([parent, next]);
    parent = next;
  }
  return line.length < 4 ? line : line.slice(0, 1);
}

function parentOf(pid) {
  if (pid === process.pid) return process.ppid;
  // The second field is the program's name in brackets, and may itself hold spaces and brackets.
  const stat = readIf(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function commandOf(pid) {
  return (readIf(`/proc/${pid}/cmdline`) ?? '').split('\0', 2).join(' ');
}

function readIf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
