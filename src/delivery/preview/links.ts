import { decodeHTMLAttribute } from 'entities';
import ipaddr from 'ipaddr.js';
import { isPublicAddress } from '../../http-out/public-address.ts';
import { getAttribute, listTags } from '../../templates/tags.ts';

/** A link or picture of a message. */
export interface PreviewLink {
  readonly url: string;
  readonly kind: 'link' | 'image';
}

/** Links of a preview that are listed. */
const MAX_LINKS = 200;

/** Returns the links and pictures of a message in order, each once: the first MAX_LINKS. */
export function listLinks(html: string | undefined, text: string): readonly PreviewLink[] {
  const found = new Map<string, PreviewLink>();
  const add = (url: string, kind: PreviewLink['kind']) => {
    if (found.size < MAX_LINKS && !found.has(url)) found.set(url, { url, kind });
  };
  if (html === undefined) {
    for (const [url] of text.matchAll(/\bhttps?:\/\/[^\s<>"')\]]{1,2048}/gi)) add(url, 'link');
    return [...found.values()];
  }
  for (const tag of listTags(html)) {
    if (tag.name !== 'a' && tag.name !== 'area' && tag.name !== 'img') continue;
    const isImage = tag.name === 'img';
    const url = getAttribute(tag, isImage ? 'src' : 'href');
    if (url !== undefined) add(decodeHTMLAttribute(url).trim(), isImage ? 'image' : 'link');
  }
  return [...found.values()];
}

/** Signs of a value that was not filled in, or not written yet. */
const PLACEHOLDER = /\{\{|%7B%7B|\[\[|\$\{|\b(?:TODO|FIXME|XXX+)\b|\/(?:undefined|null|NaN)(?=[/?#]|$)/;

/** Returns why a link leads nowhere, as a predicate; undefined: its form is good. */
export function findLinkFault({ url, kind }: PreviewLink): string | undefined {
  if (url === '') return 'is empty';
  if (url === '#') return 'leads nowhere: a value with a scheme that is not safe becomes #';
  if (PLACEHOLDER.test(url)) return 'has a placeholder in it';
  if (/^(?:mailto|tel|sms|cid):/i.test(url)) return undefined;
  const parsed = URL.parse(url);
  if (parsed === null) return 'is no absolute URL';
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  // Only where the host is an address itself: names are looked up by who follows the links.
  if (ipaddr.isValid(host) && !isPublicAddress(host))
    return `leads to the private address ${host}, which readers cannot reach`;
  if (parsed.protocol === 'http:')
    return `begins with http://${kind === 'image' ? ', and many readers will not see it' : ''}`;
  if (parsed.protocol === 'https:' && !parsed.hostname.includes('.')) return `names the host "${parsed.hostname}"`;
  return undefined;
}
