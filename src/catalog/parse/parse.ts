import { findNearest } from '../../lib/did-you-mean.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { readEvents } from './events.ts';
import { readNotifications } from './notifications.ts';
import { Problems } from './problems.ts';
import { readRules } from './rules/rules.ts';
import { readTemplates } from './templates.ts';
import { parseYaml, type YamlFile } from './yaml.ts';

/** The files of a catalog: path inside its folder, with `/`, to text. */
export type CatalogSource = ReadonlyMap<string, string>;

const PARTS = ['events', 'notifications', 'rules'] as const;

/** Without the marks of editors and systems, so that equal catalogs are equal text. */
export function normalized(source: CatalogSource): CatalogSource {
  return new Map(
    [...source].map(([path, text]) => [path, text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')] as const),
  );
}

/**
 * Reads the files of a catalog, and its YAML as trees that know their places.
 *
 * @throws CatalogError with every mistake and its place
 */
export async function parseCatalogFiles(
  files: CatalogSource,
): Promise<{ data: CatalogData; yaml: ReadonlyMap<string, YamlFile> }> {
  const problems = new Problems();
  const templates = new Map<string, string>();
  const yaml = new Map<string, YamlFile>();
  for (const [path, text] of files) {
    const part = /^([^/]+)\.ya?ml$/i.exec(path)?.[1];
    if (path.startsWith('templates/')) templates.set(path, text);
    else if (part !== undefined) takeYaml(path, part, text, yaml, problems);
  }
  for (const part of PARTS) {
    if (!yaml.has(part)) problems.add({ ...start(`${part}.yaml`), message: 'this file is missing', hint: FIRST[part] });
  }

  const events = readable(yaml.get('events'), readEvents);
  const notificationsFile = yaml.get('notifications');
  const notifications = readable(notificationsFile, readNotifications);
  const read = readable(yaml.get('rules'), (file) =>
    readRules(file, { ...events, ...(notifications && { notifications }) }),
  );
  const compiled = await readTemplates(
    templates,
    notifications && notificationsFile && { file: notificationsFile, types: notifications },
    problems,
  );
  problems.throwIfAny();
  const types = notifications!.map(({ type }) => type);
  return { data: { ...events!, notifications: types, ...read!, templates: compiled }, yaml };
}

const FIRST: { readonly [part in (typeof PARTS)[number]]: string } = {
  events: 'events: { signup_completed: {} }',
  notifications: 'notifications: { WELCOME_EMAIL: { category: MARKETING, channels: [email] } }',
  rules: 'rules: { WELCOME_EMAIL: { on: signup_completed, limit: once } }',
};

function takeYaml(path: string, part: string, text: string, taken: Map<string, YamlFile>, problems: Problems): void {
  if (!(PARTS as readonly string[]).includes(part)) {
    // Other YAML may lie here; a slip in one of the three names must not go unseen.
    const meant = findNearest(part, PARTS);
    if (meant) problems.add({ ...start(path), message: 'this file is not read', hint: `did you mean ${meant}.yaml?` });
    return;
  }
  const other = taken.get(part);
  if (other) problems.add({ ...start(path), message: `${other.name} is here as well`, hint: 'keep one of them' });
  else taken.set(part, parseYaml(path, text, problems));
}

function readable<T>(file: YamlFile | undefined, read: (file: YamlFile) => T): T | undefined {
  return file?.root ? read(file) : undefined;
}

function start(file: string) {
  return { file, line: 1, column: 1 };
}
