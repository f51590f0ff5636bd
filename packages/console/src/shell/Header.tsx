import { ActionIcon, AppShell, Group, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconActivity, IconBook2, IconMoon, IconSend, IconSun } from '@tabler/icons-react';
import { activityLink, catalogLink, deliveriesLink, type Route } from '../route.ts';
import { PersonSearch } from './PersonSearch.tsx';

const LINKS = [
  { page: 'activity', label: 'Activity', href: activityLink(), Icon: IconActivity },
  { page: 'deliveries', label: 'Deliveries', href: deliveriesLink(null), Icon: IconSend },
  { page: 'catalog', label: 'Catalog', href: catalogLink(), Icon: IconBook2 },
] as const;

export function Header({ page }: { page: Route['page'] }) {
  return (
    <AppShell.Header>
      <Group h="100%" px="md" gap="md" wrap="nowrap" justify="space-between">
        <Group gap="lg" wrap="nowrap">
          <a href={activityLink()} className="brand" aria-label="Tidings: activity">
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
                aria-current={target === page ? 'page' : undefined}
              >
                <Icon size={18} stroke={1.8} aria-hidden="true" />
                <span className="nav-label">{label}</span>
              </a>
            ))}
          </nav>
        </Group>
        <Group gap="xs" wrap="nowrap" className="header-tools">
          <PersonSearch />
          <SchemeSwitch />
        </Group>
      </Group>
    </AppShell.Header>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const label = dark ? 'Light colours' : 'Dark colours';
  return (
    <ActionIcon
      variant="default"
      size={36}
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
    >
      {dark ? <IconSun size={18} stroke={1.8} /> : <IconMoon size={18} stroke={1.8} />}
    </ActionIcon>
  );
}
