import type { TemplateSummary } from '@tidings/client/types';
import { IconArchive, IconCircle, IconPlay } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';

export const TEMPLATE_STATES: Record<TemplateSummary['state'], Look> = {
  draft: { label: 'Draft', color: 'gray', Icon: IconCircle },
  active: { label: 'Active', color: 'ink', Icon: IconPlay },
  archived: { label: 'Archived', color: 'gray', Icon: IconArchive },
};
