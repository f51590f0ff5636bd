import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ROOT } from '../src/lib/package-root.ts';

/** Files of a catalog, path to text. */
export type Files = { readonly [path: string]: string };

/** Parts that need services of the companies' own: Kafka, and what is fetched from elsewhere. */
const LEFT_OUT = ['sources.yaml', 'sinks.yaml', 'connectors.yaml', 'cases.yaml', 'week.jsonl'];

const PRICES = `prices:
  - { provider: sendgrid, channel: email, from: 2020-01-01, amount: 0.0004, currency: USD }
  - { provider: twilio, channel: sms, from: 2020-01-01, amount: 0.052, currency: USD }
  - { provider: twilio, channel: sms, calling_code: "1", from: 2020-01-01, amount: 0.0079, currency: USD }
`;

/** By which of its accounts the messages of the market go. */
const ROUTES = `routes:
  email:
    - { account: sendgrid_news, when: message.category == "MARKETING" }
    - { account: sendgrid_main, when: message.category != "MARKETING" }
  sms:
    - { account: twilio_larch }
`;

/** Returns the catalog of an example, with prices, and with its main templates in further languages where the demo has some. */
export function loadExample(name: string): Files {
  const more = readFiles(join(ROOT, 'demo', 'templates', name));
  const files = {
    'routes.yaml': name === 'marketplace' ? ROUTES + PRICES : PRICES,
    ...readFiles(join(ROOT, 'examples', name)),
    ...Object.fromEntries(Object.entries(more).map(([path, text]) => [`templates/${path}`, text])),
  };
  // In the order in which a directory is read: a start then finds that its directory is what is active.
  return Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function readFiles(folder: string): Files {
  if (!existsSync(folder)) return {};
  const files: { [path: string]: string } = {};
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const posix = path.replaceAll('\\', '/');
    if (LEFT_OUT.includes(posix) || !/\.\w+$/.test(posix)) continue;
    files[posix] = readFileSync(join(folder, path), 'utf8');
  }
  return files;
}

/** Returns the files with a text replaced in one of them. @throws Error if it is not there */
export function replaceIn(files: Files, path: string, from: string, to: string): Files {
  const text = files[path];
  if (!text?.includes(from)) throw new Error(`${path} has changed: there is no ${JSON.stringify(from)} in it`);
  return { ...files, [path]: text.replace(from, to) };
}

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
