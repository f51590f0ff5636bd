import { UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { linkToDeadLetters, linkToLive, linkToOverview } from '../route.ts';
import { t } from '../text/text.ts';
import { IconActivity, IconAlertOctagon, IconGauge, IconMore, IconSearch } from './icons.tsx';
import { LazyDialog, lazyPart } from './lazy-part.tsx';
import { openSearch } from './search-state.ts';

const MenuSheet = lazyPart(() => import('./MenuSheet.tsx'), 'MenuSheet');

const LINKS = [
  { key: 'overview', label: t('Overview'), href: linkToOverview(), Icon: IconGauge },
  { key: 'live', label: t('Live'), href: linkToLive(), Icon: IconActivity },
  { key: 'dead-letters', label: t('Failed'), href: linkToDeadLetters(null), Icon: IconAlertOctagon },
] as const;

/** The menu at the bottom of phones: the pages that are looked at most, the search, and a sheet with all pages. */
export function BottomBar({ current }: { current: string }) {
  const [isMenuOpen, setMenuOpen] = useState(false);
  const close = () => setMenuOpen(false);
  return (
    <nav className="bottom-bar" aria-label={t('Main pages')} data-testid="bottom-bar">
      {LINKS.map(({ key, label, href, Icon }) => (
        <a key={key} href={href} className="bottom-link" aria-current={key === current ? 'page' : undefined}>
          <Icon size={20} />
          {label}
        </a>
      ))}
      <UnstyledButton className="bottom-link" onClick={openSearch}>
        <IconSearch size={20} />
        {t('Search')}
      </UnstyledButton>
      <UnstyledButton className="bottom-link" aria-haspopup="dialog" onClick={() => setMenuOpen(true)}>
        <IconMore size={20} />
        {t('More')}
      </UnstyledButton>
      <LazyDialog opened={isMenuOpen} onClose={close}>
        <MenuSheet opened={isMenuOpen} onClose={close} current={current} />
      </LazyDialog>
    </nav>
  );
}
