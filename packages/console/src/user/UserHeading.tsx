import { Button, Group, Text } from '@mantine/core';
import type { NotificationPage, Profile } from '@tidings/client/types';
import { type ReactNode, useEffect, useState } from 'react';
import { linkToSend, linkToUserTab, USER_TABS, type UserTab } from '../route.ts';
import { CopyButton } from '../shell/CopyButton.tsx';
import { IconAlert, IconAlertOctagon, IconMail, IconSend, IconUser } from '../shell/icons.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { IconPhone, IconTranslate, IconWorld } from '../shell/page-icons.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { useShownTab } from '../shell/use-shown-tab.ts';
import { getLocale, t } from '../text/text.ts';
import { EraseUser } from './EraseUser.tsx';
import { ExportUser } from './ExportUser.tsx';
import { PauseNotice } from './PauseNotice.tsx';
import { PauseUser } from './PauseUser.tsx';
import { USER_TAB_NAMES } from './tab-names.ts';
import { useFailures } from './use-failures.ts';
import type { KnownUser } from './use-user.ts';

interface UserHeadingProps {
  readonly userId: string;
  readonly tab: UserTab;
  /** Undefined: not loaded yet. */
  readonly user: KnownUser | undefined;
}

/** The id of a user, who it is, what can be done, and the tabs. */
export function UserHeading({ userId, tab, user }: UserHeadingProps) {
  return (
    <>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Group gap="xs" wrap="nowrap" align="flex-start" className="user-name">
          <IconUser size={30} className="user-icon" />
          <PageTitle data-testid="user-id">{userId}</PageTitle>
        </Group>
        {user?.isKnown && <Actions userId={userId} />}
      </Group>
      {user?.isKnown && <PauseNotice userId={userId} />}
      {user?.isKnown && <Facts userId={userId} profile={user.profile} />}
      {user?.isKnown !== false && <Tabs userId={userId} tab={tab} />}
    </>
  );
}

/** Links to the tabs. */
function Tabs({ userId, tab }: Pick<UserHeadingProps, 'userId' | 'tab'>) {
  return (
    <nav ref={useShownTab(tab)} className="tabs" aria-label={t('User')}>
      {USER_TABS.map((one) => (
        <a key={one} href={linkToUserTab(userId, one)} aria-current={one === tab ? 'page' : undefined}>
          {USER_TAB_NAMES[one]}
        </a>
      ))}
    </nav>
  );
}

function Actions({ userId }: { userId: string }) {
  const can = useScopes();
  return (
    <Group gap="xs" className="user-actions">
      <CopyButton
        label={t('Copy ID')}
        getText={() => userId}
        said={t('The ID is copied.')}
        size="xs"
        testId="copy-user-id"
      />
      {can('notifications:write') && (
        <Button
          component="a"
          href={linkToSend(userId)}
          size="xs"
          variant="default"
          leftSection={<IconSend size={14} />}
          data-testid="send-to-user"
        >
          {t('Send…')}
        </Button>
      )}
      <PauseUser userId={userId} />
      <ExportUser userId={userId} />
      <EraseUser userId={userId} />
    </Group>
  );
}

/** A line about the user: addresses, language, their clock now, and what failed. */
function Facts({ userId, profile }: { userId: string; profile: Profile | null }) {
  const { failed, partly } = useFailures(userId);
  return (
    <Group gap="md" className="user-facts" data-testid="user-facts">
      {profile?.addresses.email !== undefined && (
        <Fact icon={<IconMail size={15} label={t('Email')} />}>{profile.addresses.email}</Fact>
      )}
      {profile?.addresses.phone !== undefined && (
        <Fact icon={<IconPhone size={15} label={t('Phone')} />}>{profile.addresses.phone}</Fact>
      )}
      {profile?.locale && <Fact icon={<IconTranslate size={15} label={t('Locale')} />}>{profile.locale}</Fact>}
      <Fact icon={<IconWorld size={15} label={t('Time zone')} />}>
        <LocalClock zone={profile?.time_zone ?? null} />
      </Fact>
      <Problems userId={userId} state="failed" page={failed} />
      <Problems userId={userId} state="partly" page={partly} />
    </Group>
  );
}

interface ProblemsProps {
  readonly userId: string;
  readonly state: 'failed' | 'partly';
  /** The latest notifications in this state; undefined: not loaded. */
  readonly page: NotificationPage | undefined;
}

/** The number of notifications of a user that failed, wholly or on some channels, and the link to them; none: nothing. */
function Problems({ userId, state, page }: ProblemsProps) {
  const count = page?.notifications.length ?? 0;
  if (count === 0) return null;
  const isAll = page?.next === null;
  const Icon = state === 'failed' ? IconAlertOctagon : IconAlert;
  return (
    <a
      className="user-problems"
      data-state={state}
      href={`${linkToUserTab(userId, 'messages')}?state=${state}`}
      data-testid="user-problems"
    >
      <Icon size={15} />
      {state === 'failed'
        ? isAll
          ? t('{count, number} failed', { count })
          : t('{count, number} or more failed', { count })
        : isAll
          ? t('{count, number} partly failed', { count })
          : t('{count, number} or more partly failed', { count })}
    </a>
  );
}

function Fact({ icon, children }: { icon: ReactNode; children: ReactNode }) {
  return (
    <Group gap={6} wrap="nowrap">
      {icon}
      <Text size="sm" className="break">
        {children}
      </Text>
    </Group>
  );
}

const MINUTE_MS = 60_000;

/** The time now by the clock of the user; null: in UTC, as no zone is known. */
function LocalClock({ zone }: { zone: string | null }) {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), MINUTE_MS);
    return () => clearInterval(timer);
  }, []);
  const time = new Intl.DateTimeFormat(getLocale(), {
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: zone ?? 'UTC',
  }).format(now);
  return zone === null ? t('{time} UTC (no time zone is known)', { time }) : t('{time} in {zone}', { time, zone });
}
