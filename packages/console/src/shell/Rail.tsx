import { UnstyledButton } from '@mantine/core';
import { useId } from 'react';
import { t } from '../text/text.ts';
import { toggleFolded, useFolded } from './folded.ts';
import { IconFold } from './icons.tsx';
import type { MenuGroup, MenuPage } from './pages.ts';
import { Tip } from './Tip.tsx';
import { useMenu } from './use-menu.ts';

/** The menu at the left of wide windows. `current`: key of the page that is marked. */
export function Rail({ current }: { current: string }) {
  const isFolded = useFolded();
  const label = isFolded ? t('Unfold the menu') : t('Fold the menu');
  const button = (
    <UnstyledButton className="rail-link" aria-label={label} aria-expanded={!isFolded} onClick={toggleFolded}>
      <IconFold size={18} />
      <span className="rail-label">{t('Fold')}</span>
    </UnstyledButton>
  );
  return (
    <nav className="rail" aria-label={t('Pages')} data-folded={isFolded || undefined} data-testid="rail">
      <MenuGroups current={current} isFolded={isFolded} />
      <div className="rail-end">
        {isFolded ? (
          <Tip text={label} side="right">
            {button}
          </Tip>
        ) : (
          button
        )}
      </div>
    </nav>
  );
}

/** All pages of the menu. `isFolded`: as icons, whose names are shown as tips. */
export function MenuGroups({ current, isFolded = false }: { current: string; isFolded?: boolean }) {
  return useMenu().map((group) => <Group key={group.label} group={group} current={current} isFolded={isFolded} />);
}

function Group({ group, current, isFolded }: { group: MenuGroup; current: string; isFolded: boolean }) {
  const id = useId();
  return (
    <div className="rail-group">
      <p id={id} className="rail-title">
        {group.label}
      </p>
      <ul aria-labelledby={id}>
        {group.pages.map((page) => (
          <li key={page.key}>
            {isFolded ? (
              <Tip text={page.label} side="right">
                <PageLink page={page} isCurrent={page.key === current} />
              </Tip>
            ) : (
              <PageLink page={page} isCurrent={page.key === current} />
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function PageLink({ page: { label, href, Icon }, isCurrent }: { page: MenuPage; isCurrent: boolean }) {
  return (
    <a href={href} className="rail-link" aria-label={label} aria-current={isCurrent ? 'page' : undefined}>
      <Icon size={18} />
      <span className="rail-label">{label}</span>
    </a>
  );
}
