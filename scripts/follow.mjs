/**
 * Ends this process when the npm that started it is gone.
 *
 * npm runs a shell between itself and this process, and passes SIGTERM on to the shell only; SIGKILL cannot be passed on.
 * Without this, killing `npm start` would leave the server running on its port. Ctrl-C reaches all processes anyway.
 */
import { readFileSync } from 'node:fs';

const POLL_MS = 500;
const MAX_ANCESTORS = 4;

/** If npm started this process, watches its ancestors up to npm, and sends this process SIGTERM once when one is gone. */
export function followNpm() {
  if (!process.env.npm_lifecycle_event || process.platform === 'win32') return;
  const ancestry = getAncestryToNpm();
  const timer = setInterval(() => {
    if (ancestry.every(([child, parent]) => getParent(child) === parent)) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, POLL_MS);
  timer.unref();
}

/** Returns pairs of a process and its parent, from this process up to npm; only the first pair if npm is not found. */
function getAncestryToNpm() {
  const ancestry = [[process.pid, process.ppid]];
  for (let parent = process.ppid; ancestry.length < MAX_ANCESTORS && !/\bnp[mx]\b/.test(getCommand(parent)); ) {
    const next = getParent(parent);
    if (!next || next === 1) return ancestry.slice(0, 1);
    ancestry.push([parent, next]);
    parent = next;
  }
  return ancestry.length < MAX_ANCESTORS ? ancestry : ancestry.slice(0, 1);
}

function getParent(pid) {
  if (pid === process.pid) return process.ppid;
  // The second field is the name of the program in parentheses, and may itself contain spaces and parentheses.
  const stat = readIfExists(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function getCommand(pid) {
  return (readIfExists(`/proc/${pid}/cmdline`) ?? '').split('\0', 2).join(' ');
}

function readIfExists(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
