import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { Survivor } from './survivors.ts';

/**
 * Returns the survivors whose types are right. The others never get past `npm test`, which checks types before it runs
 * tests. (Stryker has a checker for this, but it needs the programming interface that TypeScript 7 does not have.)
 * @param folder for a copy of src/, in which each survivor stands beside the file that it changes
 */
export async function withValidTypes(survivors: readonly Survivor[], folder: string): Promise<Survivor[]> {
  if (survivors.length === 0) return [];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync('src', join(folder, 'src'), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction');
  const files = survivors.map(({ file }, index) => file.replace(/\.ts$/, `.mutant-${index}.ts`));
  for (const [index, { mutated }] of survivors.entries()) writeFileSync(join(folder, files[index]!), mutated);
  const config = { extends: relative(folder, 'tsconfig.json'), include: [], files };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const output = await new Promise<string>((done) => {
    const options = { cwd: folder, maxBuffer: 2 ** 30 };
    execFile(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', '.'], options, (_error, text) =>
      done(text),
    );
  });
  const wrong = new Set([...output.matchAll(/^(\S+)\(\d+,\d+\): error/gm)].map(([, file]) => file));
  rmSync(folder, { recursive: true, force: true });
  return survivors.filter((_, index) => !wrong.has(files[index]!));
}
