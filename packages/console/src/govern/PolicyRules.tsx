import { Paper, Stack, Text, Title } from '@mantine/core';
import type { PreferenceOverview } from '@tidings/client/types';
import { CHANNELS } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

/** Quiet and legal hours, the time of digests and the most messages: as the catalog says. */
export function PolicyRules({ overview }: { overview: PreferenceOverview }) {
  const { quiet_hours: quiet, legal_hours: legal, digest_time: digest, caps, caps_pass: pass, zone } = overview;
  const label = (channel: string) => CHANNELS[channel as keyof typeof CHANNELS]?.label ?? channel;
  return (
    <Stack gap="xs" component="section" aria-label={t('Times and limits')}>
      <Title order={2} size="h4">
        {t('Times and limits')}
      </Title>
      <Paper withBorder p="md" data-testid="policy-rules">
        <Stack gap={4}>
          <Text size="sm">
            {quiet === null
              ? t('No hours are quiet, unless a user chooses some.')
              : t('Quiet hours: {hours}, {zone}. Users may choose others.', {
                  hours: quiet.hours,
                  zone: quiet.zone ?? t('in the zone of the user'),
                })}
          </Text>
          {legal.map(({ channel, hours, pass: categories }) => (
            <Text key={channel} size="sm">
              {t('{channel} by law: {hours}{hasPass, select, true {; not for {categories}} other {}}.', {
                channel: label(channel),
                hours,
                hasPass: categories.length > 0,
                categories: categories.join(', '),
              })}
            </Text>
          ))}
          <Text size="sm">
            {t('Digests are sent at {at}, weekly ones on {day}. A user without a zone is in {zone}.', {
              at: digest.at,
              day: digest.day,
              zone,
            })}
          </Text>
          {caps.length === 0 && <Text size="sm">{t('No channel has a most of messages.')}</Text>}
          {caps.map(({ channel, per_minute: minute, per_hour: hour, per_day: day, burst }) => (
            <Text key={channel} size="sm">
              {t('{channel}: {parts} for each user, at most.', {
                channel: label(channel),
                parts: [
                  minute !== null && t('{count, number} per minute', { count: minute }),
                  hour !== null && t('{count, number} per hour', { count: hour }),
                  day !== null && t('{count, number} per day', { count: day }),
                  burst !== null && t('{count, number} at once', { count: burst }),
                ]
                  .filter((part) => part !== false)
                  .join(', '),
              })}
            </Text>
          ))}
          {caps.length > 0 && pass.length > 0 && (
            <Text size="sm">{t('These pass the limits: {names}.', { names: pass.join(', ') })}</Text>
          )}
        </Stack>
      </Paper>
    </Stack>
  );
}
