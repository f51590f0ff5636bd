import type { PartName } from '../model/channels/descriptor.ts';
import type { FileReference, Message } from '../model/delivery.ts';
import type { Json, JsonObject } from '../model/event.ts';
import { toText, type Value } from './helpers.ts';
import { isSafeLink, MAX_URL_CHARS } from './links.ts';
import { readInboxHints } from './read-inbox-hints.ts';
import { RenderLimit } from './run.ts';
import { tidySubject } from './tidy.ts';

/** Members of a message that a part beside subject, text and HTML becomes. */
type ExtraParts = Pick<Message, 'title' | 'data' | 'badge' | 'image' | 'actions' | 'inbox' | 'blocks' | 'files'>;

/** Parts that are JSON whose texts are templates; the others are texts. */
export const STRUCTURED_PARTS: ReadonlySet<string> = new Set<PartName>([
  'data',
  'actions',
  'inbox',
  'blocks',
  'attachments',
]);

/** Parts beside subject, text and HTML, in the order of messages. */
export const EXTRA_PARTS = ['title', 'badge', 'image', 'actions', 'inbox', 'blocks', 'data', 'attachments'] as const;
export type ExtraPart = (typeof EXTRA_PARTS)[number];

const MAX_LABEL_CHARS = 100;
const MAX_BADGE = 1_000_000;

/**
 * Returns the member of a message that a rendered part becomes; undefined: the part shows nothing, and is left out.
 * @throws RenderLimit for a value that the part cannot have
 */
export function readPart(part: ExtraPart, value: Value): ExtraParts | undefined {
  switch (part) {
    case 'title':
      return { title: tidySubject(toText(value)) };
    case 'badge':
      return readBadge(toText(value).trim());
    case 'image':
      return readImage(toText(value).trim());
    case 'actions':
      return { actions: readList(value).map(readAction) };
    case 'inbox':
      return { inbox: readInboxHints(readObject(value)) };
    case 'blocks':
      return { blocks: readList(value).map(readObject) };
    case 'data':
      return { data: readObject(value) };
    case 'attachments': {
      const files = readList(value).flatMap(readAttachment);
      return files.length === 0 ? undefined : { files };
    }
  }
}

function readBadge(text: string): ExtraParts | undefined {
  if (text === '') return undefined;
  if (!/^\d{1,7}$/.test(text) || Number(text) > MAX_BADGE) {
    throw new RenderLimit(`it is not a whole number from 0 to ${MAX_BADGE}`);
  }
  return { badge: Number(text) };
}

function readImage(image: string): ExtraParts | undefined {
  if (image === '') return undefined;
  if (!/^https:\/\/[^\s]+$/i.test(image)) throw new RenderLimit('it is not a URL that begins with https://');
  return { image };
}

function readAction(value: Json): { readonly label: string; readonly url: string } {
  const { label, url } = readObject(value);
  const text = tidySubject(toText(label));
  const link = toText(url).trim();
  if (text === '') throw new RenderLimit('an action has no label');
  if (text.length > MAX_LABEL_CHARS) throw new RenderLimit(`a label has more than ${MAX_LABEL_CHARS} characters`);
  if (!isSafeLink(link)) {
    throw new RenderLimit('an action has no URL that a button may open');
  }
  return { label: text, url: link };
}

/** Returns no file for one whose URL is missing: an invoice may not exist. */
function readAttachment(value: Json): readonly FileReference[] {
  const { url, name, type, content_id: contentId } = readObject(value);
  const link = toText(url).trim();
  if (link === '') return [];
  if (link.length > MAX_URL_CHARS) throw new RenderLimit(`a URL has more than ${MAX_URL_CHARS} characters`);
  const fileName = tidySubject(toText(name));
  if (fileName === '') throw new RenderLimit('an attachment has no name');
  const [mediaType, cid] = [toText(type).trim(), toText(contentId).trim()];
  return [
    {
      url: link,
      name: fileName,
      ...(mediaType === '' ? {} : { type: mediaType }),
      ...(cid === '' ? {} : { contentId: cid }),
    },
  ];
}

function readList(value: Value): readonly Json[] {
  if (!Array.isArray(value)) throw new RenderLimit('it is not a list');
  return value;
}

function readObject(value: Value): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RenderLimit('it is not an object');
  return value as JsonObject;
}
