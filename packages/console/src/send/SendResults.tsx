import { Anchor, Text } from '@mantine/core';
import type { PlannedChannel, SendAnswer, SendResult } from '@tidings/client/types';
import { FactRows } from '../channels/FactTable.tsx';
import { linkToNotification, linkToUser } from '../route.ts';
import { IconBan, IconClock, IconPause, IconSend } from '../shell/icons.tsx';
import { CHANNELS, getLook, type Look } from '../shell/outcome.ts';
import { ReasonCode } from '../shell/Reason.tsx';
import { toReasonWords } from '../shell/reason-words.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

type Looks = Record<SendResult['state'], Look>;

/** Looks of results. None is green: what is accepted has not reached its user yet. */
const SENT: Looks = {
  accepted: { label: t('Accepted'), color: 'ink', Icon: IconSend },
  scheduled: { label: t('Scheduled'), color: 'blue', Icon: IconClock },
  suppressed: { label: t('Suppressed'), color: 'orange', Icon: IconPause },
  rejected: { label: t('Rejected'), color: 'red', Icon: IconBan },
};

const CHECKED: Looks = {
  accepted: { ...SENT.accepted, label: t('Would be sent') },
  scheduled: { ...SENT.scheduled, label: t('Would be scheduled') },
  suppressed: { ...SENT.suppressed, label: t('Would not be sent') },
  rejected: { ...SENT.rejected, label: t('Would be rejected') },
};

type Row = SendResult & { readonly place: number };

/** Table with what became of each recipient, or would become of them. */
export function SendResults({ answer: { results, dry_run: isDry } }: { answer: SendAnswer }) {
  return (
    <FactRows<Row>
      testId="send-results"
      items={results.map((result, place) => ({ ...result, place }))}
      getId={({ place }) => String(place)}
      columns={{
        [t('Recipient')]: (row) => <RecipientText result={row} />,
        [t('Result')]: ({ state }) => <StatusBadge look={getLook(isDry ? CHECKED : SENT, state)} testId="send-state" />,
        [t('Channels')]: ({ channels = {} }) =>
          Object.entries(channels).map((one) => <Planned key={one[0]} channel={one} />),
        [t('Why')]: (row) => <Why result={row} />,
        ...(!isDry && { [t('Notification')]: NotificationLink }),
      }}
    />
  );
}

function NotificationLink({ notification_id: id }: SendResult) {
  if (id === null) return t('none');
  return (
    <Anchor size="sm" href={linkToNotification(id)} data-testid="send-notification">
      {t('Open')}
    </Anchor>
  );
}

function RecipientText({ result: { recipient, user_id: userId, linked, repeats } }: { result: SendResult }) {
  const given = recipient.user_id ?? recipient.email ?? recipient.phone;
  return (
    <>
      <span className="break">{given}</span>
      {userId !== undefined && userId !== given && (
        <Text size="xs" c="dimmed" className="break">
          {linked !== false ? (
            <T text="of user {user}" values={{ user: <a href={linkToUser(userId)}>{userId}</a> }} />
          ) : (
            t('of no user who is known')
          )}
        </Text>
      )}
      {repeats !== undefined && (
        <Text size="xs" c="dimmed">
          {t('the same user as recipient {place}, who gets one message', { place: repeats + 1 })}
        </Text>
      )}
    </>
  );
}

function Planned({ channel: [name, { plan, code, decided_by: by, until }] }: { channel: [string, PlannedChannel] }) {
  const names: { readonly [channel: string]: { readonly label: string } } = CHANNELS;
  const channel = names[name]?.label ?? name;
  return (
    <Text size="sm" className="break" data-testid="planned-channel">
      {until === undefined ? (
        t(
          '{plan, select, go {{channel} goes} hold {{channel} is held} fold {{channel} is collected for a digest} drop {{channel} is dropped} other {{channel} {plan}}}',
          { plan, channel },
        )
      ) : (
        <T
          text="{plan, select, go {{channel} goes} hold {{channel} is held} fold {{channel} is collected for a digest} drop {{channel} is dropped} other {{channel} {plan}}} until {time}"
          values={{ plan, channel, time: <Time value={until} as="full" /> }}
        />
      )}
      {code !== undefined && `: ${toReasonWords(code)}`}
      {by !== undefined && (
        <Text component="span" size="xs" c="dimmed">
          {' '}
          ({by})
        </Text>
      )}
    </Text>
  );
}

function Why({ result: { code, reason, due_at: due, zone, zone_from: from, late } }: { result: SendResult }) {
  return (
    <>
      {code !== undefined && (
        <Text size="sm">
          <ReasonCode code={code} />
        </Text>
      )}
      {reason !== undefined && (
        <Text size="xs" className="break" lang="en">
          {reason}
        </Text>
      )}
      {due !== undefined && (
        <Text size="sm">
          <Time value={due} as="full" />
          {zone !== undefined && ` (${from === 'recipient' ? t('{zone}, of the user', { zone }) : zone})`}
        </Text>
      )}
      {late === true && <Text size="xs">{t('Its time is past: at once.')}</Text>}
    </>
  );
}
