// npm run docs: lists the pages of the documentation with their titles, and the documentation of the API.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .sort()
    .map((name) => join('docs', name)),
  'CONTRIBUTING.md',
];
for (const page of pages.filter((name) => name.endsWith('.md'))) {
  const title = /^# (.+)$/m.exec(readFileSync(join(root, page), 'utf8'))?.[1] ?? '';
  console.log(`${page.padEnd(24)}${title}`);
}
console.log(`\nAPI of a running Tidings: http://localhost:${process.env.PORT || 8000}/api/docs`);
