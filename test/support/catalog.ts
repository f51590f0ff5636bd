import type { CatalogFiles } from '../../src/catalog/catalog-files.ts';
import { compileRuleSet } from '../../src/catalog/compile/compile-rule-set.ts';
import { type LintResult, lintCatalog } from '../../src/catalog/lint/lint-catalog.ts';
import { loadCatalogFiles } from '../../src/catalog/load/load-catalog-files.ts';
import { validateCatalogFiles } from '../../src/catalog/load-valid-catalog.ts';
import { parseCatalogFiles } from '../../src/catalog/parse/parse-catalog-files.ts';
import { compileSchemas } from '../../src/catalog/schemas/validate-event.ts';
import { CatalogError, type CatalogProblem } from '../../src/errors.ts';
import type { CatalogData } from '../../src/model/catalog.ts';

/** Catalogs given as YAML text, and what the parser and the linter report about them. */

/** Texts by path, relative to the catalog folder. */
export type Files = CatalogFiles;

/** Changes to the files of a catalog; null removes a file. */
export type FileChanges = Readonly<Record<string, string | null>>;

export type Catalog = CatalogData;

export type Mistake = CatalogProblem;

export type EventCheck = ReturnType<typeof compileSchemas>;
export type EventProperties = Parameters<EventCheck>[1];

/** A small valid catalog; a test changes one part of it. */
export const SMALL_CATALOG: { readonly [file: string]: string } = {
  'events.yaml': `traits:
  marketing_opt_in: boolean
events:
  signup_completed: {}
  payment_failed:
    properties: { amount: number, attempt_number: integer, failure_reason: string }
  payment_refused:
    properties: { amount: number, code: string }
`,
  'notifications.yaml': `notifications:
  WELCOME: { category: MARKETING, channels: [sms] }
  ALERT: { category: SECURITY, channels: [internal] }
`,
  'rules.yaml': `rules:
  WELCOME:
    on: signup_completed
    limit: once
`,
  'templates/WELCOME/sms.en.txt': 'Hello {{traits.first_name}}\n',
};

/** Returns the small catalog with changed files. */
export function changeSmallCatalog(changes: FileChanges): Map<string, string> {
  const files = new Map(Object.entries(SMALL_CATALOG));
  for (const [file, text] of Object.entries(changes)) {
    if (text === null) files.delete(file);
    else files.set(file, text);
  }
  return files;
}

/** Returns the files of a catalog folder. */
export async function loadFiles(folder: string): Promise<Map<string, string>> {
  return new Map(await loadCatalogFiles(folder));
}

/** Returns the files of a folder of examples/. */
export async function loadExample(name: string): Promise<Map<string, string>> {
  return loadFiles(new URL(`../../examples/${name}`, import.meta.url).pathname);
}

/** Returns the parsed catalog. Throws a CatalogError for a catalog with mistakes. */
export function parseCatalog(files: Files): Promise<CatalogData> {
  return validateCatalogFiles(files);
}

/** Parses and lints: `problems` holds errors and warnings; `data` is undefined if there are errors. */
export async function lintFiles(files: Files): Promise<LintResult> {
  return lintCatalog(await parseCatalogFiles(files));
}

/** Parses the catalog and compiles its rules, as a process does before it uses them. */
export async function compileFiles(files: Files): Promise<void> {
  compileRuleSet(1, await parseCatalog(files));
}

/** Returns the check of the schemas in these files. */
export async function compileEventCheck(files: Files): Promise<EventCheck> {
  return compileSchemas(await parseCatalog(files));
}

/** Returns the mistakes of a catalog, ordered by file and place; an empty list for a valid one. */
export async function listMistakes(files: Files): Promise<readonly Mistake[]> {
  try {
    await parseCatalog(files);
    return [];
  } catch (error) {
    if (error instanceof CatalogError) return error.problems;
    throw error;
  }
}

/** Returns the mistakes as `file:line:column: message (hint)`. */
export async function formatMistakes(files: Files): Promise<string[]> {
  const problems = await listMistakes(files);
  return problems.map((p) => `${p.file}:${p.line}:${p.column}: ${p.message}${p.hint ? ` (${p.hint})` : ''}`);
}
