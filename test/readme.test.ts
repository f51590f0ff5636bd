import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildSampleEvent } from '../src/catalog/sample-event.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { loadFiles } from './support/catalog.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type CodeBlock, codeBlocks, commandsOf, missingFrom } from './support/markdown.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

const README = new URL('../README.md', import.meta.url);
const PACKAGE = new URL('../package.json', import.meta.url);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/** Whether the command ends by itself. */
function isAnswered(text: string): boolean {
  return /^npx tidings (check|test|simulate|backtest|apply|catalog|waits|explain)\b/.test(text);
}

const SAMPLE = `
\`\`\`bash
npm start   # a comment
# another
curl -X POST http://localhost:8000/api/v1/events \\
  -H "Content-Type: application/json" \\
  -d '[{"a":"it\\"s # no comment"}]'
\`\`\`
answers:
\`\`\`json
{ "accepted": 1, "results": [{ "status": "…" }] }
\`\`\`
`;

describe('the commands of a page', () => {
  test('blocks, and the commands in them', () => {
    const [bash, json] = codeBlocks(SAMPLE) as [CodeBlock, CodeBlock];
    expect([bash.language, json.language, json.line]).toEqual(['bash', 'json', 11]);
    expect(commandsOf(bash).map(({ text }) => text)).toEqual([
      'npm start',
      `curl -X POST http://localhost:8000/api/v1/events -H "Content-Type: application/json" -d '[{"a":"it\\"s # no comment"}]'`,
    ]);
  });

  test('a shown response is a part of the real one', () => {
    const real = { accepted: 1, results: [{ status: 'accepted', decisions: [{ rule: 'A' }, { rule: 'B' }] }] };
    expect(missingFrom({ accepted: 1, results: [{ status: '…' }] }, real)).toEqual([]);
    expect(missingFrom({ results: [{ decisions: [{ rule: 'B' }] }] }, real)).toEqual([]);
    expect(missingFrom({ accepted: 2, results: [{ state: '…' }] }, real)).toEqual([
      'accepted is 1, and 2 is shown',
      'results[0].state is missing',
    ]);
    expect(missingFrom({ at: 'between … and …' }, { at: 'between 1 and 2' })).toEqual([]);
    expect(missingFrom({ at: '…' }, { at: 3 })).toEqual(['at is 3, and "…" is shown']);
  });
});

describe.runIf(existsSync(README))('README.md', () => {
  const text = existsSync(README) ? readFileSync(README, 'utf8') : '';
  const blocks = codeBlocks(text);
  const commands = blocks.flatMap((block, index) =>
    block.language === 'bash'
      ? commandsOf(block).map((command, i, all) => ({
          ...command,
          // The JSON block after a bash block shows the response of its last command.
          shown: i === all.length - 1 && blocks[index + 1]?.language === 'json' ? blocks[index + 1] : undefined,
        }))
      : [],
  );
  const { scripts } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { scripts: { readonly [name: string]: string } };
  let tidings: TestTidings;
  let server: TestServer;

  beforeAll(async () => {
    tidings = await testTidings({ email: sandboxProvider(['email']), sms: sandboxProvider(['sms']) });
    server = await testServer(tidings);
    await tidings.worker();
  });

  afterAll(async () => {
    await server?.close();
    await tidings?.close();
  });

  test('shows the two commands and several requests', () => {
    const texts = commands.map(({ text }) => text);
    expect(texts).toEqual(expect.arrayContaining(['npm start', 'npm test']));
    // No address of a repository that may not be ours.
    expect(readFileSync(README, 'utf8')).not.toMatch(/github\.com\/tidings/);
    expect(commands.filter(({ text }) => text.startsWith('curl ')).length).toBeGreaterThanOrEqual(5);
  });

  test.each(commands.filter(({ text }) => text.startsWith('curl ')))('line $line: $text', async ({ text, shown }) => {
    // In the order of the page: later commands depend on earlier ones.
    const command = text.replaceAll(/http:\/\/(localhost|127\.0\.0\.1):8000/g, server.url);
    expect(command, 'a curl goes to http://localhost:8000').toContain(server.url);
    const curl = async (...options: string[]) =>
      (await run('bash', ['-c', command.replace(/^curl/, `curl --silent --max-time 20 ${options.join(' ')}`)])).stdout;
    if (!shown) {
      expect(await curl("--output /dev/null --write-out '%{http_code}'")).toMatch(/^2/);
      return;
    }
    const answer = () => curl();
    const expected = JSON.parse(shown.text) as unknown;
    // A worker may need a moment first.
    await expect.poll(async () => missingFrom(expected, JSON.parse(await answer())), { timeout: 10_000 }).toEqual([]);
  });

  test.each(commands.filter(({ text }) => isAnswered(text)))(
    'line $line: $text',
    { timeout: 60_000 },
    async ({ text }) => {
      const env = { ...process.env, TIDINGS_URL: server.url, DATABASE_URL: tidings.database.url };
      const [program, ...args] = [process.execPath, 'bin/tidings.mjs', ...text.split(/\s+/).slice(2)];
      const { stdout } = await run(program, args, { cwd: ROOT, env });
      expect(stdout.trim()).not.toBe('');
    },
  );

  // Last, because it replaces the catalog of the earlier commands.
  test('its own catalog is valid and sends its notification', async () => {
    const [files] = blocks.filter(({ language }) => language === 'sh');
    const folder = await mkdtemp(join(tmpdir(), 'tidings-readme-'));
    try {
      await run('bash', ['-euc', files?.text ?? 'false'], { cwd: folder });
      const catalog = join(folder, 'my-catalog');
      const { stdout } = await run(process.execPath, ['bin/tidings.mjs', 'check', catalog], { cwd: ROOT });
      expect(stdout).toBe('No problems found.\n');
      await tidings.apply(await loadFiles(catalog));
      const { event, notification } = buildSampleEvent((await tidings.catalogs.getActive(TENANT)).data) as NonNullable<
        ReturnType<typeof buildSampleEvent>
      >;
      const results = await tidings.pipeline.ingest(TENANT, [event]);
      expect(results).toMatchObject([{ decisions: [{ notification_type: notification, outcome: 'send' }] }]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('names only npm scripts and commands that exist', () => {
    const unknown = commands.filter(({ text }) => {
      const [program, first = '', second = ''] = text.replace(/^([A-Z_]+=\S+\s+)+/, '').split(/\s+/);
      if (program === 'npm' && first === 'run') return !(second in scripts);
      if (program === 'npm') return !['start', 'test', 'install', 'ci'].includes(first);
      if (program === 'npx')
        return (
          first !== 'tidings' || !(isAnswered(`npx tidings ${second}`) || ['start', 'api', 'workers'].includes(second))
        );
      return !['curl', 'git', 'cd', 'openssl'].includes(program ?? '');
    });
    expect(unknown).toEqual([]);
  });
});
