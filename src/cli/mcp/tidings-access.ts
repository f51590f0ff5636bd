import type { Files, TidingsAccess } from '../../../packages/mcp/src/access.ts';
import { toInvalidFindings } from '../../catalog/lint/findings.ts';
import { type LintResult, lintCatalog } from '../../catalog/lint/lint-catalog.ts';
import { loadCatalogFiles } from '../../catalog/load/load-catalog-files.ts';
import { validateCatalogFiles } from '../../catalog/load-valid-catalog.ts';
import { parseCatalogFiles } from '../../catalog/parse/parse-catalog-files.ts';
import { CatalogError } from '../../errors.ts';
import { runBacktest } from '../../simulate/backtest/run-backtest.ts';
import { toBacktestQuery } from '../catalog/backtest.ts';
import { withReadDatabase } from '../database/with-replica.ts';
import { connect } from '../operation/api-client.ts';
import { previewEvents } from './preview-events.ts';

/** Progress is not shown: the answer comes at the end. */
const ignoreProgress = () => {};

/**
 * Returns the operations of the tools: on the running Tidings by HTTP, on catalogs in this process, and for a backtest on the
 * database. @param folder of the catalog, where a tool gives no files
 */
export function createAccess(env: NodeJS.ProcessEnv, folder: string): TidingsAccess {
  const { get, post } = connect(env);
  const load = async (files: Files | undefined) =>
    files === undefined ? loadCatalogFiles(folder) : new Map(Object.entries(files));
  return {
    get,
    post,
    async checkCatalog(files) {
      const { problems } = await check(files);
      return { ok: problems.every(({ severity }) => severity !== 'error'), problems };
    },
    async backtest({ since, until, user, files }) {
      const candidate = await validateCatalogFiles(await load(files));
      const query = toBacktestQuery({ since, until, user }, candidate, Date.now());
      return withReadDatabase(env, 'tidings mcp', 'replayed', (pool, seal, tenantId) =>
        runBacktest(pool, { ...query, tenantId, seal }, ignoreProgress),
      );
    },
    async preview(events, files) {
      return previewEvents(await validateCatalogFiles(await load(files)), events);
    },
  };

  async function check(files: Files | undefined): Promise<LintResult> {
    try {
      return lintCatalog(await parseCatalogFiles(await load(files)));
    } catch (error) {
      if (!(error instanceof CatalogError)) throw error;
      return { problems: toInvalidFindings(error.problems) };
    }
  }
}
