import { type InboxHints, SEVERITIES, type Severity } from '../model/delivery.ts';
import type { JsonObject } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import { toText } from './helpers.ts';
import { isLocalPath, isSafeLink, MAX_URL_CHARS } from './links.ts';
import { RenderLimit } from './run.ts';

const MAX_GROUP_CHARS = 200;

/** Returns how the inbox shows a message, from the rendered part `inbox`. Blank values are left out. @throws RenderLimit */
export function readInboxHints(value: JsonObject): InboxHints {
  const read = (name: keyof InboxHints) => toText(value[name]).trim();
  const [group, severity, icon, url, expiry] = [
    read('group'),
    read('severity'),
    read('icon'),
    read('url'),
    read('expires_at'),
  ];
  if (group.length > MAX_GROUP_CHARS) throw new RenderLimit(`its group has more than ${MAX_GROUP_CHARS} characters`);
  if (severity !== '' && !isSeverity(severity)) {
    throw new RenderLimit(`its severity is not one of ${SEVERITIES.join(', ')}`);
  }
  if (icon !== '' && (!/^https:\/\/\S+$/i.test(icon) || icon.length > MAX_URL_CHARS)) {
    throw new RenderLimit('its icon is not a URL that begins with https://');
  }
  if (url !== '' && !isSafeLink(url) && !isLocalPath(url))
    throw new RenderLimit('its url is not one that a click may open');
  return {
    ...(group === '' ? {} : { group }),
    ...(isSeverity(severity) ? { severity } : {}),
    ...(icon === '' ? {} : { icon }),
    ...(url === '' ? {} : { url }),
    ...(expiry === '' ? {} : { expires_at: readTime(expiry) }),
  };
}

function readTime(text: string): string {
  const parsed = parseTimestamp(text);
  if ('problem' in parsed) throw new RenderLimit('its expires_at is not a time such as 2026-11-03T08:00:00Z');
  return isoTime(parsed.time);
}

function isSeverity(text: string): text is Severity {
  return (SEVERITIES as readonly string[]).includes(text);
}
