import { Box, Group, Stack, Text } from '@mantine/core';
import type { Profile } from '@tidings/client/types';
import { Fields } from '../shell/Fields.tsx';
import { IconMail, IconPhone, IconTranslate, IconWorld } from '../shell/icons.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { SideSection } from './SideSection.tsx';

/** Addresses (masked) and traits of a user. `profile` null: the user is unknown. */
export function ProfileCard({ profile }: { profile: Profile | null }) {
  return (
    <SideSection title={t('Profile')} note={profile?.addresses.email} testId="profile">
      <Box px="md" pb="md">
        {profile === null ? (
          <Text size="sm" c="dimmed">
            {t('No profile yet. Traits appear here when an event sends them.')}
          </Text>
        ) : (
          <ProfileDetails profile={profile} />
        )}
      </Box>
    </SideSection>
  );
}

/** Traits shown above the others, each with an icon. */
const PROMOTED_TRAITS = ['email', 'phone', 'time_zone', 'locale'];

function ProfileDetails({ profile }: { profile: Profile }) {
  const lines = [
    { Icon: IconMail, name: t('Email'), value: profile.addresses.email, missing: t('no email address') },
    { Icon: IconPhone, name: t('Phone'), value: profile.addresses.phone, missing: t('no phone number') },
    { Icon: IconWorld, name: t('Time zone'), value: profile.time_zone, missing: t('no time zone') },
    { Icon: IconTranslate, name: t('Locale'), value: profile.locale, missing: t('no locale') },
  ];
  return (
    <Stack gap={6}>
      {lines.map(({ Icon, name, value, missing }) => (
        <Group key={name} gap="xs" wrap="nowrap">
          <Icon size={16} className="quiet" label={name} />
          <Text size="sm" className="break" {...(value ? {} : { c: 'dimmed' })}>
            {value || missing}
          </Text>
        </Group>
      ))}
      <div className="rule-line" />
      <Fields
        values={Object.fromEntries(Object.entries(profile.traits).filter(([name]) => !PROMOTED_TRAITS.includes(name)))}
      />
      <Text size="xs" c="dimmed" mt={4}>
        <T text="Last changed {time}" values={{ time: <Time value={profile.updated_at} as="full" /> }} />
      </Text>
    </Stack>
  );
}
