import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { t } from '../text/text.ts';
import { IconMoon, IconSun } from './icons.tsx';

/** Button for the other color scheme, which this browser keeps. */
export function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const label = dark ? t('Use light colors') : t('Use dark colors');
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
