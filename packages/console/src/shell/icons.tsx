import {
  mdiAccountCircleOutline,
  mdiAlertOctagonOutline,
  mdiAlertOutline,
  mdiArchiveOutline,
  mdiArrowUp,
  mdiAutoFix,
  mdiBellOutline,
  mdiBookOpenVariantOutline,
  mdiBullhornOutline,
  mdiCallSplit,
  mdiCancel,
  mdiCashMultiple,
  mdiChartBar,
  mdiCheck,
  mdiCheckAll,
  mdiChevronDoubleLeft,
  mdiChevronRight,
  mdiCircleOutline,
  mdiClockOutline,
  mdiConnection,
  mdiDomain,
  mdiDotsHorizontal,
  mdiEmailAlertOutline,
  mdiEmailCheckOutline,
  mdiEmailOffOutline,
  mdiEmailOutline,
  mdiEyeOutline,
  mdiFeather,
  mdiFilterOutline,
  mdiFormatListBulleted,
  mdiGauge,
  mdiHelpRhombusOutline,
  mdiHistory,
  mdiInboxOutline,
  mdiKeyOutline,
  mdiLinkVariant,
  mdiLockOutline,
  mdiMagnify,
  mdiMessageOutline,
  mdiPause,
  mdiPulse,
  mdiRefresh,
  mdiSendOutline,
  mdiTagOutline,
  mdiWeatherNight,
  mdiWeatherSunny,
  mdiWebhook,
} from '@mdi/js';

interface IconProps {
  /** Width and height in pixels. */
  readonly size?: number;
  /** Accessible name. Omit it if text beside the icon says the same. */
  readonly label?: string;
  readonly color?: string;
  readonly className?: string;
  readonly 'data-open'?: boolean | undefined;
}

/** Makes an icon of the console: Material Design Icons (outline), on a 24 × 24 grid. */
export function createIcon(path: string) {
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

export const IconActivity = createIcon(mdiPulse);
export const IconAlert = createIcon(mdiAlertOutline);
export const IconAlertOctagon = createIcon(mdiAlertOctagonOutline);
export const IconArchive = createIcon(mdiArchiveOutline);
export const IconArrowUp = createIcon(mdiArrowUp);
export const IconBan = createIcon(mdiCancel);
export const IconBell = createIcon(mdiBellOutline);
export const IconBook = createIcon(mdiBookOpenVariantOutline);
export const IconChart = createIcon(mdiChartBar);
export const IconCheck = createIcon(mdiCheck);
export const IconChecks = createIcon(mdiCheckAll);
export const IconChevronRight = createIcon(mdiChevronRight);
export const IconCircle = createIcon(mdiCircleOutline);
export const IconClock = createIcon(mdiClockOutline);
export const IconConnection = createIcon(mdiConnection);
export const IconDomain = createIcon(mdiDomain);
export const IconEye = createIcon(mdiEyeOutline);
export const IconFeather = createIcon(mdiFeather);
export const IconFilter = createIcon(mdiFilterOutline);
export const IconFold = createIcon(mdiChevronDoubleLeft);
export const IconGauge = createIcon(mdiGauge);
export const IconHelp = createIcon(mdiHelpRhombusOutline);
export const IconHistory = createIcon(mdiHistory);
export const IconInbox = createIcon(mdiInboxOutline);
export const IconKey = createIcon(mdiKeyOutline);
export const IconLink = createIcon(mdiLinkVariant);
export const IconList = createIcon(mdiFormatListBulleted);
export const IconLock = createIcon(mdiLockOutline);
export const IconLoudspeaker = createIcon(mdiBullhornOutline);
export const IconMail = createIcon(mdiEmailOutline);
export const IconMailAlert = createIcon(mdiEmailAlertOutline);
export const IconMailCheck = createIcon(mdiEmailCheckOutline);
export const IconMailOff = createIcon(mdiEmailOffOutline);
export const IconMessage = createIcon(mdiMessageOutline);
export const IconMoney = createIcon(mdiCashMultiple);
export const IconMoon = createIcon(mdiWeatherNight);
export const IconMore = createIcon(mdiDotsHorizontal);
export const IconPause = createIcon(mdiPause);
export const IconRefresh = createIcon(mdiRefresh);
export const IconSearch = createIcon(mdiMagnify);
export const IconSend = createIcon(mdiSendOutline);
export const IconSplit = createIcon(mdiCallSplit);
export const IconSun = createIcon(mdiWeatherSunny);
export const IconTag = createIcon(mdiTagOutline);
export const IconUser = createIcon(mdiAccountCircleOutline);
export const IconWand = createIcon(mdiAutoFix);
export const IconWebhook = createIcon(mdiWebhook);
