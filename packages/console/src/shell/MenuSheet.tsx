import { useState } from 'react';
import { t } from '../text/text.ts';
import { Dialog } from './Dialog.tsx';
import { LanguageSwitch } from './LanguageSwitch.tsx';
import { MenuGroups } from './Rail.tsx';
import { SchemeSwitch } from './SchemeSwitch.tsx';
import { Tenant } from './Tenant.tsx';
import { ZoneSwitch } from './ZoneSwitch.tsx';

/** All pages of the menu, for windows without room for it. `current`: key of the page that is marked. */
export function MenuSheet({ opened, onClose, current }: { opened: boolean; onClose: () => void; current: string }) {
  // Another page gets the focus at its heading.
  const [isChosen, setChosen] = useState(false);
  const close = (chosen: boolean) => {
    setChosen(chosen);
    onClose();
  };
  return (
    <Dialog opened={opened} onClose={() => close(false)} title={t('All pages')} returnFocus={!isChosen}>
      <div className="sheet-head">
        <Tenant />
        <ZoneSwitch />
        <LanguageSwitch />
        <SchemeSwitch />
      </div>
      {/* The focus begins at the pages, and not at the choice of the language above them. */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a link inside is what is clicked, also by the keyboard. */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a link that is chosen by the keyboard sends a click. */}
      <div
        className="menu-sheet"
        tabIndex={-1}
        data-autofocus
        onClick={({ target }) => target instanceof Element && target.closest('a') && close(true)}
      >
        <MenuGroups current={current} />
      </div>
    </Dialog>
  );
}
