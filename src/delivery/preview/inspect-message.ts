import { measureSms, type SmsSize } from '../../channels/sms/segments.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel, Message } from '../../model/delivery.ts';
import { getAttribute, listTags } from '../../templates/tags.ts';
import { findLinkFault, listLinks, type PreviewLink } from './links.ts';

/** Codes of findings about a message that is previewed. */
export const PREVIEW_FINDINGS = [
  'not_rendered',
  'no_postal_address',
  'no_unsubscribe_link',
  'clipped',
  'subject_long',
  'no_preheader',
  'image_without_alt',
  'no_language',
  'link',
  'link_not_answering',
  'sms_parts',
  'sms_unicode',
] as const;

export interface PreviewFinding {
  readonly code: (typeof PREVIEW_FINDINGS)[number];
  /** `error`: it is not sent like this. */
  readonly severity: 'error' | 'warning';
  readonly part?: string;
  readonly message: string;
}

export interface Inspection {
  readonly findings: readonly PreviewFinding[];
  readonly links: readonly PreviewLink[];
  readonly sms?: SmsSize;
  /** Size of the HTML in bytes, as UTF-8. */
  readonly htmlBytes?: number;
  /** The HTML as a reader with a dark screen sees it. */
  readonly darkHtml?: string;
}

/** Size at which Gmail cuts an email off, in bytes. */
export const CLIPPED_BYTES = 102 * 1024;
/** Characters of a subject that phones show, about. */
const SHOWN_SUBJECT_CHARS = 70;
/** Faulty links that are reported one by one. */
const MAX_LINK_FINDINGS = 20;

/** Returns the findings about a rendered message, and what they were made from. */
export function inspectMessage(channel: Channel, message: Message): Inspection {
  const findings: PreviewFinding[] = [];
  const warn = (code: PreviewFinding['code'], part: string, text: string) =>
    findings.push({ code, severity: 'warning', part, message: text });
  const { subject, html, text } = message;
  const links = listLinks(html, text);
  const part = html === undefined ? 'text' : 'html';
  for (const link of links.slice(0, MAX_LINK_FINDINGS)) {
    const fault = findLinkFault(link);
    if (fault) warn('link', part, `the ${link.kind} ${JSON.stringify(link.url.slice(0, 200))} ${fault}`);
  }
  if (subject !== undefined && [...subject].length > SHOWN_SUBJECT_CHARS) {
    warn(
      'subject_long',
      'subject',
      `the subject has ${[...subject].length} characters; phones show about ${SHOWN_SUBJECT_CHARS}`,
    );
  }
  const htmlBytes = html === undefined ? undefined : Buffer.byteLength(html);
  if (html !== undefined && htmlBytes !== undefined) {
    if (htmlBytes > CLIPPED_BYTES) {
      warn('clipped', 'html', `the HTML has ${htmlBytes} bytes; Gmail cuts it off after ${CLIPPED_BYTES}`);
    }
    const tags = [...listTags(html)];
    // A preheader that is written by hand is hidden, too.
    if (!tags.some((tag) => /display:\s{0,9}none/i.test(getAttribute(tag, 'style') ?? ''))) {
      warn(
        'no_preheader',
        'html',
        'there is no preheader: inboxes show the first words of the email beside its subject',
      );
    }
    const silent = tags.filter((tag) => tag.name === 'img' && getAttribute(tag, 'alt') === undefined).length;
    if (silent > 0) {
      const which = silent === 1 ? 'a picture has' : `${silent} pictures have`;
      warn('image_without_alt', 'html', `${which} no alt text, which readers see where pictures are not loaded`);
    }
  }
  if (html !== undefined && lacksLanguage(html)) {
    warn('no_language', 'html', 'the HTML names no language, by which it is read aloud: write <html lang="en">');
  }
  const sms = CHANNEL_DESCRIPTORS[channel].addressKind === 'phone' ? measureSms(text) : undefined;
  if (sms && sms.parts > 1) warn('sms_parts', 'text', `the SMS is billed as ${sms.parts} parts`);
  if (sms?.firstUnicode !== undefined) {
    warn(
      'sms_unicode',
      'text',
      `${JSON.stringify(sms.firstUnicode)} is not in GSM-7: a part has ${sms.unitsPerPart} characters only`,
    );
  }
  return {
    findings,
    links,
    ...(sms && { sms }),
    ...(htmlBytes === undefined ? {} : { htmlBytes }),
    ...(html === undefined ? {} : { darkHtml: toDarkHtml(html) }),
  };
}

/** Whether HTML that is a whole page does not say its language. MJML writes `und` where the author does not. */
function lacksLanguage(html: string): boolean {
  for (const tag of listTags(html)) {
    if (tag.name === 'html') return /^(?:|und)$/i.test(getAttribute(tag, 'lang')?.trim() ?? '');
  }
  return false;
}

const INVERTED = `<style>:root{color-scheme:dark}html{background:#fff;filter:invert(1) hue-rotate(180deg)}img{filter:invert(1) hue-rotate(180deg)}</style>`;

/**
 * Returns HTML as a dark screen shows it: with its own rules for dark screens, if it has any, or else with inverted colors, as
 * mail programs do.
 */
function toDarkHtml(html: string): string {
  const own = /\(\s*prefers-color-scheme\s*:\s*dark\s*\)/gi;
  return own.test(html) ? html.replace(own, '(min-width: 0)') : INVERTED + html;
}
