import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureFolderInstalled } from '../../scripts/install.mjs';
import { filesOf, ROOMS, type Room } from './rooms.ts';
import type { Survivor } from './survivors.ts';
import { withValidTypes } from './types.ts';

const HERE = 'test/mutation';

export interface CodeOptions {
  /** Only files whose path contains one of these; empty: all. */
  readonly words: readonly string[];
  /** Test processes at a time. */
  readonly jobs: number;
  /** Forgets the results of earlier runs. */
  readonly fresh: boolean;
  /** Folder of results and copies of the code, relative to the root. */
  readonly folder: string;
}

export interface CodeResult {
  /** Files that were mutated. */
  readonly files: readonly string[];
  readonly mutants: number;
  readonly survivors: readonly Survivor[];
}

/** Mutates the rooms one after the other. Throws when Stryker itself fails, for example because a test fails unmutated. */
export async function mutateCode(options: CodeOptions): Promise<CodeResult> {
  const rooms = ROOMS.map((room) => ({ room, files: filesOf(room, options.words) })).filter(
    ({ files }) => files.length > 0,
  );
  // Stryker has a package.json of its own, so that only those who mutate install it.
  if (rooms.length > 0 && !(await ensureFolderInstalled(HERE))) throw new Error('Stryker could not be installed.');
  const results: CodeResult[] = [];
  for (const { room, files } of rooms) results.push(await mutateRoom(room, files, options));
  return {
    files: results.flatMap(({ files }) => files),
    mutants: results.reduce((sum, { mutants }) => sum + mutants, 0),
    survivors: results.flatMap(({ survivors }) => survivors),
  };
}

async function mutateRoom(room: Room, files: readonly string[], options: CodeOptions): Promise<CodeResult> {
  const name = room.name.replaceAll(' ', '-');
  const path = (end: string) => join(options.folder, `${name}.${end}`);
  console.log(`\nRoom ${room.name}: ${files.length} ${files.length === 1 ? 'file' : 'files'}`);
  mkdirSync(options.folder, { recursive: true });
  if (options.fresh) rmSync(path('incremental.json'), { force: true });
  const config = {
    testRunner: 'vitest',
    vitest: { configFile: `${HERE}/vitest.config.ts` },
    coverageAnalysis: 'perTest',
    mutate: files,
    incremental: true,
    incrementalFile: path('incremental.json'),
    concurrency: options.jobs,
    timeoutMS: 10_000,
    reporters: ['progress', 'json'],
    jsonReporter: { fileName: path('report.json') },
    tempDirName: join(options.folder, 'sandbox'),
    ignorePatterns: [`/${options.folder}`, '/dist', '/bench', '/packages', '.tidings'],
    // Stryker reads tsconfig.json with a programming interface that TypeScript 7 does not have. Nothing here needs it.
    tsconfigFile: 'none',
    allowEmpty: false,
    logLevel: 'warn',
  };
  writeFileSync(path('stryker.json'), JSON.stringify(config, null, 2));
  const code = await run(join(HERE, 'node_modules', '.bin', 'stryker'), ['run', path('stryker.json')], {
    MUTATION_TESTS: room.tests.join(','),
    TEST_DATABASE_URL: '',
  });
  if (code !== 0) throw new Error(`Stryker failed in room ${room.name} (${code}): see above.`);
  const { mutants, survivors: all } = readReport(path('report.json'), files);
  const survivors = await withValidTypes(all, join(options.folder, 'types'));
  console.log(
    `Room ${room.name}: ${mutants} mutants, ${survivors.length} survived, ${all.length - survivors.length} more have wrong types`,
  );
  return { files, mutants, survivors };
}

/** The part of the report that is read; see mutation-testing-report-schema. */
interface Report {
  readonly files: {
    readonly [file: string]: {
      readonly source: string;
      readonly mutants: readonly {
        readonly status: string;
        readonly replacement: string;
        readonly location: { readonly start: Position; readonly end: Position };
      }[];
    };
  };
}

/** Both from 1; `column` of the end is exclusive. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** @param files the report also holds files of earlier runs */
function readReport(path: string, files: readonly string[]): { mutants: number; survivors: Survivor[] } {
  const report: Report = JSON.parse(readFileSync(path, 'utf8'));
  const survivors: Survivor[] = [];
  let count = 0;
  for (const file of files) {
    const { source, mutants } = report.files[file] ?? { source: '', mutants: [] };
    const lines = source.split('\n');
    for (const { status, replacement, location } of mutants) {
      count++;
      if (status !== 'Survived' && status !== 'NoCoverage') continue;
      survivors.push({
        file,
        lineNumber: location.start.line,
        line: (lines[location.start.line - 1] ?? '').trim(),
        code: textBetween(lines, location.start, location.end),
        becomes: replacement,
        mutated:
          textBetween(lines, START, location.start) + replacement + textBetween(lines, location.end, endOf(lines)),
      });
    }
  }
  const inOrder = survivors.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.lineNumber - b.lineNumber));
  return { mutants: count, survivors: inOrder };
}

const START: Position = { line: 1, column: 1 };

function endOf(lines: readonly string[]): Position {
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

function textBetween(lines: readonly string[], start: Position, end: Position): string {
  const whole = lines.slice(start.line - 1, end.line);
  whole[whole.length - 1] = whole.at(-1)?.slice(0, end.column - 1) ?? '';
  whole[0] = whole[0]?.slice(start.column - 1) ?? '';
  return whole.join('\n');
}

function run(command: string, args: readonly string[], env: { readonly [name: string]: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: 'inherit',
      env: { ...process.env, ...env },
      shell: process.platform === 'win32',
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
