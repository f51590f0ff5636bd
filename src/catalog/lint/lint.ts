/**
 * What a catalog that can be read may still mean badly: branches that nobody reaches, limits that never bind, waits that
 * never end, rules that trigger themselves, what nobody uses, and fields of templates that nobody declares. Only what can be
 * proved is told.
 */
import { CatalogError } from '../../errors.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { type CatalogSource, normalized, parseCatalogFiles } from '../parse/parse.ts';
import { byPlace } from '../parse/problems.ts';
import { buildLocator, type SourceLocator } from '../parse/source-map.ts';
import { checkBranches } from './branches.ts';
import { CHECKS, type Finding, type Report, type ReportAt } from './findings.ts';
import { checkLimits } from './limits.ts';
import { checkLoops } from './loops.ts';
import { checkTemplates } from './templates.ts';
import { checkUses } from './uses.ts';
import { checkWaits } from './waits.ts';

export interface LintResult {
  /** Absent when there is an error. */
  readonly data?: CatalogData;
  /** In order of file and place. What a catalog that can be read may still mean badly is told once it can be. */
  readonly problems: readonly Finding[];
}

/** The files of a catalog as plain data, and everything there is to say of them. Does not throw for a mistake in them. */
export async function lintCatalog(source: CatalogSource): Promise<LintResult> {
  const files = normalized(source);
  try {
    const { data, yaml } = await parseCatalogFiles(files);
    const problems = checkCatalog(data, files, buildLocator(yaml, files));
    return problems.some(({ severity }) => severity === 'error') ? { problems } : { data, problems };
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return { problems: error.problems.map((problem) => ({ ...problem, severity: 'error', code: 'invalid' })) };
  }
}

/** In order of file and place. */
function checkCatalog(data: CatalogData, files: CatalogSource, place: SourceLocator): readonly Finding[] {
  const findings: Finding[] = [];
  const tellAt: ReportAt = (code, at, message, hint) => {
    findings.push({ ...at, message, ...(hint !== undefined && { hint }), severity: CHECKS[code], code });
  };
  const tell: Report = (code, path, message, hint) => tellAt(code, place(path), message, hint);
  for (const rule of data.rules) {
    checkBranches(rule, tell);
    checkWaits(rule, tell);
  }
  checkLimits(data, tell);
  checkLoops(data, tell);
  checkUses(data, tell);
  checkTemplates(data, files, tellAt);
  return findings.sort(byPlace);
}
