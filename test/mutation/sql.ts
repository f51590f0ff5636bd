import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { startEmbedded } from '../../src/embedded/embedded.ts';

const TABLE = 'test/mutation/sql-mutants.yaml';

/** The mutants of one file, as the table lists them. */
interface Group {
  readonly file: string;
  /** Test files beside the statements; at least one test must fail. */
  readonly tests: readonly string[];
  readonly mutants: readonly {
    /** The behavior that the change breaks. */
    readonly breaks: string;
    /** Text that occurs once in the file, whatever its white space. */
    readonly from: string;
    readonly to: string;
  }[];
}

/** A change to a statement. Stryker cannot make it: a statement is mere text to it. */
export type SqlMutant = Pick<Group, 'file' | 'tests'> & Group['mutants'][number];

export interface SqlResult {
  readonly mutants: number;
  readonly survivors: readonly (SqlMutant & { readonly lineNumber: number })[];
}

/** Returns the table. Throws, naming all of them, if mutants no longer fit the code. */
export function readSqlMutants(): SqlMutant[] {
  const groups: readonly Group[] = parse(readFileSync(TABLE, 'utf8'));
  const mutants = groups.flatMap(({ mutants, ...group }) => mutants.map((mutant) => ({ ...group, ...mutant })));
  const problems = mutants.flatMap((mutant) => {
    const missing = [mutant.file, ...mutant.tests].filter((file) => !existsSync(file));
    if (missing.length > 0) return missing.map((file) => `"${mutant.breaks}": ${file} does not exist`);
    const found = findAll(mutant);
    if (found.length === 1) return [];
    return [`"${mutant.breaks}" no longer matches its source: its text occurs ${found.length} times in ${mutant.file}`];
  });
  if (problems.length > 0) throw new Error(`${TABLE} must follow the code:\n  ${problems.join('\n  ')}`);
  return mutants;
}

/**
 * Applies one mutant after the other to a copy of the checkout and runs its tests.
 * @param words only mutants of files whose path contains one of these; empty: all
 * @param folder for the copy, relative to the root
 */
export async function mutateSql(words: readonly string[], folder: string): Promise<SqlResult> {
  const chosen = readSqlMutants().filter(({ file }) => words.length === 0 || words.some((word) => file.includes(word)));
  const survivors: SqlResult['survivors'][number][] = [];
  if (chosen.length === 0) return { mutants: 0, survivors };
  console.log(`\nState transitions in SQL: ${chosen.length} mutants`);
  const copy = copyCheckout(resolve(folder, 'sql'));
  const dataDir = mkdtempSync(join(tmpdir(), 'tidings-mutation-'));
  const server = await startEmbedded({ dataDir, settings: { fsync: 'off', full_page_writes: 'off' } });
  const cleanUp = async () => {
    await server.stop();
    for (const path of [dataDir, copy]) rmSync(path, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => cleanUp().then(() => process.exit(1)));
  try {
    const unmutated = await runTests(copy, server.url, [...new Set(chosen.flatMap(({ tests }) => tests))]);
    if (unmutated.code !== 0) throw new Error(`The tests fail without a mutant:\n${unmutated.output}`);
    for (const mutant of chosen) {
      const [match] = findAll(mutant) as [RegExpMatchArray];
      const lineNumber = match.input!.slice(0, match.index).split('\n').length;
      const text = match.input!.slice(0, match.index) + mutant.to + match.input!.slice(match.index! + match[0].length);
      writeFileSync(join(copy, mutant.file), text);
      const { code, failed, output } = await runTests(copy, server.url, mutant.tests);
      writeFileSync(join(copy, mutant.file), match.input!);
      if (code !== 0 && (failed === 0 || output.includes('syntax error at or near'))) {
        throw new Error(`"${mutant.breaks}" is no working program:\n${output}`);
      }
      if (code === 0) survivors.push({ ...mutant, lineNumber });
      console.log(`  ${code === 0 ? '✗ SURVIVED' : '✓ killed'}  ${mutant.breaks}  (${mutant.file}:${lineNumber})`);
    }
  } finally {
    await cleanUp();
  }
  return { mutants: chosen.length, survivors };
}

function findAll({ file, from }: SqlMutant): RegExpMatchArray[] {
  const words = from.trim().split(/\s+/);
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('\\s+');
  return [...readFileSync(file, 'utf8').matchAll(new RegExp(pattern, 'g'))];
}

const LEFT_OUT = new Set(['node_modules', '.git', '.mutation', '.tidings', 'dist', 'bench', 'packages']);

function copyCheckout(to: string): string {
  rmSync(to, { recursive: true, force: true });
  for (const name of ['src', 'test', 'scripts', 'examples', 'package.json', 'tsconfig.json']) {
    cpSync(name, join(to, name), { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
  }
  symlinkSync(resolve('node_modules'), join(to, 'node_modules'), 'junction');
  return to;
}

interface TestRun {
  readonly code: number;
  /** Tests that failed; 0 if none could be run. */
  readonly failed: number;
  readonly output: string;
}

function runTests(cwd: string, databaseUrl: string, tests: readonly string[]): Promise<TestRun> {
  const report = join(cwd, 'report.json');
  rmSync(report, { force: true });
  const args = ['run', '--config', 'test/mutation/vitest.config.ts', '--bail', '1'];
  return new Promise((done, fail) => {
    const child = spawn(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', ...args, '--reporter=default', '--reporter=json', `--outputFile=${report}`],
      {
        cwd,
        env: { ...process.env, MUTATION_TESTS: tests.join(','), TEST_DATABASE_URL: databaseUrl },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
    child.on('error', fail);
    child.on('close', (code) => {
      const failed = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).numFailedTests : 0;
      done({ code: code ?? 1, failed, output: Buffer.concat(chunks).toString() });
    });
  });
}
