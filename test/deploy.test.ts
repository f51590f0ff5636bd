import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { validate } from 'dockerfile-utils';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { PROCESS_CONNECTIONS } from '../src/store/pg/connections.ts';

/**
 * The files in deploy/ are what their programs read, and name what exists. `npm run check-deploy` asks more validators, which are not
 * packages of npm.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('the Dockerfile has no fault, copies what exists, and does not run as root', () => {
  const text = read('deploy/Dockerfile');
  expect(validate(text).map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([]);
  const lines = text.split('\n');
  const copied = lines.flatMap((line) => /^COPY --from=build \/app\/(\S+) /.exec(line)?.[1] ?? []);
  expect(copied).toContain('dist');
  for (const path of copied.filter((one) => !one.endsWith('dist')))
    expect(existsSync(join(ROOT, path)), path).toBe(true);
  const packages = lines.flatMap((line) => /^COPY (packages\/\S+\/package\.json) /.exec(line)?.[1] ?? []);
  expect(packages.sort()).toEqual(readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}/package.json`));
  expect(lines.findLast((line) => line.startsWith('USER '))).toBe('USER 1000:1000');
  const bases = lines.flatMap((line) => /^FROM (\S+)/.exec(line)?.[1] ?? []);
  expect(bases.every((base) => /^node:22\.\d+\.\d+-bookworm-slim$/.test(base))).toBe(true);
  expect(text).toMatch(/^HEALTHCHECK .*deploy\/healthcheck\.mjs/m);
});

test('the package of npm has what the image has, and no sources', () => {
  const copied = [...read('deploy/Dockerfile').matchAll(/^COPY --from=build \/app\/(\S+) /gm)].map(([, path]) => path);
  const { files } = JSON.parse(read('package.json'));
  const ofImageAlone = ['package.json', 'deploy/healthcheck.mjs'];
  expect([...files].sort()).toEqual(['bin', ...copied.filter((path) => !ofImageAlone.includes(path ?? ''))].sort());
  expect(read('bin/tidings.mjs')).not.toMatch(/^import .*scripts/m);
});

test('compose.yaml has two API processes and two workers, and its variables are those of Tidings', () => {
  const compose = parse(read('deploy/compose.yaml'), { merge: true });
  const { api, workers, migrate, postgres, kafka } = compose.services;
  expect([api.deploy.replicas, workers.deploy.replicas]).toEqual([2, 2]);
  expect(kafka.profiles).toEqual(['kafka']);
  expect(migrate.depends_on.postgres.condition).toBe('service_healthy');
  expect(postgres.healthcheck.test.join(' ')).toContain('pg_isready');
  const known = `${read('docs/operations.md')}${read('docs/metrics.md')}`;
  for (const name of Object.keys(api.environment)) expect(known, `${name} is not documented`).toContain(name);
});

test('the units of systemd are valid, and start a command that exists', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-units-'));
  try {
    const names = readdirSync(join(ROOT, 'deploy', 'systemd'));
    expect(names).toEqual(['tidings-api.service', 'tidings-workers@.service']);
    for (const name of names) {
      const text = read(`deploy/systemd/${name}`);
      expect(text).toMatch(/^ExecStart=\/usr\/bin\/node .* dist\/tidings\.mjs (api|workers --health-port %i)$/m);
      expect(text).toMatch(/^User=tidings$/m);
      writeFileSync(join(folder, name.replace('@', '@8001')), text.replace('/usr/bin/node', process.execPath));
    }
    if (!existsSync('/usr/bin/systemd-analyze')) return;
    const units = readdirSync(folder).map((name) => join(folder, name));
    expect(execFileSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the values of the chart fit their schema, and each one is used', () => {
  const chart = 'deploy/helm/tidings';
  const values = parse(read(`${chart}/values.yaml`));
  const fits = new Ajv({ strict: false }).compile(
    JSON.parse(read(`${chart}/values.schema.json`).replace('https://json-schema', 'http://json-schema')),
  );
  expect(fits(values), JSON.stringify(fits.errors)).toBe(true);
  expect(fits({ ...values, replicas: 3 })).toBe(false);
  const { version } = JSON.parse(read('package.json'));
  expect(parse(read(`${chart}/Chart.yaml`))).toMatchObject({ version, appVersion: version });
  const templates = readdirSync(join(ROOT, chart, 'templates'))
    .map((name) => read(`${chart}/templates/${name}`))
    .join('\n');
  for (const name of Object.keys(values)) {
    expect(templates).toMatch(new RegExp(`Values\\.${name}\\b|"${name}"|index \\$root\\.Values`));
  }
});

interface Size {
  readonly api: number;
  readonly workers: number;
  readonly connections: number;
  readonly gigabytes: number;
  readonly eventsPerSecond: number;
  readonly postgresCores: number;
}

test('the calculator of sizes grows with the load, and its figures are those of docs/sizing.md', async () => {
  const page = read('docs/sizing.html');
  expect(page).not.toMatch(/(src|href)="https?:/);
  const figures = JSON.parse(/id="figures">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '') as { [name: string]: number };
  const script = /<script type="module">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '';
  const { size } = (await import(`data:text/javascript,${encodeURIComponent(script)}`)) as {
    size(load: object, figures: object): Size;
  };
  const ids = [...page.matchAll(/<(?:input|select) id="(\w+)"/g)].map(([, id = '']) => id);
  const load = {
    ...Object.fromEntries(ids.map((id) => [id, 1])),
    ...{ eventsPerDay: 86_400 * 1000, perRequest: 100, messagesPerEvent: 0.3, sendMillis: 150, eventBytes: 307 },
  };
  const small = size(load, figures);
  expect(small.eventsPerSecond).toBeCloseTo(1000);
  expect(small).toMatchObject({
    api: 2,
    workers: 2,
    postgresCores: 2,
    connections: 4 * (figures.connectionsPerProcess ?? 0),
  });
  const large = size({ ...load, peak: 20 }, figures);
  expect(large.api).toBeGreaterThan(small.api);
  expect(large.workers).toBeGreaterThan(small.workers);
  expect(large.gigabytes).toBeCloseTo(small.gigabytes);
  expect(size({ ...load, months: 12 }, figures).gigabytes).toBeGreaterThan(5 * small.gigabytes);
  expect(size({ ...load, perRequest: 1 }, figures).api).toBeGreaterThanOrEqual(small.api);
  const ofTopics = { ...load, peak: 20, messagesPerEvent: 0, topicPercent: 100, writtenPerEvent: 2 };
  expect(size(ofTopics, figures)).toMatchObject({ api: 2, workers: 5, partitions: 5 });
  expect(size({ ...load, topicPercent: 0, writtenPerEvent: 0 }, figures)).toMatchObject({
    partitions: 0,
    walPerDay: 0,
  });
  const rows = [...read('docs/sizing.md').matchAll(/^\| `(\w+)` \| ([\d.]+) \|/gm)].map(([, name, value]) => [
    name,
    Number(value),
  ]);
  expect(Object.fromEntries(rows)).toEqual(figures);
  expect(figures.connectionsPerProcess).toBe(PROCESS_CONNECTIONS);
});
