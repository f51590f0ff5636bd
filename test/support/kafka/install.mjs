// Installs what the tests of Kafka need beside npm packages: the jars of a broker, by Maven, and a Node.js that the client runs on.
// Nothing is installed twice. `node test/support/kafka/install.mjs` installs both, and fails if it cannot.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE = '22.23.3';
const BROKER = '4.3.1';
const HERE = fileURLToPath(new URL('.', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/tidings-kafka/', import.meta.url));

/** Returns the class path of a broker; undefined: there is no Java or no Maven, or it cannot be downloaded. */
export function ensureBroker() {
  const jars = join(CACHE, `jars-${BROKER}`);
  if (!isThere('java', '-version')) return undefined;
  if (
    !existsSync(jars) &&
    !(
      isThere('mvn', '-v') &&
      install(
        jars,
        (folder) => {
          run('mvn', [
            '-q',
            '-B',
            '-f',
            join(HERE, 'pom.xml'),
            'dependency:copy-dependencies',
            `-DoutputDirectory=${folder}`,
          ]);
        },
        `Apache Kafka ${BROKER} by Maven`,
      )
    )
  )
    return undefined;
  return `${jars}/*`;
}

/** Returns the path of a Node.js that runs the client: this one, or one from npm. Undefined: it cannot be installed. */
export function ensureNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 22)) return process.execPath;
  const folder = join(CACHE, `node-${NODE}`);
  const done =
    existsSync(folder) ||
    install(
      folder,
      (made) => {
        writeFileSync(join(made, 'package.json'), '{ "private": true }');
        run('npm', [
          'install',
          '--prefix',
          made,
          '--no-audit',
          '--no-fund',
          '--ignore-scripts',
          `node-${process.platform}-${process.arch}@${NODE}`,
        ]);
      },
      `Node.js ${NODE} for the client of Kafka`,
    );
  return done ? join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node') : undefined;
}

/** Makes a folder whole or not at all, and says so where it has a name. Returns whether it is there. */
function install(folder, fill, name) {
  if (name) console.error(`Installing ${name} (once)…`);
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(join(CACHE, 'draft-'));
  try {
    fill(draft);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) {
      console.error(`${folder} could not be installed: ${error.message}`);
      return false;
    }
  }
  return true;
}

function isThere(program, argument) {
  try {
    execFileSync(program, [argument], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function run(program, args) {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 });
}

/** Copies a folder that was made once. */
export function copyFolder(name, to, make) {
  const from = join(CACHE, name);
  if (!existsSync(from)) install(from, make);
  cpSync(from, to, { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [broker, node] = [ensureBroker(), ensureNode()];
  console.log(`broker: ${broker ?? 'none'}\nnode: ${node ?? 'none'}`);
  process.exitCode = broker && node ? 0 : 1;
}
