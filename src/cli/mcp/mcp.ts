import type { Command } from 'commander';
import { VERSION } from '../../lib/package-version.ts';
import { resolveCatalogFolder } from '../catalog/catalog-folder.ts';
import { withProfile } from '../profiles/use-profile.ts';
import { runLocalCommand } from '../run-command.ts';

/** Adds the command `mcp`. */
export function addMcpCommand(program: Command): void {
  program
    .command('mcp')
    .description('Serve assistants by the Model Context Protocol on standard input and output (TIDINGS_URL)')
    .option('--catalog <dir>', 'the catalog that tools check, preview and backtest (TIDINGS_CATALOG)')
    .option('--allow-writes', 'add tools that retry and cancel deliveries, cancel waits and apply catalogs')
    .action(({ catalog, allowWrites = false }: { catalog?: string; allowWrites?: boolean }) =>
      runLocalCommand(false, async () => {
        // Standard output carries only the protocol.
        console.log = console.error;
        const stopping = new AbortController();
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
        const [{ serveMcp }, { createAccess }] = await Promise.all([
          import('../../../packages/mcp/src/serve-mcp.ts'),
          import('./tidings-access.ts'),
        ]);
        const access = createAccess(withProfile(process.env), resolveCatalogFolder(catalog));
        await serveMcp({ access, version: VERSION, allowWrites }, stopping.signal);
        return { data: undefined, lines: [] };
      }),
    );
}
