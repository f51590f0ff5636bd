/**
 * node scripts/check-staged.mjs
 *
 * Checks the files that are about to be committed, as they are in the index: white space, conflict marks, YAML, size and
 * secrets; and, if the packages are installed, format and types. Prints each finding with its place, and exits with 1 when there
 * is one. Runs before each commit after `npm run hooks`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const MAX_FILE_BYTES = 1024 * 1024;
/** Most output of git that is read: a larger file is a finding anyway. */
const MAX_OUTPUT_BYTES = 64 * MAX_FILE_BYTES;

/** Shapes of secrets. A line with the words `not a secret` is left out: it is an example. */
const SECRETS = [
  ['an API key of Tidings', /\btd_(live|test)_[0-9A-Za-z]{44}(?![0-9A-Za-z])/],
  ['a private key', /-----BEGIN (RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY( BLOCK)?-----/],
  ['an access key of AWS', /\b(AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a token of GitHub', /\b(gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{82})\b/],
  ['a token of GitLab', /\bglpat-[0-9A-Za-z_-]{20}\b/],
  ['a token of Slack', /\bxox[abprs]-[0-9A-Za-z-]{10,}/],
  ['a key of Google', /\bAIza[0-9A-Za-z_-]{35}\b/],
  ['a key of Stripe', /\b[sr]k_live_[0-9A-Za-z]{20,}\b/],
  ['a key of SendGrid', /\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b/],
  ['a key of Twilio', /\bSK[0-9a-f]{32}\b/],
  ['a token of npm', /\bnpm_[0-9A-Za-z]{36}\b/],
];
const NOT_A_SECRET = /not a secret/;

const top = git('rev-parse', '--show-toplevel').trim();
const staged = git('diff', '--cached', '--name-only', '--diff-filter=ACMR', '-z').split('\0').filter(Boolean);
const isInstalled = existsSync(join(top, 'node_modules', '.bin', 'biome'));
const yaml = isInstalled ? await import('yaml') : undefined;
let found = 0;

for (const file of staged) checkFile(file);
if (staged.some((file) => /\.(tsx?|mjs|cjs|json)$/.test(file))) {
  if (isInstalled) {
    run('format and lint', 'biome', ['check', '--staged', '--no-errors-on-unmatched', '--files-ignore-unknown=true']);
    if (staged.some((file) => /\.tsx?$/.test(file))) run('types', 'tsc', ['-p', '.']);
  } else console.error('Format and types are not checked: no packages are installed. Install them with: npm run setup');
}
if (found > 0) {
  console.error(`\n${found} to correct. To commit all the same: git commit --no-verify`);
  process.exitCode = 1;
}

function checkFile(file) {
  // A submodule, or a link, has no content to check.
  const [mode] = git('ls-files', '--stage', '-z', '--', file).split(' ');
  if (!mode.startsWith('100')) return;
  const size = Number(git('cat-file', '-s', `:${file}`));
  if (size > MAX_FILE_BYTES)
    return report(file, 0, `the file has ${size} bytes; at most ${MAX_FILE_BYTES} belong into git`);
  const content = execFileSync('git', ['cat-file', 'blob', `:${file}`], { cwd: top, maxBuffer: MAX_OUTPUT_BYTES });
  if (content.includes(0)) return;
  const text = content.toString();
  const lines = text.split('\n');
  lines.forEach((line, index) => {
    if (/[ \t]\r?$/.test(line)) report(file, index, 'white space at the end of the line');
    if (/\r$/.test(line)) report(file, index, 'a line break of Windows (CR LF)');
    if (/^(<{7} |>{7} |\|{7} )/.test(line)) report(file, index, 'a mark of a merge conflict');
    for (const [name, shape] of SECRETS) {
      if (shape.test(line) && !NOT_A_SECRET.test(line))
        report(file, index, `${name}: remove it, and replace it where it is used`);
    }
  });
  if (text !== '' && !text.endsWith('\n')) report(file, lines.length - 1, 'no line break at the end of the file');
  if (/\n\n$/.test(text)) report(file, lines.length - 2, 'an empty line at the end of the file');
  if (/\.ya?ml$/.test(file)) checkYaml(file, text);
}

function checkYaml(file, text) {
  for (const document of yaml?.parseAllDocuments(text) ?? []) {
    for (const { message, linePos } of document.errors ?? [])
      report(file, (linePos?.[0].line ?? 1) - 1, message.split('\n')[0]);
  }
}

/** Runs a program of an installed package over the working copy. */
function run(name, program, args) {
  const { status, stdout, stderr } = spawnSync(join(top, 'node_modules', '.bin', program), args, {
    cwd: top,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  console.error(`${stdout}${stderr}`);
  report(name, 0, 'see above');
}

/** Prints a finding. The line itself is not printed: it may be a secret. */
function report(file, index, message) {
  found++;
  console.error(`${file}:${index + 1}: ${message}`);
}

function git(...args) {
  return execFileSync('git', args, { cwd: process.cwd(), encoding: 'utf8', maxBuffer: MAX_OUTPUT_BYTES });
}
