import { ActionIcon, Skeleton, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { lazy, Suspense } from 'react';
import {
  linkToActivity,
  linkToCatalog,
  linkToChannels,
  linkToDeadLetters,
  linkToDeliveries,
  linkToJobs,
  linkToNotifications,
  linkToRejected,
  type Route,
} from '../route.ts';
import { AccountMenu } from './AccountMenu.tsx';
import {
  IconActivity,
  IconAlertOctagon,
  IconBook,
  IconChecks,
  IconMailAlert,
  IconMessage,
  IconMoon,
  IconSend,
  IconSun,
  IconWebhook,
} from './icons.tsx';
import { ZoneSwitch } from './ZoneSwitch.tsx';

/** Its list of suggestions is large, and drawn after the page. */
const UserSearch = lazy(async () => ({ default: (await import('./UserSearch.tsx')).UserSearch }));

const LINKS = [
  { page: 'activity', label: 'Activity', href: linkToActivity(), Icon: IconActivity },
  { page: 'notifications', label: 'Notifications', href: linkToNotifications(null), Icon: IconMessage },
  { page: 'deliveries', label: 'Deliveries', href: linkToDeliveries(null), Icon: IconSend },
  { page: 'dead-letters', label: 'Failed', href: linkToDeadLetters(null), Icon: IconAlertOctagon },
  { page: 'rejected', label: 'Rejected', href: linkToRejected(), Icon: IconMailAlert },
  { page: 'jobs', label: 'Jobs', href: linkToJobs(), Icon: IconChecks },
  { page: 'channels', label: 'Channels', href: linkToChannels(), Icon: IconWebhook },
  { page: 'catalog', label: 'Catalog', href: linkToCatalog(), Icon: IconBook },
] as const;

/** Pages that are part of one in the menu. */
const PARTS: { readonly [page in Route['page']]?: (typeof LINKS)[number]['page'] } = {
  notification: 'notifications',
  batches: 'notifications',
  batch: 'notifications',
  send: 'notifications',
  'new-batch': 'notifications',
  lists: 'notifications',
  list: 'notifications',
  segment: 'notifications',
  templates: 'catalog',
  template: 'catalog',
  preview: 'catalog',
  connections: 'channels',
};

/** Header of every page. `page`: the current page, which the navigation marks. */
export function Header({ page }: { page: Route['page'] }) {
  return (
    // The class keeps its width while a dialog hides the scroll bar of the page.
    <header className="header-bar right-scroll-bar-position">
      <div className="header">
        <a href={linkToActivity()} className="brand" aria-label="Tidings: activity">
          <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="8" fill="var(--mantine-color-ink-6)" />
            <path d="M8 10h16M16 10v14" stroke="white" strokeWidth="4" strokeLinecap="round" />
          </svg>
          <Text fw={700} size="lg" visibleFrom="md">
            Tidings
          </Text>
        </a>
        <nav className="nav" aria-label="Pages">
          {LINKS.map(({ page: target, label, href, Icon }) => (
            <a
              key={target}
              href={href}
              className="nav-link"
              aria-label={label}
              aria-current={target === (PARTS[page] ?? page) ? 'page' : undefined}
            >
              <Icon size={18} />
              <span className="nav-label">{label}</span>
            </a>
          ))}
        </nav>
        <Suspense fallback={<Skeleton height={36} className="search" />}>
          <UserSearch />
        </Suspense>
        <ZoneSwitch />
        <SchemeSwitch />
        <AccountMenu />
      </div>
    </header>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const label = dark ? 'Use light colors' : 'Use dark colors';
  return (
    <ActionIcon
      variant="default"
      size={36}
      className="scheme"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
    >
      {dark ? <IconSun size={18} /> : <IconMoon size={18} />}
    </ActionIcon>
  );
}
