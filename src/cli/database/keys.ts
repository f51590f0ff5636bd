import type { Command } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import { type RotationProgress, rotateEncryption } from '../../store/encryption/rotate-encryption.ts';
import { addApiKeyCommands } from '../operation/api-keys.ts';
import { newProgressLine } from '../output/progress-line.ts';
import { runDatabaseCommand } from '../run-command.ts';
import { withDatabase } from './with-database.ts';

/** Adds the commands `keys …`. */
export function addKeysCommands(program: Command): void {
  const keys = program.command('keys').description('Manage API keys, and the encryption key of the database');
  addApiKeyCommands(keys);
  keys
    .command('rotate-encryption')
    .description('Seal everything again under the first key of TIDINGS_ENCRYPTION_KEY, while Tidings runs')
    .option('--json', 'print the result as JSON')
    .action(({ json = false }: { json?: boolean }) =>
      runDatabaseCommand(async () => {
        const result = await withDatabase(process.env, 'tidings keys', 'left', async (pool, seal) => {
          return { key_id: seal.keyId, ...(await rotateEncryption(pool, seal, newProgressLine(describeProgress))) };
        });
        printResult(result, json);
      }),
    );
}

/** Fails if some data cannot be opened: it is lost with the key that it was sealed under. */
function printResult(
  { key_id, rows, resealed, unreadable }: RotationProgress & { key_id: string },
  json: boolean,
): void {
  if (unreadable > 0) process.exitCode = 1;
  if (json) {
    console.log(JSON.stringify({ key_id, rows, resealed, unreadable }));
    return;
  }
  console.log(
    `Everything is sealed under key ${key_id}: ${formatCount(resealed, 'row')} sealed again, ${rows} looked at.`,
  );
  if (unreadable === 0) {
    console.log('You can remove the other keys from TIDINGS_ENCRYPTION_KEY.');
    console.log(
      'If a process still runs with another key first, restart it with the new one first, and run this again.',
    );
  }
  if (unreadable > 0)
    console.log(`${formatCount(unreadable, 'row')} cannot be opened with any of the keys, and stay as they are.`);
}

function describeProgress({ table, pass, rows, resealed }: RotationProgress): string | null {
  return table === null ? null : `pass ${pass}: ${table}, ${rows} rows looked at, ${resealed} sealed again`;
}
