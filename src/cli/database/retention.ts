import type { Command } from 'commander';
import { readConfig } from '../../config.ts';
import { ConfigError } from '../../errors.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { systemActor } from '../../model/principal.ts';
import { RETENTION_NAMES } from '../../model/retention-policy.ts';
import { type RetentionResult, runRetention } from '../../store/retention/run-retention.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { runDatabaseCommand } from '../run-command.ts';
import { withDatabase } from './with-database.ts';

/** Adds the commands `retention …`. */
export function addRetentionCommands(program: Command): void {
  const retention = program.command('retention').description('Remove what is older than its retention period');
  retention
    .command('run', { isDefault: true })
    .description('Enforce the retention policy now, by the settings TIDINGS_RETAIN_…')
    .option('--dry-run', 'count what would be removed, and remove nothing')
    .option(...YES_OPTION)
    .option('--json', 'print the result as JSON')
    .action(({ dryRun = false, json = false, yes }: { dryRun?: boolean; json?: boolean; yes?: boolean }) =>
      runDatabaseCommand(async () => {
        if (!dryRun) await confirm('Remove what is older than its retention period for good?', yes);
        const { retention: periods } = readConfig(process.env, { catalogDir: '' });
        const result = await withDatabase(process.env, 'tidings retention', 'left', (pool) =>
          runRetention(pool, periods, { dryRun, actor: systemActor('retention run', 'cli') }),
        );
        if (result === null) throw new ConfigError('another process enforces the retention policy at the moment');
        const rows = dryRun ? { ...NO_ROWS, ...result.rows } : result.rows;
        console.log(json ? JSON.stringify({ dry_run: dryRun, ...result, rows }) : formatResult(result, dryRun));
      }),
    );
}

/** A dry run has each kind of data, also one whose tables are empty. */
const NO_ROWS = Object.fromEntries(RETENTION_NAMES.map((name) => [name, 0]));

/** A dry run shows each kind of data, others what they removed. */
function formatResult({ rows, months, locked }: RetentionResult, dryRun: boolean): string {
  const lines = RETENTION_NAMES.flatMap((name) =>
    dryRun || rows[name] ? [`  ${name}: ${formatCount(rows[name] ?? 0, 'row')}`] : [],
  );
  if (months.length > 0) lines.push(`  whole months: ${months.join(', ')}`);
  if (locked.length > 0) lines.push(`  not dropped, because they are being read: ${locked.join(', ')}; run this again`);
  if (lines.length === 0) return 'Nothing is older than its retention period.';
  return [dryRun ? 'This would be removed:' : 'Removed:', ...lines].join('\n');
}
