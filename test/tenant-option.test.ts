import { expect, test } from 'vitest';
import { listCommands } from './support/cli-commands.ts';

/** `--tenant` at the commands that act for one tenant. */

/** Commands that concern this machine, a folder, a whole database or all tenants. */
const OTHERS =
  /^(start|api|workers|init|stop|logs|check|test|simulate|generate|migrate|retention|keys rotate-encryption|doctor|profiles|tenants)\b/;

test('every command for one tenant has --tenant, as docs/cli.md says', () => {
  const without = listCommands()
    .filter(({ path, options }) => !OTHERS.test(path) && !options.includes('--tenant'))
    .map(({ path }) => path);
  expect(without).toEqual([]);
});
