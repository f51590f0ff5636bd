import type { Command } from 'commander';
import { checkCatalogFolder } from '../../catalog/check-folder.ts';
import { CatalogError } from '../../errors.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { toCaseReport } from '../../simulate/cases/case-report.ts';
import type { CaseResult } from '../../simulate/cases/run-case.ts';
import { CASES_FILE, runCases } from '../../simulate/cases/run-cases.ts';
import { escapeTerminal } from '../output/escape-terminal.ts';
import { formatCaseReport } from '../output/format-case-report.ts';
import { formatProblems } from '../output/format-problems.ts';
import { FOLDER_ARGUMENT, resolveCatalogFolder } from './catalog-folder.ts';

/** With more cases, progress is shown on a terminal. */
const MIN_CASES_FOR_PROGRESS = 200;
const CASES_PER_PROGRESS = 50;

/** Adds the command `test [DIR]`. */
export function addTestCommand(program: Command): void {
  program
    .command('test')
    .description(`Run the cases of a catalog (${CASES_FILE}) in a virtual clock`)
    .argument('[dir]', FOLDER_ARGUMENT)
    .option('--json', 'print one line of JSON')
    .action(async (dir: string | undefined, { json: asJson = false }: { json?: boolean }) => {
      const folder = resolveCatalogFolder(dir);
      try {
        const { data, problems, files } = await checkCatalogFolder(folder);
        if (!data) throw new CatalogError(problems.filter(({ severity }) => severity === 'error'));
        printResults(runWithProgress(data, getCases(files.get(CASES_FILE), folder), asJson), asJson);
      } catch (error) {
        if (!(error instanceof CatalogError)) throw error;
        printProblems(error, asJson);
      }
    });
}

function getCases(text: string | undefined, folder: string): string {
  if (text !== undefined) return text;
  const message = `there is no ${CASES_FILE} in ${folder}`;
  const hint = 'cases: [{ name: …, events: […], expect: […] }]';
  throw new CatalogError([{ file: CASES_FILE, line: 1, column: 1, message, hint }]);
}

function runWithProgress(data: CatalogData, cases: string, asJson: boolean): CaseResult[] {
  const isLive = !asJson && process.stderr.isTTY;
  let isShown = false;
  const results = runCases(
    data,
    cases,
    () => performance.now(),
    (done, total) => {
      if (!isLive || total <= MIN_CASES_FOR_PROGRESS || done % CASES_PER_PROGRESS !== 0) return;
      process.stderr.write(`\r${done} of ${total}`);
      isShown = true;
    },
  );
  if (isShown) process.stderr.write('\r\x1b[K');
  return results;
}

function printResults(results: readonly CaseResult[], asJson: boolean): void {
  const report = toCaseReport(results);
  if (!report.ok) process.exitCode = 1;
  console.log(asJson ? JSON.stringify(report) : formatCaseReport(report));
}

function printProblems({ problems }: CatalogError, asJson: boolean): void {
  process.exitCode = 1;
  if (asJson) console.log(JSON.stringify({ ok: false, problems }));
  else for (const line of formatProblems(problems)) console.error(escapeTerminal(line));
}
