import { findNearest } from '../../lib/text/did-you-mean.ts';
import { joinWords } from '../../lib/text/join-words.ts';
import { listLookupLocales } from '../../lib/text/locale.ts';
import type { Template, Variables } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Json } from '../../model/event.ts';
import { getTemplateType } from '../../model/frequency.ts';
import { type Expanded, expandSource } from '../../templates/expand.ts';
import { findShapeProblems } from '../../templates/part-shape.ts';
import type { Pieces } from '../../templates/pieces.ts';
import { toPreheaderHtml } from '../../templates/preheader.ts';
import { STRUCTURED_PARTS } from '../../templates/read-part.ts';
import { compileTemplate, type DeclaredVariables, HOSTED_PART, listVariableNames } from '../../templates/template.ts';
import { DEFAULT_LOCALE } from '../locale.ts';
import type { Problems } from '../problems.ts';
import { compileMjml } from './mjml.ts';
import type { HostedNames } from './notification-templates.ts';
import type { ParsedNotification, ParsedNotifications } from './notifications.ts';
import { isPieceFile, parsePieces } from './pieces.ts';
import { groupKey, type StoredTemplate, sortKey } from './stored-template.ts';
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
 * @param stored templates that stand in the place of files, as far as their notifications and channels exist; with them, a
 *   notification may have no template yet. Undefined: files alone count
 */
export async function parseTemplates(
  files: ReadonlyMap<string, string>,
  notifications: (ParsedNotifications & { readonly file: YamlFile }) | undefined,
  problems: Problems,
  stored?: readonly StoredTemplate[],
): Promise<readonly Template[]> {
  const { types, variables: shared } = notifications ?? {};
  const groups = new Map<string, TemplateFile[]>();
  const hosted = new Map<string, HostedNames>();
  for (const { type, hostedBy } of types ?? []) {
    for (const [channel, names] of hostedBy) hosted.set(`${type.name}\n${channel}`, names);
  }
  const isHosted = (type: string, channel: Channel) => hosted.has(`${type}\n${channel}`);
  const pieces = parsePieces(files, problems);
  for (const path of [...files.keys()].sort()) {
    if (isPieceFile(path)) continue;
    const file = parseFileName(path, files.get(path)!, problems, isHosted);
    if (file === undefined || !isOfNotification(file, types, problems)) continue;
    const key = groupKey(file.type, file.channel, file.locale, file.variant);
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  const taken = new Map<string, StoredTemplate>();
  const ofTemplates = new Map<string, Variables>();
  for (const one of stored ?? []) {
    const { notificationType: type, channel, locale, variant } = one;
    if (!types?.some((known) => known.type.name === type && known.channelAt.has(channel))) continue;
    const files = [...one.files].map(([path, text]) => parseFileName(path, text, problems, isHosted));
    const key = groupKey(type, channel, locale, variant);
    groups.set(
      key,
      files.filter((file) => file !== undefined),
    );
    taken.set(key, one);
    ofTemplates.set(type, { ...ofTemplates.get(type), ...one.variables });
  }
  const isComplete = (type: string, channel: Channel) =>
    isHosted(type, channel) || groups.has(groupKey(type, channel, DEFAULT_LOCALE));
  if (notifications) {
    if (stored === undefined) checkDefaultLocale(notifications.file, notifications.types, isComplete);
    checkLayouts(notifications.file, notifications.types, pieces);
  }

  const templates: Template[] = [];
  for (const [key, group] of groups) {
    if (group.length === 0) continue;
    const { type, channel, locale } = group[0]!;
    const names = hosted.get(`${type}\n${channel}`);
    const isGood = checkParts(group, names !== undefined, problems);
    const known = types?.find((one) => one.type.name === getTemplateType(type));
    // A digest has no variables of its own.
    const own = known?.type.name === type ? known.type.variables : undefined;
    const surroundings = {
      pieces,
      layout: known?.layouts.get(channel)?.name,
      hostedTemplate: names && findHostedName(names, locale),
      declared: { own: { ...own, ...ofTemplates.get(type) }, shared },
    };
    const template = isGood ? await compileGroup(group, surroundings, problems) : undefined;
    const one = taken.get(key);
    if (template && one) {
      const { variables, stored: version } = one;
      templates.push({ ...template, ...(variables && { variables }), stored: version });
    } else if (template) templates.push(template);
  }
  for (const { type, hostedBy } of types ?? []) {
    for (const [channel, names] of hostedBy) {
      for (const [locale, name] of names) {
        if (groups.has(groupKey(type.name, channel, locale))) continue;
        templates.push({ notificationType: type.name, channel, locale, parts: { [HOSTED_PART]: name } });
      }
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
  const known = types?.find((one) => one.type.name === getTemplateType(type));
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

/** Checks that the layouts that are named exist in some form. */
function checkLayouts(file: YamlFile, types: readonly ParsedNotification[], pieces: Pieces): void {
  const known = pieces.listNames('layout');
  for (const { name, at } of types.flatMap(({ layouts }) => [...layouts.values()])) {
    if (known.includes(name)) continue;
    const near = findNearest(name, known);
    const hint = near === undefined ? `write templates/_layouts/${name}.html` : `did you mean ${near}?`;
    file.report(at, `no layout is called ${JSON.stringify(name)}`, hint);
  }
}

/** Whether the files of one template, which agree in type, channel and locale, have all required parts and no empty one. */
function checkParts(group: readonly TemplateFile[], isHosted: boolean, problems: Problems): boolean {
  const { channel, locale, type, file, variant } = group[0]!;
  const has = (part: FilePart) => group.some((one) => one.part === part);
  const required = isHosted ? [] : listRequiredParts(channel);
  const missing = required.filter((alternatives) => !alternatives.some(has));
  const twice = group.filter(({ part, file: other }) => group.find((one) => one.part === part)?.file !== other);
  for (const one of twice)
    problems.add(atStart(one.file, `there is another file of the ${one.part}`, 'keep one of them'));
  for (const alternatives of missing) {
    const message = `the ${channel} template in "${locale}" has no ${joinWords(alternatives, 'or')}`;
    const name = `templates/${type}/${formatFileName(channel, locale, alternatives[0]!, variant)}`;
    problems.add(atStart(file, message, `write ${name}`));
  }
  const empty = group.filter(({ text }) => text.trim() === '');
  for (const one of empty) problems.add(atStart(one.file, 'the template is empty'));
  const mjml = has('html') ? group.find(({ part }) => part === 'mjml') : undefined;
  if (mjml) problems.add(atStart(mjml.file, 'this email has an .html file as well', 'keep one of them'));
  return missing.length === 0 && empty.length === 0 && twice.length === 0 && mjml === undefined;
}

/** Everything that a template needs beside its own files. */
interface Surroundings {
  readonly pieces: Pieces;
  /** Name of the layout of its channel. */
  readonly layout: string | undefined;
  /** Name of the template of the provider. */
  readonly hostedTemplate: string | undefined;
  readonly declared: DeclaredVariables;
}

async function compileGroup(
  group: readonly TemplateFile[],
  surroundings: Surroundings,
  problems: Problems,
): Promise<Template | undefined> {
  const { hostedTemplate, declared } = surroundings;
  const { type, channel, locale, variant } = group[0]!;
  const parts: { [part: string]: string } = hostedTemplate === undefined ? {} : { [HOSTED_PART]: hostedTemplate };
  const structures = new Map<string, StructureFile>();
  const fileOfPart = new Map<string, string>();
  const expanded = new Map<string, Expanded>();
  const mjml = group.find(({ part }) => part === 'mjml');
  const preheader = group.find(({ part }) => part === 'preheader');
  for (const one of group.toSorted(compareByPart)) {
    const part = one.part === 'mjml' ? 'html' : one.part;
    fileOfPart.set(part, one.file);
    if (STRUCTURED_PARTS.has(part)) {
      const structure = readStructure(one.file, one.text, problems);
      if (!structure) return undefined;
      const misshapen = findShapeProblems(part, JSON.parse(structure.json) as Json);
      for (const { at, message, hint } of misshapen) structure.report(at, message, hint);
      if (misshapen.length > 0) return undefined;
      structures.set(part, structure);
      parts[part] = structure.json;
      continue;
    }
    const whole = expandPart(one, preheader, surroundings, problems);
    if (!whole) return undefined;
    expanded.set(part, whole);
    parts[part] = one === mjml ? await convertMjml(whole, declared, problems) : whole.text;
  }
  // A layout that has shown it leaves none for the beginning.
  if (expanded.get('html')?.hasPreheader) delete parts.preheader;
  const template: Template = { notificationType: type, channel, locale, ...(variant && { variant }), parts };
  const compiled = compileTemplate(template, declared);
  if ('template' in compiled) return template;
  for (const { part, at, message, hint, line, column } of compiled.problems) {
    const structure = structures.get(part);
    if (structure) {
      structure.report(at ?? [], message, hint);
      continue;
    }
    const file = fileOfPart.get(part) ?? group[0]!.file;
    // A place in the HTML that MJML produced means nothing to the author.
    const place = file === mjml?.file ? atStart(file, message) : expanded.get(part)?.locate(line, column);
    problems.add({ ...atStart(file, message), ...place, message, ...(hint !== undefined && { hint }) });
  }
  return undefined;
}

/** Puts a part together with its layout and partials. Returns undefined after a problem, which has been reported. */
function expandPart(
  { file, text, part, channel, locale, type }: TemplateFile,
  preheader: TemplateFile | undefined,
  { pieces, layout }: Surroundings,
  problems: Problems,
): Expanded | undefined {
  const form = part === 'html' || part === 'mjml' ? part : 'txt';
  const isBody = form !== 'txt' || part === 'text';
  const around = isBody ? layout : undefined;
  // A layout for HTML may have no file for texts; the text is then as it is written.
  const isThere = around !== undefined && pieces.find('layout', around, form, locale) !== undefined;
  if (around !== undefined && !isThere && form !== 'txt') {
    if (!pieces.listNames('layout').includes(around)) return undefined;
    const message = `the layout ${JSON.stringify(around)} of ${type} by ${channel} has no .${form} file`;
    problems.add(atStart(file, message, `write templates/_layouts/${around}.${form}`));
    return undefined;
  }
  const whole = expandSource(
    { file, text },
    {
      pieces,
      form,
      locale,
      ...(isThere && { layout: around }),
      ...(preheader && { preheader: { file: preheader.file, text: toPreheaderHtml(preheader.text) } }),
    },
  );
  if (!('problems' in whole)) return whole;
  for (const problem of whole.problems) problems.add(problem);
  return undefined;
}

/** Returns the HTML; a placeholder after a problem, which has been reported. */
async function convertMjml(whole: Expanded, declared: DeclaredVariables, problems: Problems): Promise<string> {
  const result = await compileMjml(whole.text, { variables: listVariableNames(declared) });
  if ('html' in result) return result.html;
  for (const problem of result.problems) problems.add({ ...problem, ...whole.locate(problem.line, problem.column) });
  return '<p>MJML problem</p>';
}

/** Returns the name of the provider's template for a locale: its own, a shorter one's, or that of the default locale. */
function findHostedName(names: HostedNames, locale: string): string {
  const found = [...listLookupLocales(locale), DEFAULT_LOCALE].map((one) => names.get(one)).find(Boolean);
  return found ?? [...names.values()][0]!;
}

function compareByPart(a: TemplateFile, b: TemplateFile): number {
  return a.part < b.part ? -1 : 1;
}
