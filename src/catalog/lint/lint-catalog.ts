import type { CatalogData } from '../../model/catalog.ts';
import type { TenantProfile } from '../../model/tenant.ts';
import type { ParsedCatalog } from '../parse/parse-catalog-files.ts';
import { compareByPlace } from '../problems.ts';
import { checkBranches, checkSegments } from './branches.ts';
import { checkCalendar } from './calendar.ts';
import { checkComparisons } from './comparisons.ts';
import { checkDigests } from './digests.ts';
import { checkDoubleOptIn } from './double-opt-in.ts';
import { CHECKS, type Finding, type Report, type ReportAt, toInvalidFindings } from './findings.ts';
import { checkLimits } from './limits.ts';
import { checkLoops } from './loops.ts';
import { checkMarketingFooter, checkReaderUrl } from './marketing-footer.ts';
import { checkRoutes } from './routes.ts';
import { checkTemplates } from './templates.ts';
import { checkUnfilledVariables } from './unfilled-variables.ts';
import { checkUses } from './uses.ts';
import { checkWaits } from './waits.ts';

export interface LintResult {
  /** Absent if a problem is an error. */
  readonly data?: CatalogData;
  /** In order of file and place. If the files could not be parsed, only those problems: the checks need the data. */
  readonly problems: readonly Finding[];
}

/**
 * Looks for parts of a parsed catalog that are valid but probably not meant: unreachable branches, limits that never bind,
 * waits without an end, rules that trigger themselves, unused definitions, and template fields that nothing declares.
 * Reports only what it can prove.
 * @param sender the tenant for which it is to be active; absent: not known
 * @param isUnlinked whether its emails leave this machine, and the installation has no URL for links to unsubscribe
 */
export function lintCatalog(parsed: ParsedCatalog, sender?: TenantProfile, isUnlinked = false): LintResult {
  const { data } = parsed;
  if (data === undefined) return { problems: toInvalidFindings(parsed.problems) };
  const problems = runChecks(data, parsed, sender, isUnlinked);
  return problems.some(({ severity }) => severity === 'error') ? { problems } : { data, problems };
}

function runChecks(
  data: CatalogData,
  { files, locate }: ParsedCatalog,
  sender: TenantProfile | undefined,
  isUnlinked: boolean,
): readonly Finding[] {
  const findings: Finding[] = [];
  const reportAt: ReportAt = (code, place, message, hint) => {
    findings.push({ ...place, message, ...(hint !== undefined && { hint }), severity: CHECKS[code], code });
  };
  const report: Report = (code, path, message, hint) => reportAt(code, locate(path), message, hint);
  for (const rule of data.rules) {
    checkBranches(rule, report);
    checkWaits(rule, report);
  }
  checkSegments(data, report);
  checkComparisons(data, report);
  checkCalendar(data, report);
  checkLimits(data, report);
  checkLoops(data, report);
  checkUses(data, report);
  checkRoutes(data, report);
  checkDigests(data, report);
  checkDoubleOptIn(data, report);
  checkTemplates(data, files, reportAt);
  checkUnfilledVariables(data, report);
  checkMarketingFooter(data, report, sender);
  if (isUnlinked) checkReaderUrl(data, report);
  return findings.sort(compareByPlace);
}
