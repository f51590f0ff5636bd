import { linkToBatches, linkToNotifications } from '../route.ts';
import { PartsNav } from '../shell/PartsNav.tsx';

const LINKS = [
  { part: 'notifications', label: 'Notifications', href: linkToNotifications(null) },
  { part: 'batches', label: 'Batches', href: linkToBatches() },
] as const;

/** Links between the pages of what is sent to users. `part`: the current one, which is marked. */
export function SendsNav({ part }: { part: (typeof LINKS)[number]['part'] }) {
  return <PartsNav label="What is sent" links={LINKS} part={part} />;
}
