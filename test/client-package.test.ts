import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeBlocks } from './support/markdown.ts';
import { testPackages } from './support/packages.ts';

/** The package `@tidings/client` as it would be published, installed in the folder of a program that uses it. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLIENT = join(ROOT, 'packages', 'client');
/** Bytes that a web page downloads for the whole client with the marketplace façade, compressed. */
const MAX_BUNDLE_BYTES = 11 * 1024;

const run = promisify(execFile);
const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name);

const checks = await testPackages('published');

let folder: string;
let tarball: string;
let files: string[];
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-client-'));
  // Builds it first.
  const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], { cwd: CLIENT });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string; files: { path: string }[] }];
  tarball = join(folder, packed.filename);
  files = packed.files.map(({ path }) => path);
  installed = join(folder, 'node_modules', '@tidings', 'client');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('has what was built and no dependency', async () => {
  expect(files.filter((path) => !/^dist\/.+\.(js|d\.ts)$/.test(path))).toEqual(['package.json']);
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  expect(Object.keys(manifest)).not.toContain('dependencies');
  expect(Object.keys(manifest)).not.toContain('peerDependencies');
});

test.runIf(checks)('publint and arethetypeswrong find nothing', async () => {
  const published = await run(checks!.bin('publint'), [installed, '--strict', '--pack', 'false']);
  expect(published.stdout).toContain('All good!');
  // CommonJS reaches ES modules by import() alone. The command fails for whatever else is wrong.
  const { stdout } = await run(checks!.bin('attw'), [tarball, '--profile', 'esm-only', '--format', 'json']);
  expect(JSON.parse(stdout).analysis.types).toEqual({ kind: 'included' });
});

test('types check in the strictest program, with those of a browser and of Node.js, and in the samples of docs/client.md', async () => {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'program.ts'), PROGRAM);
  const page = await readFile(join(ROOT, 'docs', 'client.md'), 'utf8');
  const blocks = codeBlocks(page).filter(({ language }) => language === 'ts');
  expect(blocks.length).toBeGreaterThan(5);
  const samples = blocks.map(({ text }, index) => [`sample${index}.ts`, completeSample(text)] as const);
  for (const [name, text] of samples) await writeFile(join(folder, name), text);
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target'];
  const nodeTypes = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')];
  const check = (...more: string[]) =>
    run(bin('tsc'), [...options, 'es2022', '--module', 'nodenext', ...more], { cwd: folder }).catch(
      ({ stdout }: { stdout: string }) => ({ stdout }),
    );
  const outcomes = await Promise.all([
    check('--lib', 'es2022,dom,dom.iterable', '--types', '', 'program.ts'),
    check('--lib', 'es2022', '--skipLibCheck', ...nodeTypes, 'program.ts', ...samples.map(([name]) => name)),
  ]);
  expect(outcomes.map(({ stdout }) => stdout)).toEqual(['', '']);
});

/** Returns a sample as a module of its own: samples use the client that the first one makes. */
function completeSample(text: string): string {
  const client = `declare const tidings: import('@tidings/client').Tidings;\n`;
  return `${text.includes('const tidings =') ? '' : client}${text}\nexport {};\n`;
}

const PROGRAM = `
import { etagOf, Tidings, TidingsApiError } from '@tidings/client';
import { DomainEvents, NotificationChannel, OnEvent, type DomainEvent } from '@tidings/client/marketplace';
import type { Delivery } from '@tidings/client/types';

declare const key: string | undefined;
const tidings = new Tidings({ baseUrl: 'https://tidings.example.com', apiKey: key });
const { accepted }: { accepted: number } = await tidings.events.send([
  { user_id: 'u', event_type: 'payment_failed', event_timestamp: new Date().toISOString(), properties: { amount: 5 } },
]);
const status: 'dead' | undefined = accepted > 1 ? 'dead' : undefined;
for await (const { delivery_id, channel } of tidings.deliveries.list({ status })) {
  const delivery: Delivery = await tidings.deliveries.retry(delivery_id, { signal: AbortSignal.timeout(1000) });
  if (channel === NotificationChannel.IN_APP) delivery.status satisfies string;
}
const ifMatch = etagOf(await tidings.catalog.get());
await tidings.catalog.apply({ files: { 'events.yaml': '' } }, { ifMatch }).catch((error: unknown) => {
  if (error instanceof TidingsApiError && error.code === 'outdated') error.errors[0]?.pointer satisfies string | undefined;
});
const events = new DomainEvents(tidings.events);
class Orders {
  @OnEvent('order.created')
  async handle(event: DomainEvent<{ userId: string }>) {
    await tidings.events.send(event);
  }
}
events.register(new Orders());
events.onEvent<{ userId: string }>('order.shipped', ({ data }) => data.userId);

interface Order { readonly total: number }
declare const properties: Order;
const event_timestamp = '2026-11-02T09:30:00Z';
await tidings.events.send({ user_id: 'u', event_type: 'ordered', event_timestamp, properties, tenant: 'own field' });
await tidings.events.send({ specversion: '1.0', id: '1', source: '/shop', type: 'ordered', data: properties });
// @ts-expect-error the timestamp is missing
await tidings.events.send({ user_id: 'u', event_type: 'x' });
// @ts-expect-error there is no such status
tidings.deliveries.list({ status: 'lost' });
// @ts-expect-error what to compare is missing
await tidings.catalog.diff({});
`;

test('fits into a page: a bundle for browsers is small, and uses nothing that only Node.js has', async () => {
  await writeFile(
    join(folder, 'page.js'),
    `export { Tidings } from '@tidings/client'; export * from '@tidings/client/marketplace';`,
  );
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'page.js')],
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'client',
  });
  const [code = ''] = outputFiles.map(({ text }) => text);
  expect(gzipSync(code).length).toBeLessThan(MAX_BUNDLE_BYTES);

  const page = {
    performance,
    Headers,
    URL,
    URLSearchParams,
    AbortController,
    Response,
    crypto,
    setTimeout,
    clearTimeout,
  };
  const program = `${code}
    const urls = [];
    const fetch = async (url) => { urls.push(url); return Response.json({ deliveries: [1], next: null }); };
    const tidings = new client.Tidings({ baseUrl: 'http://localhost', fetch });
    (async () => {
      for await (const one of tidings.deliveries.list({ limit: 1 })) urls.push(one);
      await tidings.events.send([]);
      return urls;
    })()`;
  expect(await runInNewContext(program, page)).toEqual([
    'http://localhost/api/v1/deliveries?limit=1',
    1,
    'http://localhost/api/v1/events',
  ]);
});

test('runs in Node.js as it is installed', async () => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end('{"status":"live"}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  await writeFile(
    join(folder, 'program.mjs'),
    `import { Tidings } from '@tidings/client';
     console.log(await new Tidings({ baseUrl: process.argv[2] }).health.live());`,
  );
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { stdout } = await run(process.execPath, ['program.mjs', url], { cwd: folder });
  server.close();
  expect(stdout).toBe("{ status: 'live' }\n");
});
