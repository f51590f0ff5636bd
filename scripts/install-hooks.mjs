// npm run hooks: lets git run .githooks/ of this checkout before each commit. npm run hooks -- --remove: no longer.
import { execFileSync } from 'node:child_process';
import { root } from './install.mjs';

const FOLDER = '.githooks';

const current = git('config', '--local', '--get', 'core.hooksPath');
if (current !== '' && current !== FOLDER) {
  console.error(
    `core.hooksPath of this checkout is ${current} already; to use the hooks of Tidings: git config --unset core.hooksPath`,
  );
  process.exit(1);
}
if (process.argv.includes('--remove')) {
  git('config', '--local', '--unset', 'core.hooksPath');
  console.log('The hooks are removed.');
} else {
  git('config', '--local', 'core.hooksPath', FOLDER);
  console.log(`Git runs ${FOLDER}/pre-commit before each commit; for one commit without it: git commit --no-verify`);
}

/** Returns the output of git; empty if it fails, as for a setting that is not set. */
function git(...args) {
  try {
    return execFileSync('git', args, {
      cwd: process.cwd() || root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}
