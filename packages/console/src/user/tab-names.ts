import type { UserTab } from '../route.ts';
import { t } from '../text/text.ts';

/** Names of the tabs of the page of a user, in their order. */
export const USER_TAB_NAMES: Record<UserTab, string> = {
  why: t('Why'),
  timeline: t('Timeline'),
  messages: t('Messages'),
  waiting: t('Waiting'),
  next: t('Next seven days'),
  preferences: t('Preferences and consent'),
  devices: t('Devices and addresses'),
  raw: t('Raw'),
};
