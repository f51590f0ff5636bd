/* Results of the search: pages and commands here, everything else by the API. */

import type { SearchResults } from '@tidings/client/types';
import { linkToCatalog, linkToNotification, linkToRule, linkToTemplate, linkToUser, openLink } from '../route.ts';
import {
  IconBell,
  IconBook,
  IconChecks,
  IconClock,
  IconEye,
  IconFilter,
  IconLink,
  IconMessage,
  IconMoon,
  IconSend,
  IconUser,
} from '../shell/icons.tsx';
import { IconLightning, IconWorld } from '../shell/page-icons.tsx';
import type { MenuGroup } from '../shell/pages.ts';
import { t } from '../text/text.ts';
import { PAGE_WORDS } from './page-words.ts';

type Result = SearchResults['results'][number];
export type Kind = Result['kind'];

export interface Hit {
  readonly key: string;
  readonly group: string;
  readonly label: string;
  readonly note: string;
  readonly Icon: typeof IconUser;
  readonly run: () => void;
}

/** Names of kinds, and what of them is compared with the text. */
export const KINDS: Record<Kind, { readonly group: string; readonly by: string; readonly Icon: typeof IconUser }> = {
  user: {
    group: t('Users'),
    by: t(
      'users by their id (any part), the start of their name or its last word, and their whole email address or phone number',
    ),
    Icon: IconUser,
  },
  event: { group: t('Events'), by: t('events by their whole id'), Icon: IconLightning },
  notification: { group: t('Notifications'), by: t('notifications by their whole id'), Icon: IconBell },
  delivery: { group: t('Deliveries'), by: t('deliveries by their whole id, or that of the provider'), Icon: IconSend },
  wait: { group: t('Waits'), by: t('waits by their whole key'), Icon: IconClock },
  notification_type: {
    group: t('Notification types'),
    by: t('notification types by any part of their name'),
    Icon: IconChecks,
  },
  rule: { group: t('Rules'), by: t('rules by any part of their name'), Icon: IconFilter },
  event_type: { group: t('Event types'), by: t('event types by any part of their name'), Icon: IconBook },
  template: { group: t('Templates'), by: t('templates of requests by any part of their name'), Icon: IconMessage },
};

const FOUND_BY: Partial<Record<Result['found_by'], string>> = {
  email: t('has this email address'),
  phone: t('has this phone number'),
  name: t('by name'),
  provider_message_id: t('by the id of the provider'),
};

/** Returns what the API found, in its order. */
export function toHits({ results }: SearchResults): Hit[] {
  return results.map((result) => {
    const { group, Icon } = KINDS[result.kind] ?? { group: t('Others'), Icon: IconEye };
    return {
      key: `${result.kind} ${result.id} ${result.user_id ?? ''}`,
      group,
      label: toLabel(result),
      note: toNote(result),
      Icon,
      run: () => openLink(toLink(result)),
    };
  });
}

function toLabel({ kind, id, name }: Result): string {
  return (kind === 'notification' || kind === 'delivery' || kind === 'wait' || kind === 'template') && name !== null
    ? name
    : id;
}

function toNote({ kind, user_id, name, status, found_by }: Result): string {
  const of = user_id !== null && kind !== 'user' ? t('of {user}', { user: user_id }) : null;
  const shown = kind === 'user' ? name : null;
  return [status, of, shown, FOUND_BY[found_by] ?? null].filter((part) => part !== null).join(' · ');
}

function toLink({ kind, id, user_id }: Result): string {
  switch (kind) {
    case 'user':
    case 'wait':
      return linkToUser(user_id ?? id);
    case 'event':
      return linkToUser(user_id ?? '', id);
    case 'notification':
      return linkToNotification(id);
    case 'delivery':
      return linkToNotification(id.split('.')[0] ?? id);
    case 'notification_type':
      return linkToCatalog('type', id);
    case 'template':
      return linkToTemplate(id);
    case 'rule':
      return linkToRule(id);
    default:
      return linkToCatalog('event', id);
  }
}

/** Actions of the commands of the search. */
export interface Commands {
  readonly copyLink: () => void;
  readonly toggleScheme: () => void;
  readonly toggleZone: () => void;
}

/** Returns the pages of the menu and commands that have each word of a text, those that begin with it first; of no text: all. */
export function findPages(
  text: string,
  menu: readonly MenuGroup[],
  { copyLink, toggleScheme, toggleZone }: Commands,
): Hit[] {
  const pages = menu.flatMap(({ label: group, pages }) =>
    pages.map(({ key, label, href, Icon }) => ({
      hit: { key: `page ${key}`, group: t('Pages'), label, note: group, Icon, run: () => openLink(href) },
      words: PAGE_WORDS[key] ?? '',
    })),
  );
  const command = (key: string, label: string, Icon: typeof IconUser, run: () => void, words: string) => ({
    hit: { key, group: t('Commands'), label, note: '', Icon, run },
    words,
  });
  const commands = [
    command('copy-link', t('Copy a link to this page'), IconLink, copyLink, t('share address')),
    command('scheme', t('Switch between light and dark colors'), IconMoon, toggleScheme, t('theme')),
    command('zone', t('Switch between your time zone and UTC'), IconWorld, toggleZone, t('times')),
  ];
  const wanted = text.toLowerCase();
  const parts = wanted.split(/\s+/);
  const begins = ({ hit }: { hit: Hit }) => (hit.label.toLowerCase().startsWith(wanted) ? 0 : 1);
  return [...pages, ...commands]
    .filter(({ hit, words }) => parts.every((part) => `${hit.label} ${hit.note} ${words}`.toLowerCase().includes(part)))
    .sort((a, b) => begins(a) - begins(b))
    .map(({ hit }) => hit);
}
