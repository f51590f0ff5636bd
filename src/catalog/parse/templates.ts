import type { Template } from '../../model/catalog.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { CHANNEL_PARTS, compileTemplate, type PartName } from '../../templates/template.ts';
import { compileMjml } from './mjml.ts';
import type { ReadNotification } from './notifications.ts';
import type { Problems } from './problems.ts';
import { suggest } from './suggest.ts';
import type { YamlFile } from './yaml.ts';

/** Everyone without another language gets this one, so it must be there. */
export const DEFAULT_LOCALE = 'en';

/** As files are called, in this order: MJML is another form of the HTML. */
const FILE_PARTS = ['subject', 'html', 'mjml', 'text'] as const;
type FilePart = (typeof FILE_PARTS)[number];

/** These can do without a template. */
const OPTIONAL: ReadonlySet<Channel> = new Set(['webhook', 'internal'] as const);

/** What makes a message complete: one of each list. */
function neededBy(channel: Channel): readonly (readonly FilePart[])[] {
  const { needs, oneOf } = CHANNEL_PARTS[channel];
  return [...needs.map((part) => [part]), ...(oneOf.length > 0 ? [withMjml(oneOf)] : [])];
}

function partsOf(channel: Channel): readonly FilePart[] {
  const { needs, oneOf, may } = CHANNEL_PARTS[channel];
  const possible = withMjml([...needs, ...oneOf, ...may]);
  return FILE_PARTS.filter((part) => possible.includes(part));
}

function withMjml(parts: readonly PartName[]): readonly FilePart[] {
  return parts.includes('html') ? [...parts, 'mjml'] : parts;
}

interface Source {
  readonly file: string;
  readonly type: string;
  readonly channel: Channel;
  readonly locale: string;
  readonly part: FilePart;
  readonly text: string;
}

/**
 * Reads the template files, `templates/NOTIFICATION/CHANNEL.LOCALE.EXTENSION`, checks that each notification has what its
 * channels need, and turns MJML into HTML. In order of notification, channel, locale.
 *
 * @param notifications undefined when notifications.yaml could not be read: only the files themselves are checked then
 */
export async function readTemplates(
  files: ReadonlyMap<string, string>,
  notifications: { readonly file: YamlFile; readonly types: readonly ReadNotification[] } | undefined,
  problems: Problems,
): Promise<readonly Template[]> {
  const types = notifications?.types;
  const groups = new Map<string, Source[]>();
  for (const file of [...files.keys()].sort()) {
    const source = readName(file, files.get(file)!, problems);
    if (source === undefined) continue;
    const known = types?.find(({ type }) => type.name === source.type);
    if (types && !known) {
      const names = types.map(({ type }) => type.name);
      problems.add(at(file, `no notification is called ${JSON.stringify(source.type)}`, suggest(source.type, names)));
    } else if (known?.channelsKnown && !known.channelAt.has(source.channel)) {
      const channels = [...known.channelAt.keys()].join(', ');
      problems.add(at(file, `${source.type} is not sent by ${source.channel}`, `its channels: ${channels}`));
    } else {
      const key = `${source.type}\n${source.channel}\n${source.locale}`;
      groups.set(key, [...(groups.get(key) ?? []), source]);
    }
  }
  if (notifications) checkDefaults(notifications.file, notifications.types, groups);

  const templates: Template[] = [];
  for (const sources of groups.values()) {
    const template = isComplete(sources, problems) ? await compile(sources, problems) : undefined;
    if (template) templates.push(template);
  }
  return templates.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function readName(file: string, written: string, problems: Problems): Source | undefined {
  const form = 'templates/WELCOME_EMAIL/email.en.html, email.en.subject.txt, sms.en.txt';
  const [, type, name] = /^templates\/([^/]+)\/([^/]+)$/.exec(file) ?? [];
  if (type === undefined || name === undefined) {
    problems.add(at(file, 'a template is one file in the folder of its notification', form));
    return undefined;
  }
  const [, word, locale, subject, extension] = /^([^.]+)\.([^.]+)(\.subject)?\.([^.]+)$/.exec(name) ?? [];
  if (word === undefined || locale === undefined) {
    problems.add(
      at(file, `${JSON.stringify(name)} is not the name of a template`, `CHANNEL.LOCALE.EXTENSION: ${form}`),
    );
    return undefined;
  }
  const channel = CHANNELS.find((candidate) => candidate === word);
  if (channel === undefined) {
    problems.add(at(file, `${JSON.stringify(word)} is not a channel`, suggest(word, CHANNELS)));
    return undefined;
  }
  const canonical = canonicalLocale(locale);
  if (canonical !== locale) {
    const hint = canonical
      ? `rename it to ${name.replace(locale, canonical)}`
      : 'a language, and a region if it matters: en, pt-BR';
    problems.add(at(file, `${JSON.stringify(locale)} is not a locale`, hint));
    return undefined;
  }
  const part = subject ? (extension === 'txt' ? 'subject' : undefined) : BY_EXTENSION[extension!];
  const possible = partsOf(channel);
  if (part === undefined || !possible.includes(part)) {
    const names = possible.map((candidate) => fileName(channel, locale, candidate));
    problems.add(at(file, `${JSON.stringify(name)} is not a part of ${channel}`, `there is: ${names.join(', ')}`));
    return undefined;
  }
  return { file, type, channel, locale, part, text: part === 'html' || part === 'mjml' ? written : written.trimEnd() };
}

const BY_EXTENSION: { readonly [extension: string]: FilePart | undefined } = {
  txt: 'text',
  html: 'html',
  mjml: 'mjml',
};

function fileName(channel: Channel, locale: string, part: FilePart): string {
  if (part === 'subject') return `${channel}.${locale}.subject.txt`;
  return `${channel}.${locale}.${part === 'text' ? 'txt' : part}`;
}

function canonicalLocale(locale: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(locale.replace('_', '-'))[0];
  } catch {
    return undefined;
  }
}

function checkDefaults(file: YamlFile, types: readonly ReadNotification[], groups: ReadonlyMap<string, unknown>): void {
  for (const { type, channelAt } of types) {
    for (const [channel, place] of channelAt) {
      if (OPTIONAL.has(channel) || groups.has(`${type.name}\n${channel}\n${DEFAULT_LOCALE}`)) continue;
      const files = neededBy(channel).map(
        ([first]) => `templates/${type.name}/${fileName(channel, DEFAULT_LOCALE, first!)}`,
      );
      file.problem(
        place,
        `${type.name} has no ${channel} template in "${DEFAULT_LOCALE}"`,
        `write ${files.join(' and ')}`,
      );
    }
  }
}

function isComplete(sources: readonly Source[], problems: Problems): boolean {
  const { channel, locale, type, file } = sources[0]!;
  const has = (part: FilePart) => sources.some((source) => source.part === part);
  const missing = neededBy(channel).filter((alternatives) => !alternatives.some(has));
  for (const alternatives of missing) {
    const name = `templates/${type}/${fileName(channel, locale, alternatives[0]!)}`;
    problems.add(
      at(file, `the ${channel} template in "${locale}" has no ${alternatives.join(' or ')}`, `write ${name}`),
    );
  }
  const empty = sources.filter((source) => source.text.trim() === '');
  for (const source of empty) problems.add(at(source.file, 'the template is empty'));
  const mjml = has('html') ? sources.find((source) => source.part === 'mjml') : undefined;
  if (mjml) problems.add(at(mjml.file, 'there is an .html of this e-mail as well', 'keep one of them'));
  return missing.length === 0 && empty.length === 0 && mjml === undefined;
}

async function compile(sources: readonly Source[], problems: Problems): Promise<Template | undefined> {
  const { type, channel, locale } = sources[0]!;
  const parts: { [part: string]: string } = {};
  const fileOf = new Map<string, string>();
  const mjml = sources.find((source) => source.part === 'mjml');
  for (const source of sources.toSorted(byPart)) {
    const part = source.part === 'mjml' ? 'html' : source.part;
    parts[part] = source === mjml ? await mjmlToHtml(source, problems) : source.text;
    fileOf.set(part, source.file);
  }
  const template: Template = { notificationType: type, channel, locale, parts };
  const compiled = compileTemplate(template);
  if ('template' in compiled) return template;
  for (const { part, message, hint, line, column } of compiled.problems) {
    const file = fileOf.get(part) ?? sources[0]!.file;
    // A place in the HTML that MJML became is none that the author knows.
    const place = file === mjml?.file ? { line: 1, column: 1 } : { line, column };
    problems.add({ file, ...place, message, ...(hint !== undefined && { hint }) });
  }
  return undefined;
}

async function mjmlToHtml({ file, text }: Source, problems: Problems): Promise<string> {
  const result = await compileMjml(text);
  if ('html' in result) return result.html;
  for (const problem of result.problems) problems.add({ file, ...problem });
  return '<p>This could not be made.</p>';
}

function byPart(a: Source, b: Source): number {
  return a.part < b.part ? -1 : 1;
}

function sortKey(template: Template): string {
  return `${template.notificationType}\n${template.channel}\n${template.locale}`;
}

function at(file: string, message: string, hint?: string) {
  return { file, line: 1, column: 1, message, ...(hint !== undefined && { hint }) };
}
