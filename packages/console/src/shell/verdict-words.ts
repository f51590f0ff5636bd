import type { Verdict } from '@tidings/client/types';
import { t } from '../text/text.ts';
import { IconArchive, IconBan, IconCheck, IconClock } from './icons.tsx';
import type { Look } from './outcome.ts';

export const VERDICTS: Record<Verdict['verdict'], Look> = {
  go: { label: t('Goes'), color: 'teal', Icon: IconCheck },
  hold: { label: t('Held'), color: 'blue', Icon: IconClock },
  fold: { label: t('Collected'), color: 'blue', Icon: IconArchive },
  drop: { label: t('Dropped'), color: 'orange', Icon: IconBan },
};
