import { canonicalizeLocale } from '../../lib/text/locale.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { PartName } from '../../model/channels/descriptor.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { STRUCTURED_PARTS } from '../../templates/read-part.ts';
import type { Problems } from '../problems.ts';
import { suggest } from './suggest.ts';

/** Parts of a template as files have them, in the order of messages. `mjml` is another form of `html`. */
export const FILE_PARTS = [
  'subject',
  'preheader',
  'title',
  'html',
  'mjml',
  'text',
  'badge',
  'image',
  'actions',
  'inbox',
  'blocks',
  'data',
  'attachments',
] as const satisfies readonly (PartName | 'mjml')[];
/** A part of a template as it is written. */
export type FilePart = (typeof FILE_PARTS)[number];

/** One template file whose name is valid. */
export interface TemplateFile {
  readonly file: string;
  readonly type: string;
  readonly channel: Channel;
  readonly locale: string;
  /** Absent: the template without a variant. */
  readonly variant?: string;
  readonly part: FilePart;
  readonly text: string;
}

/** Names of variants. DEFAULT_VARIANT stands for the template without one. */
export const VARIANT_NAME: RegExp = /^(?!default$)[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;

/** Parts whose white space at the end, or whose lines, matter. */
const KEPT_AS_WRITTEN: ReadonlySet<FilePart> = new Set([
  'html',
  'mjml',
  'data',
  'actions',
  'inbox',
  'blocks',
  'attachments',
]);

/** Parses the path of a file below `templates/`. Reports a file that cannot be part of a template, and returns undefined. */
export function parseFileName(
  file: string,
  written: string,
  problems: Problems,
  isHosted: (type: string, channel: Channel) => boolean,
): TemplateFile | undefined {
  const examples = 'templates/WELCOME_EMAIL/email.en.html, email.en.subject.txt, sms.en.txt';
  const report = (message: string, hint: string) => {
    problems.add(atStart(file, message, hint));
    return undefined;
  };
  const [, type, name] = /^templates\/([^/]+)\/([^/]+)$/.exec(file) ?? [];
  if (type === undefined || name === undefined) {
    return report('a template must be a file in the folder of its notification', examples);
  }
  const [, word, locale, variant, partName, extension] =
    /^([^.]+)\.([^.@]+)(?:@([^.]*))?(?:\.([^.]+))?\.([^.]+)$/.exec(name) ?? [];
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
  if (variant !== undefined && !VARIANT_NAME.test(variant)) {
    const hint = 'use letters, digits, - and _, at most 40, and not "default": email.en@short.html';
    return report(`${JSON.stringify(variant)} is not the name of a variant`, hint);
  }
  const hosted = isHosted(type, channel);
  const possible = hosted ? HOSTED_FILE_PARTS : listFileParts(channel);
  const part = findPart(partName, extension!, possible);
  if (part === undefined) {
    const names = possible.map((candidate) => formatFileName(channel, locale, candidate, variant));
    const message = `${JSON.stringify(name)} is not a part of ${channel}`;
    if (!hosted) return report(message, suggest(name, names));
    return report(
      `${message} by "provider_template", which the provider renders`,
      `keep one of them; it takes ${names.join(', ')}`,
    );
  }
  const text = KEPT_AS_WRITTEN.has(part) ? written : written.trimEnd();
  return { file, type, channel, locale, ...(variant === undefined ? {} : { variant }), part, text };
}

/** A template that the provider keeps has at most data of its own. */
const HOSTED_FILE_PARTS: readonly FilePart[] = ['data'];

function findPart(name: string | undefined, extension: string, possible: readonly FilePart[]): FilePart | undefined {
  const written = name === undefined ? PART_BY_EXTENSION[extension] : FILE_PARTS.find((part) => part === name);
  if (written === undefined || (name !== undefined && !listExtensions(written).includes(extension))) return undefined;
  // The line above the text of a message that has no subject is its title.
  const part = written === 'subject' && !possible.includes('subject') ? 'title' : written;
  return possible.includes(part) ? part : undefined;
}

/** Returns the extensions of a part whose name stands in the file name; the first is the usual one. */
function listExtensions(part: FilePart): readonly string[] {
  if (part in NAMED_BY_EXTENSION) return [];
  return STRUCTURED_PARTS.has(part) ? ['yaml', 'yml', 'json'] : ['txt'];
}

const NAMED_BY_EXTENSION: { readonly [part in FilePart]?: string } = { text: 'txt', html: 'html', mjml: 'mjml' };

const PART_BY_EXTENSION: { readonly [extension: string]: FilePart | undefined } = {
  txt: 'text',
  html: 'html',
  mjml: 'mjml',
};

/** Returns the parts that a complete template has: one of each list. */
export function listRequiredParts(channel: Channel): readonly (readonly FilePart[])[] {
  const { needs, oneOf } = CHANNEL_DESCRIPTORS[channel].parts;
  return [...needs.map((part) => [part]), ...(oneOf.length > 0 ? [addMjml(oneOf)] : [])];
}

/** Returns the parts that a template may have. */
function listFileParts(channel: Channel): readonly FilePart[] {
  const { needs, oneOf, may } = CHANNEL_DESCRIPTORS[channel].parts;
  const possible = addMjml([...needs, ...oneOf, ...may]);
  return FILE_PARTS.filter((part) => possible.includes(part));
}

function addMjml(parts: readonly PartName[]): readonly FilePart[] {
  return parts.includes('html') ? [...parts, 'mjml'] : parts;
}

/** Returns the name of the file of a part. @param variant undefined: that of the template without one */
export function formatFileName(channel: Channel, locale: string, part: FilePart, variant?: string): string {
  const extension = NAMED_BY_EXTENSION[part];
  const of = variant === undefined ? locale : `${locale}@${variant}`;
  return `${channel}.${of}.${extension ?? `${part}.${listExtensions(part)[0]}`}`;
}

/** Returns a problem of a whole file. */
export function atStart(file: string, message: string, hint?: string) {
  return { file, line: 1, column: 1, message, ...(hint !== undefined && { hint }) };
}
