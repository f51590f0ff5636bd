import { Anchor, Text } from '@mantine/core';
import type { PlannedChannel, SendAnswer, SendResult } from '@tidings/client/types';
import { FactRows } from '../channels/FactTable.tsx';
import { linkToNotification, linkToUser } from '../route.ts';
import { IconBan, IconClock, IconPause, IconSend } from '../shell/icons.tsx';
import { CHANNELS, getLook, type Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { toWords } from '../shell/verdict-words.ts';

type Looks = Record<SendResult['state'], Look>;

/** Looks of results. None is green: what is accepted has not reached its user yet. */
const SENT: Looks = {
  accepted: { label: 'Accepted', color: 'ink', Icon: IconSend },
  scheduled: { label: 'Scheduled', color: 'blue', Icon: IconClock },
  suppressed: { label: 'Suppressed', color: 'orange', Icon: IconPause },
  rejected: { label: 'Rejected', color: 'red', Icon: IconBan },
};

const CHECKED: Looks = {
  accepted: { ...SENT.accepted, label: 'Would be sent' },
  scheduled: { ...SENT.scheduled, label: 'Would be scheduled' },
  suppressed: { ...SENT.suppressed, label: 'Would not be sent' },
  rejected: { ...SENT.rejected, label: 'Would be rejected' },
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
        Recipient: (row) => <RecipientText result={row} />,
        Result: ({ state }) => <StatusBadge look={getLook(isDry ? CHECKED : SENT, state)} testId="send-state" />,
        Channels: ({ channels = {} }) => Object.entries(channels).map((one) => <Planned key={one[0]} channel={one} />),
        Why: (row) => <Why result={row} />,
        ...(!isDry && { Notification: NotificationLink }),
      }}
    />
  );
}

function NotificationLink({ notification_id: id }: SendResult) {
  if (id === null) return 'none';
  return (
    <Anchor size="sm" href={linkToNotification(id)} data-testid="send-notification">
      Open
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
            <>
              of user <a href={linkToUser(userId)}>{userId}</a>
            </>
          ) : (
            'of no user who is known'
          )}
        </Text>
      )}
      {repeats !== undefined && (
        <Text size="xs" c="dimmed">
          the same user as recipient {repeats + 1}, who gets one message
        </Text>
      )}
    </>
  );
}

const PLANS: Record<PlannedChannel['plan'], string> = {
  go: 'goes',
  hold: 'is held',
  fold: 'is collected for a digest',
  drop: 'is dropped',
};

function Planned({ channel: [name, { plan, code, decided_by: by, until }] }: { channel: [string, PlannedChannel] }) {
  const names: { readonly [channel: string]: { readonly label: string } } = CHANNELS;
  return (
    <Text size="sm" className="break" data-testid="planned-channel">
      {names[name]?.label ?? name} {PLANS[plan] ?? plan}
      {until !== undefined && (
        <>
          {' until '}
          <Time value={until} as="full" />
        </>
      )}
      {code !== undefined && `: ${toWords(code)}`}
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
      {code !== undefined && <span className="name">{code}</span>}
      {reason !== undefined && (
        <Text size="xs" className="break">
          {reason}
        </Text>
      )}
      {due !== undefined && (
        <Text size="sm">
          <Time value={due} as="full" />
          {zone !== undefined && ` (${zone}${from === 'recipient' ? ', of the user' : ''})`}
        </Text>
      )}
      {late === true && <Text size="xs">Its time is past: at once.</Text>}
    </>
  );
}
