/* Icons that the first page does not need. */
import {
  mdiArrowRight,
  mdiArrowULeftTop,
  mdiCalendarRefreshOutline,
  mdiContentCopy,
  mdiDownloadOutline,
  mdiLightningBoltOutline,
  mdiPhoneOutline,
  mdiPlay,
  mdiTranslate,
  mdiWeb,
} from '@mdi/js';
import { createIcon } from './icons.tsx';

export const IconArrowRight = createIcon(mdiArrowRight);
export const IconCalendarRepeat = createIcon(mdiCalendarRefreshOutline);
export const IconCopy = createIcon(mdiContentCopy);
export const IconDownload = createIcon(mdiDownloadOutline);
export const IconLightning = createIcon(mdiLightningBoltOutline);
export const IconPhone = createIcon(mdiPhoneOutline);
export const IconPlay = createIcon(mdiPlay);
export const IconTranslate = createIcon(mdiTranslate);
export const IconUndo = createIcon(mdiArrowULeftTop);
export const IconWorld = createIcon(mdiWeb);
