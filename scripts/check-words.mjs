/**
 * node scripts/check-words.mjs [--root FOLDER] [PATH …]
 *
 * Checks the words of comments, messages, docs and the console against WORDS. Prints each finding with its place and the
 * reason, and exits with 1 when there is one. Part of `npm test`.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** First words that a comment or a doc comment must not have. */
const OPENINGS = {
  pattern: /^(What|Of|How|Who|Whom|Whose|Whoever|Whatever|Those|Where)\b/,
  reason: 'open with a noun ("Settlements to write …") or a verb ("Returns …", "Claims …")',
};

/** Words that have a better one. `except` names lines that may keep it: another meaning, or a language's own word. */
const WORDS = [
  {
    pattern: /\b(persons?|people|persons'|person's)\b/i,
    reason: 'write "user": one word for those who receive notifications',
    except: /per person/i,
  },
  {
    pattern: /\b(nobody|somebody|anybody|everybody|whoever|whom)\b/i,
    reason: 'name the user, caller, process or row',
    except: /'nobody'|`nobody`/,
  },
  { pattern: /\b(is|are|was|were|has|have) none\b/i, reason: 'write "no X" or "does not have X"' },
  { pattern: /\bany more\b/i, reason: 'write "no longer"' },
  {
    pattern: /\b(refus(e|es|ed|al|als|ing))\b/i,
    reason: 'write "reject": events are rejected, and kept in the quarantine',
    except: /ECONNREFUSED|[Cc]onnection refused|refused (the|a) connection|\^Refused /,
  },
  { pattern: /\bin force\b/i, reason: 'write "active" (catalog version)' },
  { pattern: /\b(takes?|taken|took|taking) in\b/i, reason: 'write "accept" or "ingest"' },
  { pattern: /\btold\b/i, reason: 'write "fired" (a rule), "sent", or "reported"' },
  { pattern: /\bhears?\b|\bheard\b/i, reason: 'write "receives"' },
  { pattern: /\b(gave|give|gives|given|giving) up\b/i, reason: 'write "retries are exhausted" or "retry until"' },
  { pattern: /\bmend(s|ed|ing)?\b/i, reason: 'write "fix"' },
  { pattern: /\bstrangers?\b/i, reason: 'write "unknown user"' },
  { pattern: /\be-mails?\b/i, reason: 'write "email"', except: /'e-mails':/ },
  { pattern: /\d %(?!\w)/, reason: 'write "48%", without a space' },
  { pattern: /\bhousekeeping\b/i, reason: 'write "maintenance"' },
  { pattern: /\b(silent|quiet) workers?\b/i, reason: 'write "expired lease"' },
  {
    pattern:
      /\b(behaviour|colour|honour|favour|neighbour|licence|centre|initialis\w*|serialis\w*|materialis\w*|normalis\w*|optimis\w*|recognis\w*|organis\w*|summaris\w*|analys(e|ed|es|ing))\b/i,
    reason: 'US spelling',
  },
  { pattern: /\b(it|this|that) is for \w+ to say\b/i, reason: 'say which part decides' },
];

/** Files whose words are checked, by kind. */
const CHECKED =
  /^(src|packages|docs|scripts|bench|demo|examples|test)\/.*\.(ts|tsx|mjs|cjs|sql|md|css|ya?ml)$|^[A-Z]+\.md$|^\.dependency-cruiser\.cjs$/;
const SELF = 'scripts/check-words.mjs';

const args = process.argv.slice(2);
const rootAt = args.indexOf('--root');
const root = rootAt < 0 ? dirname(dirname(fileURLToPath(import.meta.url))) : args.splice(rootAt, 2)[1];
const files = listFiles().filter((file) => CHECKED.test(file) && file !== SELF);

let found = 0;
for (const file of files) {
  let text;
  try {
    text = readFileSync(join(root, file), 'utf8');
  } catch {
    continue; // Deleted in the working tree.
  }
  const lines = text.split('\n');
  lines.forEach((line, index) => {
    for (const { pattern, reason, except } of WORDS) {
      const match = pattern.exec(line);
      if (match && !except?.test(line)) report(file, index, match[0], reason);
    }
    const opening = openingOf(lines, index, file);
    const match = opening === undefined ? null : OPENINGS.pattern.exec(opening);
    if (match) report(file, index, match[0], OPENINGS.reason);
  });
}
if (found > 0) {
  console.log(`${found} words to change: see the reasons above, and scripts/check-words.mjs for the list.`);
  process.exitCode = 1;
}

/** Lists the files of the checkout; of a copy without git, all files outside node_modules and dist. */
function listFiles() {
  try {
    const options = ['ls-files', '--cached', '--others', '--exclude-standard', ...args];
    return execFileSync('git', options, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(
      '\n',
    );
  } catch {
    const all = readdirSync(root, { recursive: true, encoding: 'utf8' });
    return all.filter((file) => !/(^|\/)(node_modules|dist|\.git)\//.test(file));
  }
}

/** Returns the text of a comment that begins on this line of code, or undefined. */
function openingOf(lines, index, file) {
  const line = lines[index];
  if (/\.(md|css)$/.test(file)) return undefined;
  const marker = file.endsWith('.sql') ? '--' : /\.ya?ml$/.test(file) ? '#' : '//';
  const block = /^\s*\/\*\*?\s+(\S.*)$/.exec(line);
  if (block) return block[1];
  if (/^\s*\/\*\*\s*$/.test(line)) return /^\s*\*\s*(.*)$/.exec(lines[index + 1] ?? '')?.[1];
  const text = line.trim();
  if (!text.startsWith(`${marker} `) || (lines[index - 1] ?? '').trim().startsWith(marker)) return undefined;
  return text.slice(marker.length + 1);
}

function report(file, index, word, reason) {
  found++;
  console.log(`${file}:${index + 1}: "${word}": ${reason}`);
}
