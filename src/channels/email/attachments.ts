import type { Attachment } from '../../model/delivery.ts';

/** Files of one email, and bytes of all of them, at most; Base64 makes them a third larger. */
export const MAX_ATTACHMENTS = 20;
export const MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024;

const MAX_NAME_CHARS = 255;

/** Returns why the files of an email cannot be sent, as part of a sentence; undefined: they can. */
export function findAttachmentFault(attachments: readonly Attachment[] = []): string | undefined {
  if (attachments.length > MAX_ATTACHMENTS) return `the message has more than ${MAX_ATTACHMENTS} attachments`;
  let bytes = 0;
  for (const { name, type, content, contentId } of attachments) {
    bytes += content.length;
    if (name === '' || name.length > MAX_NAME_CHARS || /[\p{C}/\\]/u.test(name)) {
      return 'an attachment has no usable file name';
    }
    if (!/^[a-z0-9][\w.+-]{0,63}\/[a-z0-9][\w.+-]{0,126}$/i.test(type)) return 'an attachment has no valid media type';
    if (contentId !== undefined && !/^[\w.@+-]{1,60}$/.test(contentId))
      return 'an inline image has no valid content ID';
  }
  if (bytes > MAX_ATTACHMENT_BYTES) return `the attachments have more than ${MAX_ATTACHMENT_BYTES} bytes`;
  return undefined;
}
