import type { UserTab } from '../route.ts';

/** Names of the tabs of the page of a user, in their order. */
export const USER_TAB_NAMES: Record<UserTab, string> = {
  why: 'Why',
  timeline: 'Timeline',
  messages: 'Messages',
  waiting: 'Waiting',
  next: 'Next seven days',
  preferences: 'Preferences and consent',
  devices: 'Devices and addresses',
  raw: 'Raw',
};
