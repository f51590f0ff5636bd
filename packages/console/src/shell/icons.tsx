import {
  mdiAccountCircleOutline,
  mdiAlertOctagonOutline,
  mdiAlertOutline,
  mdiArrowRight,
  mdiArrowULeftTop,
  mdiArrowUp,
  mdiAutoFix,
  mdiBellOutline,
  mdiBookOpenVariantOutline,
  mdiBullhornOutline,
  mdiCalendarRefreshOutline,
  mdiCallSplit,
  mdiCancel,
  mdiCheck,
  mdiCheckAll,
  mdiChevronRight,
  mdiCircleOutline,
  mdiClockOutline,
  mdiContentCopy,
  mdiEmailAlertOutline,
  mdiEmailOffOutline,
  mdiEmailOutline,
  mdiEyeOutline,
  mdiFeather,
  mdiFilterOutline,
  mdiGauge,
  mdiHelpRhombusOutline,
  mdiHistory,
  mdiInboxOutline,
  mdiKeyOutline,
  mdiLightningBoltOutline,
  mdiMagnify,
  mdiMessageOutline,
  mdiPause,
  mdiPhoneOutline,
  mdiPlay,
  mdiPulse,
  mdiRefresh,
  mdiSendOutline,
  mdiTranslate,
  mdiWeatherNight,
  mdiWeatherSunny,
  mdiWeb,
  mdiWebhook,
} from '@mdi/js';

interface IconProps {
  /** In pixels, both ways. */
  readonly size?: number;
  /** For those who cannot see it; only where no words beside it say the same. */
  readonly label?: string;
  readonly color?: string;
  readonly className?: string;
  readonly 'data-open'?: boolean | undefined;
}

/** Every icon of the console: the outlines of Material Design Icons, on a square of 24. */
function icon(path: string) {
  return function Icon({ size = 24, label, ...rest }: IconProps) {
    const shape = <path d={path} />;
    const square = { width: size, height: size, viewBox: '0 0 24 24', fill: 'currentColor', ...rest };
    return label === undefined ? (
      <svg aria-hidden="true" {...square}>
        {shape}
      </svg>
    ) : (
      <svg role="img" aria-label={label} {...square}>
        {shape}
      </svg>
    );
  };
}

export const IconActivity = icon(mdiPulse);
export const IconAlert = icon(mdiAlertOutline);
export const IconAlertOctagon = icon(mdiAlertOctagonOutline);
export const IconArrowRight = icon(mdiArrowRight);
export const IconArrowUp = icon(mdiArrowUp);
export const IconBan = icon(mdiCancel);
export const IconBell = icon(mdiBellOutline);
export const IconBook = icon(mdiBookOpenVariantOutline);
export const IconCalendarRepeat = icon(mdiCalendarRefreshOutline);
export const IconCheck = icon(mdiCheck);
export const IconChecks = icon(mdiCheckAll);
export const IconChevronRight = icon(mdiChevronRight);
export const IconCircle = icon(mdiCircleOutline);
export const IconClock = icon(mdiClockOutline);
export const IconCopy = icon(mdiContentCopy);
export const IconEye = icon(mdiEyeOutline);
export const IconFeather = icon(mdiFeather);
export const IconFilter = icon(mdiFilterOutline);
export const IconGauge = icon(mdiGauge);
export const IconHelp = icon(mdiHelpRhombusOutline);
export const IconHistory = icon(mdiHistory);
export const IconInbox = icon(mdiInboxOutline);
export const IconKey = icon(mdiKeyOutline);
export const IconLightning = icon(mdiLightningBoltOutline);
export const IconLoudspeaker = icon(mdiBullhornOutline);
export const IconMail = icon(mdiEmailOutline);
export const IconMailAlert = icon(mdiEmailAlertOutline);
export const IconMailOff = icon(mdiEmailOffOutline);
export const IconMessage = icon(mdiMessageOutline);
export const IconMoon = icon(mdiWeatherNight);
export const IconPause = icon(mdiPause);
export const IconUser = icon(mdiAccountCircleOutline);
export const IconPhone = icon(mdiPhoneOutline);
export const IconPlay = icon(mdiPlay);
export const IconRefresh = icon(mdiRefresh);
export const IconSearch = icon(mdiMagnify);
export const IconSend = icon(mdiSendOutline);
export const IconSplit = icon(mdiCallSplit);
export const IconSun = icon(mdiWeatherSunny);
export const IconTranslate = icon(mdiTranslate);
export const IconUndo = icon(mdiArrowULeftTop);
export const IconWand = icon(mdiAutoFix);
export const IconWebhook = icon(mdiWebhook);
export const IconWorld = icon(mdiWeb);
