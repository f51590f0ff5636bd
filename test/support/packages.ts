import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ensureFolderInstalled } from '../../scripts/install.mjs';

/** Heavy packages that one test file needs, each set in a folder of test/packages that has a lock file of its own. */
export interface TestPackages {
  /** Returns the path of a module or file of a package. */
  resolve(specifier: string): string;
  /** Returns the path of a program. */
  bin(name: string): string;
}

/** Installs the packages of a folder, once. Returns undefined if that fails: what needs them is skipped, and the output says why. */
export async function testPackages(name: 'editor' | 'published'): Promise<TestPackages | undefined> {
  const folder = join('test', 'packages', name);
  if (!(await ensureFolderInstalled(folder))) {
    console.warn(`Skipped: tests that need ${folder}, which could not be installed (see above).`);
    return undefined;
  }
  const root = join(import.meta.dirname, '..', '..', folder);
  const require = createRequire(join(root, 'package.json'));
  return { resolve: require.resolve, bin: (program) => join(root, 'node_modules', '.bin', program) };
}
