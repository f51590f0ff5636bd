import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

const FINTECH = fileURLToPath(new URL('../../examples/fintech', import.meta.url));
const MORE = fileURLToPath(new URL('catalog', import.meta.url));

type Sections = { readonly [section: string]: { readonly [name: string]: unknown } };

/** Writes the fintech example, with the additions of catalog/timed.yaml, as a catalog into `dir`. */
export function writeCatalog(dir: string): void {
  // Emails as text only: loading MJML makes a start half as long again, and here a process starts every second.
  cpSync(FINTECH, dir, { recursive: true, filter: (file) => !file.endsWith('.mjml') });
  cpSync(join(MORE, 'templates'), join(dir, 'templates'), { recursive: true });
  const more = sectionsIn(join(MORE, 'timed.yaml'));
  for (const name of ['events', 'notifications', 'rules']) {
    const file = join(dir, `${name}.yaml`);
    const both = Object.entries(sectionsIn(file)).map(([section, own]) => [section, { ...own, ...more[section] }]);
    writeFileSync(file, stringify(Object.fromEntries(both)));
  }
}

function sectionsIn(file: string): Sections {
  return parse(readFileSync(file, 'utf8')) as Sections;
}
