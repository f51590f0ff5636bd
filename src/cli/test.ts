import type { Command } from 'commander';
import { CatalogError } from '../errors.ts';
import { type Case, parseCases } from '../simulate/cases.ts';
import { type CaseResult, rulesFor, runCase } from '../simulate/run-case.ts';
import { checkFolder, counted, folderOf } from './check.ts';
import { escapeLines, escapeTerminal } from './escape-terminal.ts';
import { problemLines } from './problems.ts';

const FILE = 'cases.yaml';
/** With more than these, only those that fail are named. */
const MANY = 200;

/** `test [DIR]`: does the catalog do what its cases say? */
export function testCommand(program: Command): void {
  program
    .command('test')
    .description(`Play the cases beside a catalog (${FILE}) in a virtual clock`)
    .argument('[dir]', 'the folder of the catalog (TIDINGS_CATALOG, or this one)')
    .option('--json', 'answer as one line of JSON')
    .action(async (dir: string | undefined, options: { json?: boolean }) => {
      const { data, problems, source } = await checkFolder(dir);
      const errors = problems.filter(({ severity }) => severity === 'error');
      if (!data) return refuse(errors, options.json);
      const text = source.get(FILE);
      if (text === undefined) {
        const message = `there is no ${FILE} in ${folderOf(dir)}`;
        return refuse([
          { file: FILE, line: 1, column: 1, message, hint: 'cases: [{ name: …, events: […], expect: […] }]' },
        ]);
      }
      let cases: readonly Case[];
      try {
        cases = parseCases(FILE, text, data);
      } catch (error) {
        if (!(error instanceof CatalogError)) throw error;
        return refuse(error.problems, options.json);
      }
      const rules = rulesFor(data);
      const isLive = !options.json && process.stderr.isTTY && cases.length > MANY;
      const results = cases.map((one, index) => {
        const result = runCase(rules, one, () => performance.now());
        if (isLive && index % 50 === 0) process.stderr.write(`\r${index} of ${cases.length}`);
        return result;
      });
      if (isLive) process.stderr.write('\r\x1b[K');
      report(results, options.json ?? false);
    });
}

function refuse(problems: CatalogError['problems'], asJson = false): void {
  process.exitCode = 1;
  if (asJson) console.log(JSON.stringify({ ok: false, problems }));
  else for (const line of problemLines(problems)) console.error(escapeTerminal(line));
}

function report(results: readonly CaseResult[], asJson: boolean): void {
  const failed = results.filter(({ passed }) => !passed);
  const ms = results.reduce((sum, one) => sum + one.ms, 0);
  if (failed.length > 0) process.exitCode = 1;
  if (asJson) {
    const passed = results.length - failed.length;
    console.log(
      JSON.stringify({ ok: failed.length === 0, passed, failed: failed.length, ms: rounded(ms), cases: results }),
    );
    return;
  }
  const named = results.length > MANY ? failed : results;
  for (const { name, passed, ms } of named)
    console.log(`${passed ? '✓' : '✗'} ${escapeTerminal(name)} (${rounded(ms)} ms)`);
  for (const one of failed) console.log(failureText(one));
  const took = `in ${rounded(ms)} ms`;
  const all = counted(results.length, 'case');
  console.log(failed.length === 0 ? `\n${all} passed ${took}` : `\n${failed.length} of ${all} failed ${took}`);
}

function failureText({ name, line, failures, timeline }: CaseResult): string {
  const lines = ['', `✗ ${name} (${FILE}:${line})`];
  for (const { line, message, closest, evidence } of failures) {
    lines.push(`  ${FILE}:${line}: ${message}`);
    if (closest) lines.push(`    closest: ${closest}`);
    lines.push(...evidence.map((text) => `      ${text}`));
  }
  lines.push('  What happened:', ...timeline.map((text) => `    ${text}`));
  return escapeLines(lines);
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
