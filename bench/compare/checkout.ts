import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { promisify } from 'node:util';

const runFile = promisify(execFile);

/** A revision laid out in a folder of its own, with nothing of git in it. */
export interface Checkout {
  readonly folder: string;
  /** Abbreviated hash. */
  readonly commit: string;
  /** First line of its message; for the checkout with its changes, that there are some. */
  readonly subject: string;
  /** Whether it borrows the packages of this checkout, instead of installing its own at its first start. */
  readonly isLinked: boolean;
}

interface Commit {
  readonly commit: string;
  readonly subject: string;
}

/**
 * Copies the files of the checkout at `root` to `folder`, changes and new files with them, ignored ones without: whatever
 * is edited while the copy is being measured does not matter.
 */
export async function copyWorkingTree(root: string, folder: string): Promise<Checkout> {
  const listed = await git(root, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  // A file that was deleted but not committed is listed as well.
  for (const file of new Set(listed.split('\0').filter((name) => name !== '' && existsSync(join(root, name))))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file), { verbatimSymlinks: true });
  }
  const { commit, subject } = await describeCommit(root, 'HEAD');
  const isChanged = (await git(root, ['status', '--porcelain'])) !== '';
  return {
    folder,
    commit,
    subject: isChanged ? `${subject}, with uncommitted changes` : subject,
    isLinked: linkPackages(root, folder),
  };
}

/**
 * Lays out `revision` of the repository at `root` in `folder`, without a trace in the repository (an index of its own).
 * @throws Error when there is no such revision
 */
export async function extractRevision(root: string, revision: string, folder: string): Promise<Checkout> {
  const described = await describeCommit(root, revision);
  const env = { ...process.env, GIT_INDEX_FILE: `${folder}.index` };
  await git(root, ['read-tree', described.commit], env);
  await git(root, ['checkout-index', '--all', `--prefix=${folder}${sep}`], env);
  return { folder, ...described, isLinked: linkPackages(root, folder) };
}

/** Links the installed packages where package-lock.json is the same, and returns whether it is. */
function linkPackages(root: string, folder: string): boolean {
  const packages = join(root, 'node_modules');
  const locks = [root, folder].map((place) => join(place, 'package-lock.json'));
  if (![packages, ...locks].every((path) => existsSync(path))) return false;
  const [ours, theirs] = locks.map((lock) => readFileSync(lock, 'utf8'));
  if (ours !== theirs) return false;
  // Windows lets everyone make a junction, a symbolic link only some.
  symlinkSync(packages, join(folder, 'node_modules'), 'junction');
  return true;
}

async function describeCommit(root: string, revision: string): Promise<Commit> {
  try {
    const hash = await git(root, ['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`]);
    const [commit = '', subject = ''] = (await git(root, ['log', '-1', '--format=%h%n%s', hash.trim()])).split('\n');
    return { commit, subject };
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new Error(`git finds no revision ${revision} here: ${stderr.trim()}`, { cause });
  }
}

async function git(root: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { stdout } = await runFile('git', args, { cwd: root, env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
