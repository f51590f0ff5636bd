import type { Template } from '../../model/catalog.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { CHANNEL_PARTS, compileTemplate, type PartName } from '../../templates/template.ts';
import { DEFAULT_LOCALE } from '../locale.ts';
import type { Problems } from '../problems.ts';
import { compileMjml } from './mjml.ts';
import type { ParsedNotification } from './notifications.ts';
import { suggest } from './suggest.ts';
import type { YamlFile } from './yaml.ts';

/** Parts of a template as files have them, in the order of messages. `mjml` is another form of `html`. */
const FILE_PARTS = ['subject', 'html', 'mjml', 'text'] as const;
type FilePart = (typeof FILE_PARTS)[number];

/** Channels for which a notification needs no template. */
const OPTIONAL_CHANNELS: ReadonlySet<Channel> = new Set(['webhook', 'internal'] as const);

/** One template file whose name is valid. */
interface TemplateFile {
  readonly file: string;
  readonly type: string;
  readonly channel: Channel;
  readonly locale: string;
  readonly part: FilePart;
  readonly text: string;
}

/**
 * Parses the template files, `templates/NOTIFICATION/CHANNEL.LOCALE.EXTENSION`: checks that each notification has the
 * templates that its channels require, compiles each template, and turns MJML into HTML. The result is ordered by
 * notification, channel and locale.
 *
 * @param files path to text, of everything below `templates/`
 * @param notifications undefined if notifications.yaml could not be parsed: then only the files themselves are checked
 */
export async function parseTemplates(
  files: ReadonlyMap<string, string>,
  notifications: { readonly file: YamlFile; readonly types: readonly ParsedNotification[] } | undefined,
  problems: Problems,
): Promise<readonly Template[]> {
  const types = notifications?.types;
  const groups = new Map<string, TemplateFile[]>();
  for (const path of [...files.keys()].sort()) {
    const file = parseFileName(path, files.get(path)!, problems);
    if (file === undefined || !isOfNotification(file, types, problems)) continue;
    const key = groupKey(file.type, file.channel, file.locale);
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  if (notifications) checkDefaultLocale(notifications.file, notifications.types, groups);

  const templates: Template[] = [];
  for (const group of groups.values()) {
    const template = checkParts(group, problems) ? await compileGroup(group, problems) : undefined;
    if (template) templates.push(template);
  }
  return templates.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function parseFileName(file: string, written: string, problems: Problems): TemplateFile | undefined {
  const examples = 'templates/WELCOME_EMAIL/email.en.html, email.en.subject.txt, sms.en.txt';
  const report = (message: string, hint: string) => {
    problems.add(atStart(file, message, hint));
    return undefined;
  };
  const [, type, name] = /^templates\/([^/]+)\/([^/]+)$/.exec(file) ?? [];
  if (type === undefined || name === undefined) {
    return report('a template must be a file in the folder of its notification', examples);
  }
  const [, word, locale, subject, extension] = /^([^.]+)\.([^.]+)(\.subject)?\.([^.]+)$/.exec(name) ?? [];
  if (word === undefined || locale === undefined) {
    const message = `${JSON.stringify(name)} is not the file name of a template`;
    return report(message, `name it CHANNEL.LOCALE.EXTENSION: ${examples}`);
  }
  const channel = CHANNELS.find((candidate) => candidate === word);
  if (channel === undefined) return report(`${JSON.stringify(word)} is not a channel`, suggest(word, CHANNELS));
  const canonical = canonicalizeLocale(locale);
  if (canonical !== locale) {
    const hint = canonical
      ? `rename it to ${name.replace(locale, canonical)}`
      : 'use a language and, if it matters, a region: en, pt-BR';
    return report(`${JSON.stringify(locale)} is not a locale`, hint);
  }
  const part = subject ? (extension === 'txt' ? 'subject' : undefined) : PART_BY_EXTENSION[extension!];
  const possible = listFileParts(channel);
  if (part === undefined || !possible.includes(part)) {
    const names = possible.map((candidate) => formatFileName(channel, locale, candidate));
    return report(`${JSON.stringify(name)} is not a part of ${channel}`, suggest(name, names));
  }
  return { file, type, channel, locale, part, text: part === 'html' || part === 'mjml' ? written : written.trimEnd() };
}

const PART_BY_EXTENSION: { readonly [extension: string]: FilePart | undefined } = {
  txt: 'text',
  html: 'html',
  mjml: 'mjml',
};

/** @param types undefined: the notifications are not known, and nothing is checked */
function isOfNotification(
  { file, type, channel }: TemplateFile,
  types: readonly ParsedNotification[] | undefined,
  problems: Problems,
): boolean {
  const known = types?.find((one) => one.type.name === type);
  if (types && !known) {
    const names = types.map((one) => one.type.name);
    problems.add(atStart(file, `no notification is called ${JSON.stringify(type)}`, suggest(type, names)));
    return false;
  }
  if (known?.channelsKnown && !known.channelAt.has(channel)) {
    const channels = [...known.channelAt.keys()].join(', ');
    problems.add(atStart(file, `${type} is not sent by ${channel}`, `its channels: ${channels}`));
    return false;
  }
  return true;
}

/** Checks that each notification has a template in the default locale for each channel that requires one. */
function checkDefaultLocale(
  file: YamlFile,
  types: readonly ParsedNotification[],
  groups: ReadonlyMap<string, unknown>,
): void {
  for (const { type, channelAt } of types) {
    for (const [channel, at] of channelAt) {
      if (OPTIONAL_CHANNELS.has(channel) || groups.has(groupKey(type.name, channel, DEFAULT_LOCALE))) continue;
      const files = listRequiredParts(channel).map(
        ([first]) => `templates/${type.name}/${formatFileName(channel, DEFAULT_LOCALE, first!)}`,
      );
      const message = `${type.name} has no ${channel} template in "${DEFAULT_LOCALE}"`;
      file.problem(at, message, `write ${files.join(' and ')}`);
    }
  }
}

/** Whether the files of one template, which agree in type, channel and locale, have all required parts and no empty one. */
function checkParts(group: readonly TemplateFile[], problems: Problems): boolean {
  const { channel, locale, type, file } = group[0]!;
  const has = (part: FilePart) => group.some((one) => one.part === part);
  const missing = listRequiredParts(channel).filter((alternatives) => !alternatives.some(has));
  for (const alternatives of missing) {
    const message = `the ${channel} template in "${locale}" has no ${alternatives.join(' or ')}`;
    const name = `templates/${type}/${formatFileName(channel, locale, alternatives[0]!)}`;
    problems.add(atStart(file, message, `write ${name}`));
  }
  const empty = group.filter(({ text }) => text.trim() === '');
  for (const one of empty) problems.add(atStart(one.file, 'the template is empty'));
  const mjml = has('html') ? group.find(({ part }) => part === 'mjml') : undefined;
  if (mjml) problems.add(atStart(mjml.file, 'this email has an .html file as well', 'keep one of them'));
  return missing.length === 0 && empty.length === 0 && mjml === undefined;
}

async function compileGroup(group: readonly TemplateFile[], problems: Problems): Promise<Template | undefined> {
  const { type, channel, locale } = group[0]!;
  const parts: { [part: string]: string } = {};
  const fileOfPart = new Map<string, string>();
  const mjml = group.find(({ part }) => part === 'mjml');
  for (const one of group.toSorted(compareByPart)) {
    const part = one.part === 'mjml' ? 'html' : one.part;
    parts[part] = one === mjml ? await convertMjml(one, problems) : one.text;
    fileOfPart.set(part, one.file);
  }
  const template: Template = { notificationType: type, channel, locale, parts };
  const compiled = compileTemplate(template);
  if ('template' in compiled) return template;
  for (const { part, message, hint, line, column } of compiled.problems) {
    const file = fileOfPart.get(part) ?? group[0]!.file;
    // A place in the HTML that MJML produced means nothing to the author.
    const place = file === mjml?.file ? { line: 1, column: 1 } : { line, column };
    problems.add({ file, ...place, message, ...(hint !== undefined && { hint }) });
  }
  return undefined;
}

/** Returns the HTML; a placeholder after a problem, which has been reported. */
async function convertMjml({ file, text }: TemplateFile, problems: Problems): Promise<string> {
  const result = await compileMjml(text);
  if ('html' in result) return result.html;
  for (const problem of result.problems) problems.add({ file, ...problem });
  return '<p>MJML problem</p>';
}

/** Returns the parts that a complete template has: one of each list. */
function listRequiredParts(channel: Channel): readonly (readonly FilePart[])[] {
  const { needs, oneOf } = CHANNEL_PARTS[channel];
  return [...needs.map((part) => [part]), ...(oneOf.length > 0 ? [addMjml(oneOf)] : [])];
}

/** Returns the parts that a template may have. */
function listFileParts(channel: Channel): readonly FilePart[] {
  const { needs, oneOf, may } = CHANNEL_PARTS[channel];
  const possible = addMjml([...needs, ...oneOf, ...may]);
  return FILE_PARTS.filter((part) => possible.includes(part));
}

function addMjml(parts: readonly PartName[]): readonly FilePart[] {
  return parts.includes('html') ? [...parts, 'mjml'] : parts;
}

function formatFileName(channel: Channel, locale: string, part: FilePart): string {
  if (part === 'subject') return `${channel}.${locale}.subject.txt`;
  return `${channel}.${locale}.${part === 'text' ? 'txt' : part}`;
}

/** Returns the BCP 47 spelling of a locale, or undefined if it is not one. */
function canonicalizeLocale(locale: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(locale.replace('_', '-'))[0];
  } catch {
    return undefined;
  }
}

function groupKey(type: string, channel: Channel, locale: string): string {
  return `${type}\n${channel}\n${locale}`;
}

function sortKey({ notificationType, channel, locale }: Template): string {
  return groupKey(notificationType, channel, locale);
}

function compareByPart(a: TemplateFile, b: TemplateFile): number {
  return a.part < b.part ? -1 : 1;
}

function atStart(file: string, message: string, hint?: string) {
  return { file, line: 1, column: 1, message, ...(hint !== undefined && { hint }) };
}
