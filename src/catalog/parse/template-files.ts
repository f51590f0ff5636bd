import { canonicalizeLocale } from '../../lib/text/locale.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { CHANNEL_PARTS, type PartName } from '../../templates/template.ts';
import type { Problems } from '../problems.ts';
import { suggest } from './suggest.ts';

/** Parts of a template as files have them, in the order of messages. `mjml` is another form of `html`. */
const FILE_PARTS = ['subject', 'html', 'mjml', 'text'] as const;
export type FilePart = (typeof FILE_PARTS)[number];

/** One template file whose name is valid. */
export interface TemplateFile {
  readonly file: string;
  readonly type: string;
  readonly channel: Channel;
  readonly locale: string;
  readonly part: FilePart;
  readonly text: string;
}

/** Parses the path of a file below `templates/`. Reports a file that cannot be part of a template, and returns undefined. */
export function parseFileName(file: string, written: string, problems: Problems): TemplateFile | undefined {
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

/** Returns the parts that a complete template has: one of each list. */
export function listRequiredParts(channel: Channel): readonly (readonly FilePart[])[] {
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

export function formatFileName(channel: Channel, locale: string, part: FilePart): string {
  if (part === 'subject') return `${channel}.${locale}.subject.txt`;
  return `${channel}.${locale}.${part === 'text' ? 'txt' : part}`;
}

/** Returns a problem of a whole file. */
export function atStart(file: string, message: string, hint?: string) {
  return { file, line: 1, column: 1, message, ...(hint !== undefined && { hint }) };
}
