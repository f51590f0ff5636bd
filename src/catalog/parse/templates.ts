import { joinWords } from '../../lib/text/join-words.ts';
import type { Template } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Json } from '../../model/event.ts';
import { findShapeProblems } from '../../templates/part-shape.ts';
import { STRUCTURED_PARTS } from '../../templates/read-part.ts';
import { compileTemplate, HOSTED_PART } from '../../templates/template.ts';
import { DEFAULT_LOCALE } from '../locale.ts';
import type { Problems } from '../problems.ts';
import { compileMjml } from './mjml.ts';
import type { ParsedNotification } from './notifications.ts';
import { readStructure, type StructureFile } from './structure-file.ts';
import { suggest } from './suggest.ts';
import {
  atStart,
  type FilePart,
  formatFileName,
  listRequiredParts,
  parseFileName,
  type TemplateFile,
} from './template-files.ts';
import type { YamlFile } from './yaml.ts';

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
  const hosted = new Map<string, string>();
  for (const { type, hostedBy } of types ?? []) {
    for (const [channel, name] of hostedBy) hosted.set(`${type.name}\n${channel}`, name);
  }
  const isHosted = (type: string, channel: Channel) => hosted.has(`${type}\n${channel}`);
  for (const path of [...files.keys()].sort()) {
    const file = parseFileName(path, files.get(path)!, problems, isHosted);
    if (file === undefined || !isOfNotification(file, types, problems)) continue;
    const key = groupKey(file.type, file.channel, file.locale);
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  const isComplete = (type: string, channel: Channel) =>
    isHosted(type, channel) || groups.has(groupKey(type, channel, DEFAULT_LOCALE));
  if (notifications) checkDefaultLocale(notifications.file, notifications.types, isComplete);

  const templates: Template[] = [];
  for (const group of groups.values()) {
    const { type, channel } = group[0]!;
    const name = hosted.get(`${type}\n${channel}`);
    const isGood = checkParts(group, name !== undefined, problems);
    const template = isGood ? await compileGroup(group, name, problems) : undefined;
    if (template) templates.push(template);
  }
  for (const { type, hostedBy } of types ?? []) {
    for (const [channel, name] of hostedBy) {
      if (groups.has(groupKey(type.name, channel, DEFAULT_LOCALE))) continue;
      const parts = { [HOSTED_PART]: name };
      templates.push({ notificationType: type.name, channel, locale: DEFAULT_LOCALE, parts });
    }
  }
  return templates.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

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
  isComplete: (type: string, channel: Channel) => boolean,
): void {
  for (const { type, channelAt } of types) {
    for (const [channel, at] of channelAt) {
      if (CHANNEL_DESCRIPTORS[channel].fallback || isComplete(type.name, channel)) continue;
      const files = listRequiredParts(channel).map(
        ([first]) => `templates/${type.name}/${formatFileName(channel, DEFAULT_LOCALE, first!)}`,
      );
      const message = `${type.name} has no ${channel} template in "${DEFAULT_LOCALE}"`;
      file.report(at, message, `write ${joinWords(files)}`);
    }
  }
}

/** Whether the files of one template, which agree in type, channel and locale, have all required parts and no empty one. */
function checkParts(group: readonly TemplateFile[], isHosted: boolean, problems: Problems): boolean {
  const { channel, locale, type, file } = group[0]!;
  const has = (part: FilePart) => group.some((one) => one.part === part);
  const required = isHosted ? [] : listRequiredParts(channel);
  const missing = required.filter((alternatives) => !alternatives.some(has));
  const twice = group.filter(({ part, file: other }) => group.find((one) => one.part === part)?.file !== other);
  for (const one of twice)
    problems.add(atStart(one.file, `there is another file of the ${one.part}`, 'keep one of them'));
  for (const alternatives of missing) {
    const message = `the ${channel} template in "${locale}" has no ${joinWords(alternatives, 'or')}`;
    const name = `templates/${type}/${formatFileName(channel, locale, alternatives[0]!)}`;
    problems.add(atStart(file, message, `write ${name}`));
  }
  const empty = group.filter(({ text }) => text.trim() === '');
  for (const one of empty) problems.add(atStart(one.file, 'the template is empty'));
  const mjml = has('html') ? group.find(({ part }) => part === 'mjml') : undefined;
  if (mjml) problems.add(atStart(mjml.file, 'this email has an .html file as well', 'keep one of them'));
  return missing.length === 0 && empty.length === 0 && twice.length === 0 && mjml === undefined;
}

async function compileGroup(
  group: readonly TemplateFile[],
  hostedTemplate: string | undefined,
  problems: Problems,
): Promise<Template | undefined> {
  const { type, channel, locale } = group[0]!;
  const parts: { [part: string]: string } = hostedTemplate === undefined ? {} : { [HOSTED_PART]: hostedTemplate };
  const structures = new Map<string, StructureFile>();
  const fileOfPart = new Map<string, string>();
  const mjml = group.find(({ part }) => part === 'mjml');
  for (const one of group.toSorted(compareByPart)) {
    const part = one.part === 'mjml' ? 'html' : one.part;
    if (STRUCTURED_PARTS.has(part)) {
      const structure = readStructure(one.file, one.text, problems);
      if (!structure) return undefined;
      const misshapen = findShapeProblems(part, JSON.parse(structure.json) as Json);
      for (const { at, message, hint } of misshapen) structure.report(at, message, hint);
      if (misshapen.length > 0) return undefined;
      structures.set(part, structure);
      parts[part] = structure.json;
    } else parts[part] = one === mjml ? await convertMjml(one, problems) : one.text;
    fileOfPart.set(part, one.file);
  }
  const template: Template = { notificationType: type, channel, locale, parts };
  const compiled = compileTemplate(template);
  if ('template' in compiled) return template;
  for (const { part, at, message, hint, line, column } of compiled.problems) {
    const structure = structures.get(part);
    if (structure) {
      structure.report(at ?? [], message, hint);
      continue;
    }
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

function groupKey(type: string, channel: Channel, locale: string): string {
  return `${type}\n${channel}\n${locale}`;
}

function sortKey({ notificationType, channel, locale }: Template): string {
  return groupKey(notificationType, channel, locale);
}

function compareByPart(a: TemplateFile, b: TemplateFile): number {
  return a.part < b.part ? -1 : 1;
}
