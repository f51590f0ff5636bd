import { Group, Text } from '@mantine/core';
import type { DeadLetterGroup, JsonObject } from '@tidings/client/types';
import { lacksAddress } from '../../../../src/model/missing-address.ts';
import { isSuppressible } from '../../../../src/model/suppression.ts';
import { JobButton } from '../jobs/JobButton.tsx';
import { linkToChannels, linkToDeadLetters, linkToDeliveries, linkToTemplates, linkToWebhooks } from '../route.ts';
import { CodeText } from '../shell/CodeText.tsx';
import { IconBan, IconMailOff, IconRefresh } from '../shell/icons.tsx';
import { ReasonCode } from '../shell/Reason.tsx';
import { ChannelName, StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import type { AdvicePage } from './advice.ts';
import { FailureText } from './FailureText.tsx';
import { useFailureWords } from './failure-words.ts';
import { FAULTS, UNKNOWN_FAULT } from './fault-look.ts';

/** Pages on which what is advised is done. */
const PAGES: Record<AdvicePage, { readonly href: string; readonly label: string }> = {
  accounts: { href: linkToChannels(), label: t('Channels') },
  sending: { href: linkToChannels('sending'), label: t('Sending') },
  routes: { href: linkToChannels('routes'), label: t('Routes') },
  suppressions: { href: linkToChannels('suppressions'), label: t('Suppressions') },
  queue: { href: linkToDeliveries('queued'), label: t('Deliveries') },
  templates: { href: linkToTemplates(null), label: t('Templates') },
  webhooks: { href: linkToWebhooks(), label: t('Webhooks') },
};

/** A group of dead letters: what failed, whose fault it is, what to do, and buttons that act on all of it. */
export function DeadLetterGroupRow({ group: one }: { group: DeadLetterGroup }) {
  const filter: JsonObject = { group: one.group };
  // As the provider said of the latest.
  const words = one.sample[0]?.reason ?? null;
  const advice = useFailureWords().toAdvice(one.advice);
  const mayDouble = one.reason_code === 'in_doubt';
  return (
    <li className="rejected-row" data-row data-testid="dead-letter-group" data-group={one.group}>
      <Group gap="sm" justify="space-between" align="flex-start">
        <div>
          <Group gap="xs">
            <a href={linkToDeadLetters(one.group)} data-testid="group-link">
              <Text size="sm" fw={600}>
                {t(
                  '{atLeast, select, true {more than {count, plural, one {# delivery} other {# deliveries}}} other {{count, plural, one {# delivery} other {# deliveries}}}}',
                  { atLeast: one.at_least, count: one.count },
                )}
              </Text>
            </a>
            <ChannelName channel={one.channel} />
            <Text size="sm" className="break">
              {one.provider === null ? (
                <Codes group={one} />
              ) : (
                <T
                  text="by {provider}, {codes}"
                  values={{
                    provider: one.account === null ? one.provider : `${one.provider} (${one.account})`,
                    codes: <Codes group={one} />,
                  }}
                />
              )}
            </Text>
          </Group>
          <Text size="sm" c="dimmed" component="div" my={4}>
            <T
              text="Fault of: {fault} first {first}, last {last}"
              values={{
                fault: <StatusBadge look={FAULTS[one.fault] ?? UNKNOWN_FAULT} testId="fault" />,
                first: <Time value={one.first_at} as="full" />,
                last: <Time value={one.last_at} as="full" />,
              }}
            />
          </Text>
          <Text size="sm" component="div" data-testid="letters-users">
            {t('{users, plural, one {{shown} user} other {{shown} users}}', {
              users: one.users,
              shown: `${formatCount(one.users)}${one.users_at_least ? '+' : ''}`,
            })}
            {words !== null && (
              <>
                {' · '}
                <q className="break" data-testid="letters-reason">
                  <FailureText words={words} />
                </q>
              </>
            )}
          </Text>
          {one.meaning !== null && (
            <Text size="sm" className="break" data-testid="letters-meaning">
              <T text="It means: {meaning}." values={{ meaning: <FailureText words={one.meaning} /> }} />
            </Text>
          )}
          <Text size="sm" className="break" data-testid="advice">
            <span {...(!advice.isKnown && { lang: 'en' })}>
              <CodeText text={advice.text} />
            </span>{' '}
            {advice.pages.map((page) => (
              <a key={page} href={PAGES[page].href}>
                {t('See {page}', { page: PAGES[page].label })}
              </a>
            ))}
          </Text>
        </div>
        <Group gap="xs">
          {one.can_retry && (
            <JobButton
              request={{ action: 'dead_letters.retry', filter }}
              label={t('Retry all')}
              note={
                mayDouble
                  ? `${advice.text} ${t('If you retry, users may receive these messages twice.')}`
                  : t('The deliveries are queued again. Messages are rendered again, so they use corrected templates.')
              }
              leftSection={<IconRefresh size={14} />}
              testId="letters-retry"
            />
          )}
          <JobButton
            request={{ action: 'dead_letters.cancel', filter }}
            label={t('Cancel all')}
            note={t('The deliveries are never sent, and leave this list. What they were stays in their reason.')}
            leftSection={<IconBan size={14} />}
            testId="letters-cancel"
          />
          {/* Where the message or the account is at fault, the addresses are good. */}
          {one.fault === 'recipient' && isSuppressible(one.channel) && !lacksAddress(one.reason_code) && (
            <JobButton
              request={{ action: 'dead_letters.suppress', filter }}
              label={t('Suppress addresses')}
              note={t(
                'Nothing more is sent to the addresses of these deliveries, until you lift that under Suppressions. The deliveries stay in this list.',
              )}
              leftSection={<IconMailOff size={14} />}
              testId="letters-suppress"
            />
          )}
        </Group>
      </Group>
    </li>
  );
}

function Codes({ group: { reason_code: reason, code } }: { group: DeadLetterGroup }) {
  return (
    <>
      <ReasonCode code={reason} />
      {code !== null && (
        <>
          {' '}
          <span className="name">{code}</span>
        </>
      )}
    </>
  );
}
