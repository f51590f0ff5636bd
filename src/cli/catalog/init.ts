import { cp, mkdir, readdir, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { Argument, type Command } from 'commander';
import { listCatalogPaths } from '../../catalog/load/load-catalog-files.ts';
import { ConfigError } from '../../errors.ts';
import { ROOT } from '../../lib/package-root.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { runLocalCommand } from '../run-command.ts';

/** Catalogs with cases in `examples/`, each with a sentence for the help. */
const EXAMPLES: { readonly [name: string]: string } = {
  fintech: 'sign-ups, payments, limits and a pattern',
  booking: 'reminders that move, digests and nudges',
  marketplace: 'orders, messages and splits',
  lending: 'products, preferences and payment reminders',
};

interface Options {
  readonly dir: string;
  readonly json?: boolean;
}

/** Adds the command `init [EXAMPLE]`. */
export function addInitCommand(program: Command): void {
  const list = Object.entries(EXAMPLES).map(([name, content]) => `${name} (${content})`);
  program
    .command('init')
    .description('Write a catalog folder with test cases to start from')
    .addArgument(new Argument('[example]', list.join(', ')).choices(Object.keys(EXAMPLES)).default('fintech'))
    .option('--dir <dir>', 'the folder to write; it must not exist, or be empty', 'my-catalog')
    .option('--json', 'print one line of JSON')
    .action((example: string, { dir, json }: Options) =>
      runLocalCommand(json, async () => {
        const source = join(ROOT, 'examples', example);
        const files = await listExampleFiles(source);
        const target = resolve(dir);
        await requireEmpty(target);
        for (const file of files) {
          // A file that appears meanwhile is not overwritten either.
          await cp(join(source, file), join(target, file), { force: false, errorOnExist: true });
        }
        const next = [`npx tidings check ${dir}`, `npx tidings test ${dir}`, `TIDINGS_CATALOG=${dir} npm start`];
        return {
          data: { example, folder: target, files, next },
          lines: [
            `${formatCount(files.length, 'file')} of the example ${example} in ${target}.`,
            'Next:',
            ...next.map((line) => `  ${line}`),
          ],
        };
      }),
    );
}

/** Returns the paths of the catalog's files, and of the recorded events beside it (`.jsonl`), relative to the folder. */
async function listExampleFiles(source: string): Promise<string[]> {
  const catalog = (await listCatalogPaths(source)).map((path) => relative(source, path));
  return [...catalog, ...(await readdir(source)).filter((name) => name.endsWith('.jsonl'))].sort();
}

/** Creates the folder. @throws ConfigError if it contains something, or is a file */
async function requireEmpty(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found && !found.isDirectory()) throw new ConfigError(`${folder} is a file; name a folder with --dir`);
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new ConfigError(`${folder} is not empty, and init overwrites nothing; name another folder with --dir`);
  }
}
