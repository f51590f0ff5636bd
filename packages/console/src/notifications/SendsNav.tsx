import { linkToBatches, linkToLists, linkToNotifications, linkToSend } from '../route.ts';
import { PartsNav } from '../shell/PartsNav.tsx';

const LINKS = [
  { part: 'notifications', label: 'Notifications', href: linkToNotifications(null) },
  { part: 'send', label: 'Send', href: linkToSend() },
  { part: 'batches', label: 'Batches', href: linkToBatches() },
  { part: 'lists', label: 'Lists and segments', href: linkToLists() },
] as const;

/** Links between the pages of what is sent to users. `part`: the current one, which is marked. */
export function SendsNav({ part }: { part: (typeof LINKS)[number]['part'] }) {
  return <PartsNav label="What is sent" links={LINKS} part={part} />;
}
