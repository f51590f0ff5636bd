import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './package-root.ts';

/** Version of this program, such as `1.2.3`. */
export const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
