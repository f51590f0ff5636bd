import type { CatalogData, EventType } from '../model.ts';
import { readEvents } from './events.ts';
import { type ReadNotification, readNotifications } from './notifications.ts';
import { Problems } from './problems.ts';
import { readRules } from './rules.ts';
import { nearest } from './suggest.ts';
import { readTemplates } from './templates.ts';
import { parseYaml, type YamlFile } from './yaml.ts';

/** The files of a catalog: path inside its folder, with `/`, to text. */
export type CatalogSource = ReadonlyMap<string, string>;

const PARTS = ['events', 'notifications', 'rules'] as const;

/**
 * Checks the files of a catalog and makes plain data of them: equal files give equal data.
 *
 * @throws CatalogError with every mistake and its place
 */
export async function parseCatalog(source: CatalogSource): Promise<CatalogData> {
  const problems = new Problems();
  const templates = new Map<string, string>();
  const yaml = new Map<string, YamlFile>();
  for (const [path, written] of source) {
    const text = written.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
    const part = /^([^/]+)\.ya?ml$/i.exec(path)?.[1];
    if (path.startsWith('templates/')) templates.set(path, text);
    else if (part !== undefined) takeYaml(path, part, text, yaml, problems);
  }
  for (const part of PARTS) {
    if (!yaml.has(part)) problems.add({ ...start(`${part}.yaml`), message: 'this file is missing', hint: FIRST[part] });
  }

  const events = readable(yaml.get('events'), readEvents);
  const notificationsFile = yaml.get('notifications');
  const notifications: readonly ReadNotification[] | undefined = readable(notificationsFile, readNotifications);
  const types = notifications?.map(({ type }) => type);
  const rules = readable(yaml.get('rules'), (file) =>
    readRules(file, {
      ...(events && { events: events.events satisfies readonly EventType[] }),
      ...(events?.traits && { traits: events.traits }),
      ...(types && { notifications: types.map(({ name }) => name) }),
    }),
  );
  const read = await readTemplates(
    templates,
    notifications && notificationsFile && { file: notificationsFile, types: notifications },
    problems,
  );
  problems.throwIfAny();
  return { ...events!, notifications: types!, rules: rules!, templates: read };
}

const FIRST: { readonly [part in (typeof PARTS)[number]]: string } = {
  events: 'events: { signup_completed: {} }',
  notifications: 'notifications: { WELCOME_EMAIL: { category: MARKETING, channels: [email] } }',
  rules: 'rules: { WELCOME_EMAIL: { on: signup_completed, limit: once } }',
};

function takeYaml(path: string, part: string, text: string, taken: Map<string, YamlFile>, problems: Problems): void {
  if (!(PARTS as readonly string[]).includes(part)) {
    // Other YAML may lie here; a slip in one of the three names must not go unseen.
    const meant = nearest(part, PARTS);
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
