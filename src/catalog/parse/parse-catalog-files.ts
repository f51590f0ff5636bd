import { CatalogError, type CatalogProblem } from '../../errors.ts';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { CatalogFiles } from '../catalog-files.ts';
import { Problems } from '../problems.ts';
import { parseConnectors } from './connectors.ts';
import { parseEvents } from './events.ts';
import { parseNotifications } from './notifications.ts';
import { isPieceFile } from './pieces.ts';
import { parsePreferences } from './preferences.ts';
import { parseRoutes } from './routes.ts';
import { parseRules } from './rules/rules.ts';
import { parseSegments } from './segments.ts';
import { parseSinks } from './sinks.ts';
import { buildLocator, type SourceLocator } from './source-map.ts';
import { parseSources } from './sources.ts';
import type { StoredTemplate } from './stored-template.ts';
import { parseTemplates } from './templates.ts';
import { listSourceTopics } from './topics.ts';
import { parseYaml, type YamlFile } from './yaml.ts';

export interface ParsedCatalog {
  /** The catalog as plain data: equal files give equal data. Absent if there is a problem. */
  readonly data?: CatalogData;
  /** Everything that keeps the files from being parsed, in order of file and place. At most 200. */
  readonly problems: readonly CatalogProblem[];
  /** The files, without byte order marks and with `\n` as line end. Places refer to these texts. */
  readonly files: CatalogFiles;
  /** Finds the place of a part of `data` in `files`. */
  readonly locate: SourceLocator;
}

const REQUIRED_PARTS = ['events', 'notifications', 'rules'] as const;
const PARTS = [...REQUIRED_PARTS, 'segments', 'routes', 'sources', 'sinks', 'preferences', 'connectors'] as const;

/**
 * Parses the files of a catalog and checks that their parts fit together. Does not throw for errors in the files.
 * @param stored templates of the API, in the place of those of the files; undefined: files alone count
 */
export async function parseCatalogFiles(
  source: CatalogFiles,
  stored?: readonly StoredTemplate[],
): Promise<ParsedCatalog> {
  const files = normalizeFiles(source);
  const yaml = new Map<string, YamlFile>();
  const locate = buildLocator(yaml, files);
  try {
    const data = await parseParts(files, yaml, stored);
    return { data, problems: [], files: stored ? replaceTemplates(files, stored) : files, locate };
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return { problems: error.problems, files, locate };
  }
}

/** Returns the files with those of stored templates in the place of others for the same template. */
function replaceTemplates(files: CatalogFiles, stored: readonly StoredTemplate[]): CatalogFiles {
  const prefixes = stored.map(({ notificationType, channel, locale, variant }) => {
    return `templates/${notificationType}/${channel}.${variant === undefined ? locale : `${locale}@${variant}`}.`;
  });
  const others = [...files].filter(([path]) => !prefixes.some((prefix) => path.startsWith(prefix)));
  return new Map([...others, ...stored.flatMap((one) => [...one.files])]);
}

/** Removes the traces of editors and operating systems, so that equal catalogs are equal text. */
function normalizeFiles(files: CatalogFiles): CatalogFiles {
  return new Map(
    [...files].map(([path, text]) => [path, text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')] as const),
  );
}

/**
 * @param yaml receives the parsed YAML files, by part
 * @throws CatalogError with every problem
 */
async function parseParts(
  files: CatalogFiles,
  yaml: Map<string, YamlFile>,
  stored: readonly StoredTemplate[] | undefined,
): Promise<CatalogData> {
  const problems = new Problems();
  const templateFiles = new Map<string, string>();
  for (const [path, text] of files) {
    const part = /^([^/]+)\.ya?ml$/i.exec(path)?.[1];
    if (path.startsWith('templates/')) templateFiles.set(path, text);
    else if (part !== undefined) addYamlFile(path, part, text, yaml, problems);
    else reportMisplaced(path, problems);
  }
  for (const part of REQUIRED_PARTS) {
    if (yaml.has(part)) continue;
    problems.add({ ...toFileStart(`${part}.yaml`), message: 'this file is missing', hint: EXAMPLES[part] });
  }

  // A file that is not YAML is left out, and nothing is checked against it.
  const events = parseFile(yaml.get('events'), parseEvents);
  const notificationsFile = yaml.get('notifications');
  const types = events && new Set(events.events.map(({ name }) => name));
  const notifications = parseFile(notificationsFile, (file) => parseNotifications(file, types));
  const segmentsFile = yaml.get('segments');
  const segments = segmentsFile ? parseFile(segmentsFile, (file) => parseSegments(file, { ...events })) : [];
  const rules = parseFile(yaml.get('rules'), (file) => {
    const others = { ...(notifications && { notifications: notifications.types }), ...(segments && { segments }) };
    return parseRules(file, { ...events, ...others });
  });
  const routes = parseFile(yaml.get('routes'), parseRoutes);
  const sources = parseFile(yaml.get('sources'), (file) => parseSources(file, types));
  const sinks = parseFile(yaml.get('sinks'), (file) => {
    const notificationTypes = notifications && new Set(notifications.types.map(({ type }) => type.name));
    return parseSinks(file, { eventTypes: types, notificationTypes, sources: listSourceTopics(sources ?? []) });
  });
  const known = notifications && new Map(notifications.types.map(({ type }) => [type.name, type]));
  const preferences = parseFile(yaml.get('preferences'), (file) => parsePreferences(file, known));
  const connectors = parseFile(yaml.get('connectors'), (file) => parseConnectors(file, { ...events }));
  const templates = await parseTemplates(
    templateFiles,
    notifications && notificationsFile && { file: notificationsFile, ...notifications },
    problems,
    stored,
  );
  problems.throwIfAny();
  const { types: notificationTypes, variables } = notifications!;
  const pieces = [...templateFiles].filter(([path]) => isPieceFile(path));
  return {
    ...events!,
    notifications: notificationTypes.map(({ type }) => type),
    ...(variables === undefined ? {} : { variables }),
    ...rules!,
    ...(segments?.length && { segments }),
    templates,
    ...(pieces.length === 0 ? {} : { pieces: Object.fromEntries(pieces) }),
    ...routes,
    ...(sources?.length && { sources }),
    ...(sinks?.length && { sinks }),
    ...(preferences && { preferences }),
    ...(connectors?.length && { connectors }),
  };
}

const EXAMPLES: { readonly [part in (typeof REQUIRED_PARTS)[number]]: string } = {
  events: 'events: { signup_completed: {} }',
  notifications: 'notifications: { WELCOME_EMAIL: { category: MARKETING, channels: [email] } }',
  rules: 'rules: { WELCOME_EMAIL: { on: signup_completed, limit: once } }',
};

function addYamlFile(path: string, part: string, text: string, yaml: Map<string, YamlFile>, problems: Problems): void {
  if (!(PARTS as readonly string[]).includes(part)) {
    if (/^notification[-_]?rules$/i.test(part)) {
      const hint = 'Tidings reads the rules from rules.yaml: move them there; docs/rules.md shows their form';
      problems.add({ ...toFileStart(path), message: 'this file is not read', hint });
      return;
    }
    // Other YAML files may lie in the folder, but a misspelled name must not be overlooked.
    const meant = findNearest(part, PARTS);
    if (!meant) return;
    problems.add({ ...toFileStart(path), message: 'unknown file name', hint: `did you mean ${meant}.yaml?` });
    return;
  }
  const other = yaml.get(part);
  if (other) problems.add({ ...toFileStart(path), message: `${other.name} exists as well`, hint: 'keep one of them' });
  else yaml.set(part, parseYaml(path, text, problems));
}

/**
 * Reports a path that cannot be meant as it is written: it leads out of the folder, has the separators of Windows, or nearly
 * leads to `templates/`. Others are of no concern, such as notes that a program posts with the files.
 */
function reportMisplaced(path: string, problems: Problems): void {
  const segments = path.split(/[/\\]/);
  const hint = segments.some((segment) => /^\.{0,2}$/.test(segment))
    ? 'write a path inside the folder of the catalog, such as events.yaml'
    : path.includes('\\')
      ? `write ${segments.join('/')}`
      : segments.length > 1 && findNearest(segments[0] ?? '', ['templates'])
        ? `did you mean templates/${segments.slice(1).join('/')}?`
        : undefined;
  if (hint === undefined) return;
  problems.add({ ...toFileStart(path), message: 'this is not the path of a file of a catalog', hint });
}

function parseFile<T>(file: YamlFile | undefined, parse: (file: YamlFile) => T): T | undefined {
  return file?.root ? parse(file) : undefined;
}

function toFileStart(file: string) {
  return { file, line: 1, column: 1 };
}
