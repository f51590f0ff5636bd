import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { toJsonPointer } from '../lib/text/json-pointer.ts';
import type { CatalogData } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { NO_TENANT } from '../model/tenant.ts';
import { applyCatalog } from '../store/apply-catalog.ts';
import { loadTenantProfile } from '../store/tenants/tenants.ts';
import { type CountedInRule, countWaiting } from '../store/waits/waiting-rules.ts';
import type { CatalogCache } from './cache.ts';
import type { CatalogFiles } from './catalog-files.ts';
import { type Difference, diffCatalogs } from './diff.ts';
import type { Finding } from './lint/findings.ts';
import { type LintResult, lintCatalog } from './lint/lint-catalog.ts';
import { parseCatalogFiles } from './parse/parse-catalog-files.ts';
import { compareByPlace } from './problems.ts';
import { checkRouteAccounts } from './route-accounts.ts';
import { loadStoredParts, withStoredTests } from './stored/template-source.ts';

const MAX_ATTEMPTS = 8;

/** The tenant whose catalog a command changes, and who changes it. */
export interface CatalogCommand {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly tenantId: string;
  /** For the audit log. */
  readonly actor: Actor;
  readonly clock: () => Millis;
}

export interface ApplyResult {
  /** The version that is active afterwards; in a dry run, the active one. */
  readonly version: number;
  /** Whether a new version was made. False in a dry run, and if the content is that of the active version. */
  readonly changed: boolean;
  /** The warnings of the catalog. */
  readonly problems: readonly Finding[];
  /** Differences from the version that was active. */
  readonly differences: readonly Difference[];
  /** Pending waits in rules that are changed or removed, by rule. They end by the version in which they started. */
  readonly waiting: readonly CountedInRule[];
}

/**
 * Checks the files of a catalog, compares them with the active version, and makes them the active version. A dry run only
 * checks and compares.
 *
 * @param options.expected the active version, as the caller knows it; undefined: any
 * @param attempts times that files are merged with templates of the API again, because one was activated meanwhile
 * @throws TidingsError `invalid_catalog` with every problem, if one of them is an error, and `outdated` if another version than
 * the expected one is active, and `release_under_way`; nothing is applied then
 */
export async function applyCatalogFiles(
  command: CatalogCommand,
  files: CatalogFiles,
  options: { readonly dryRun: boolean; readonly expected: number | undefined },
  attempts = MAX_ATTEMPTS,
): Promise<ApplyResult> {
  const { pool, catalogs, tenantId, actor, clock } = command;
  const { data, problems, stored } = await checkCatalogFiles(command, files);
  const active = await catalogs.refresh(tenantId);
  const differences = diffCatalogs(active.data, data);
  const waiting = await countAffectedWaits(command, differences);
  if (options.dryRun) return { version: active.version, changed: false, problems, differences, waiting };
  // Templates of the API are those of the version that they were read from: another one may have others.
  const expected = options.expected ?? stored;
  try {
    const { version, changed } = await applyCatalog(pool, tenantId, data, actor, clock(), { expected, files });
    await catalogs.refresh(tenantId);
    return { version, changed, problems, differences, waiting };
  } catch (error) {
    const isOvertaken = error instanceof TidingsError && error.code === 'outdated' && options.expected === undefined;
    if (!isOvertaken || attempts <= 1) throw error;
    return applyCatalogFiles(command, files, options, attempts - 1);
  }
}

/** Files of a catalog that can be applied. */
export interface CheckedFiles {
  readonly data: CatalogData;
  /** Warnings. */
  readonly problems: readonly Finding[];
  /** The version whose templates of the API are in the data; undefined: no template is of the API. */
  readonly stored: number | undefined;
}

/**
 * Checks the files of a catalog for a tenant.
 * @throws TidingsError `invalid_catalog` with every problem, if one of them is an error
 */
export async function checkCatalogFiles(source: CheckSource, files: CatalogFiles): Promise<CheckedFiles> {
  const { data, problems, stored } = await examineFiles(source, files);
  if (data === undefined) throw toError({ problems });
  return { data, problems, stored };
}

/** The tenant for which files are checked. */
export type CheckSource = Pick<CatalogCommand, 'pool' | 'catalogs' | 'tenantId'>;

/** Checks the files of a catalog for a tenant. The data are absent if a problem is an error. */
export async function examineFiles(
  { pool, catalogs, tenantId }: CheckSource,
  files: CatalogFiles,
): Promise<LintResult & { readonly stored: number | undefined }> {
  const stored = await loadStoredParts(pool, tenantId, catalogs);
  const parsed = await parseCatalogFiles(files, stored?.templates);
  const tenant = (await loadTenantProfile(pool, tenantId)) ?? NO_TENANT;
  const checked = lintCatalog(parsed, tenant, await catalogs.isUnlinked(tenantId));
  if (checked.data === undefined) return { problems: checked.problems, stored: stored?.version };
  const data = withStoredTests(checked.data, stored);
  const unknown = await checkRouteAccounts(pool, tenantId, data, parsed.locate);
  const problems = [...checked.problems, ...unknown].sort(compareByPlace);
  const isValid = unknown.every(({ severity }) => severity !== 'error');
  return { ...(isValid && { data }), problems, stored: stored?.version };
}

function toError({ problems }: Pick<LintResult, 'problems'>): TidingsError {
  const first = problems.find(({ severity }) => severity === 'error');
  const where = first ? `${first.file}:${first.line}:${first.column}: ${first.message}` : 'nothing could be parsed';
  const errors = problems.map((problem) => ({ pointer: toJsonPointer(['files', problem.file]), ...problem }));
  return new TidingsError('invalid_catalog', `Nothing was applied: ${where}.`, { errors });
}

/** Counts the pending waits in rules that are changed or removed. */
export function countAffectedWaits(
  { pool, tenantId }: Pick<CatalogCommand, 'pool' | 'tenantId'>,
  differences: readonly Difference[],
): Promise<readonly CountedInRule[]> {
  const rules = differences.filter(({ part, change }) => part === 'rule' && change !== 'added');
  return countWaiting(
    pool,
    tenantId,
    rules.map(({ name }) => name),
  );
}
