import { UnstyledButton } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useKeyState } from '../key.ts';
import { linkToOverview } from '../route.ts';
import { t } from '../text/text.ts';
import { AccountMenu } from './AccountMenu.tsx';
import { IconSearch } from './icons.tsx';
import { LanguageSwitch } from './LanguageSwitch.tsx';
import { LazyDialog, LazyPlace, lazyPart } from './lazy-part.tsx';
import { ProblemSign } from './ProblemSign.tsx';
import { SchemeSwitch } from './SchemeSwitch.tsx';
import { closeSearch, openSearch, useSearchOpen } from './search-state.ts';
import { Tenant } from './Tenant.tsx';
import { ZoneSwitch } from './ZoneSwitch.tsx';

/** Loaded when it is opened first. */
const SearchDialog = lazyPart(() => import('../search/SearchDialog.tsx'), 'SearchDialog');
const LostSign = lazyPart(() => import('../live/LostSign.tsx'), 'LostSign');

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

/** Header of every page: whose data is shown, the search, and what is wrong. */
export function Header() {
  const keyState = useKeyState();
  return (
    // The class keeps its width while a dialog hides the scroll bar of the page.
    <header className="header-bar right-scroll-bar-position">
      <div className="header">
        <a href={linkToOverview()} className="brand" aria-label={t('Tidings: overview')}>
          <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="8" fill="var(--mantine-color-ink-6)" />
            <path d="M8 10h16M16 10v14" stroke="white" strokeWidth="4" strokeLinecap="round" />
          </svg>
          <span className="brand-name">Tidings</span>
        </a>
        <Tenant />
        <SearchButton />
        {keyState === 'open' && <ProblemSign />}
        <span className="wide-only">
          <ZoneSwitch />
          <LanguageSwitch />
          <SchemeSwitch />
        </span>
        <AccountMenu />
      </div>
      <LazyPlace inBar>
        <LostSign />
      </LazyPlace>
    </header>
  );
}

function SearchButton() {
  const isOpen = useSearchOpen();
  useHotkeys([['/', openSearch]]);
  // Also while a field has the focus.
  useHotkeys([['mod+K', openSearch]], []);
  return (
    <>
      <UnstyledButton className="search" aria-haspopup="dialog" onClick={openSearch} data-testid="search-button">
        <IconSearch size={16} />
        <span className="search-words">{t('Search')}</span>
        <span className="search-key" aria-hidden="true">
          {isApple ? '⌘K' : 'Ctrl K'}
        </span>
      </UnstyledButton>
      <LazyDialog opened={isOpen} onClose={closeSearch}>
        <SearchDialog opened={isOpen} onClose={closeSearch} />
      </LazyDialog>
    </>
  );
}
