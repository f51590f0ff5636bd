import type { TemplateSummary } from '@tidings/client/types';
import { IconArchive, IconCircle, IconPlay } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

export const TEMPLATE_STATES: Record<TemplateSummary['state'], Look> = {
  draft: { label: t('Draft'), color: 'gray', Icon: IconCircle },
  active: { label: t('Active'), color: 'ink', Icon: IconPlay },
  archived: { label: t('Archived'), color: 'gray', Icon: IconArchive },
};
