import { Text, UnstyledButton } from '@mantine/core';
import { useInViewport } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { Delivery, Explanation, Notification } from '@tidings/client/types';
import { useEffect, useId, useRef, useState } from 'react';
import { getSubstitute } from '../../../../src/model/delivery.ts';
import { getStateOfDeliveries } from '../../../../src/model/notification-state.ts';
import { getExplanation } from '../api/audit.ts';
import type { CatalogNotification, CatalogRule, DeliveryStatus } from '../api/types.ts';
import { MessageButton } from '../message/MessageButton.tsx';
import { linkToNotification, setParameter } from '../route.ts';
import { CopyButton } from '../shell/CopyButton.tsx';
import { IconAlertOctagon, IconChevronRight, IconCircle } from '../shell/icons.tsx';
import { OUTCOMES } from '../shell/outcome.ts';
import { getLookOfDeliveries, getTellingDelivery } from '../shell/outcome-of-deliveries.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Reason } from '../shell/Reason.tsx';
import { RuleText } from '../shell/RuleText.tsx';
import { toReasonWords } from '../shell/reason-words.ts';
import { Time } from '../shell/Time.tsx';
import { VerdictLine } from '../shell/VerdictLine.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { toTicket } from './ticket.ts';

const POLL_MS = 8000;

/** Order in which the messages of a notification are shown: one that was sent, those under way, failures, and what went nowhere. */
const STATUSES_BY_WEIGHT: readonly DeliveryStatus[] = [
  'sent',
  'sending',
  'queued',
  'in_doubt',
  'dead',
  'undeliverable',
  'dropped',
  'cancelled',
  'sandboxed',
];

interface WhyRowProps {
  userId: string;
  type: CatalogNotification;
  /** Rules of the active catalog. */
  rules: CatalogRule[];
  /** Whether it is open at first: the address says so. */
  isOpen: boolean;
}

/** Explanation of one notification type: a summary line, and the full explanation when expanded. */
export function WhyRow({ userId, type, rules, isOpen }: WhyRowProps) {
  const [opened, setOpened] = useState(isOpen);
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isOpen) button.current?.scrollIntoView({ block: 'nearest' });
  }, [isOpen]);
  // Explanations load only for rows that are visible or open, because a catalog can have hundreds of types.
  const { ref, inViewport } = useInViewport<HTMLDivElement>();
  const answer = useQuery({
    queryKey: ['explain', userId, type.name],
    queryFn: () => getExplanation(userId, type.name),
    enabled: inViewport || opened,
    meta: { topics: ['events', 'deliveries', 'waits'], every: POLL_MS },
  });
  const shown = answer.data && findMessage(answer.data);
  return (
    <div ref={ref} className="why-row" data-testid="why-row" data-notification-type={type.name}>
      <div className="why-line">
        <UnstyledButton
          ref={button}
          className="why-button"
          aria-expanded={opened}
          aria-controls={id}
          onClick={() => {
            setOpened(!opened);
            setParameter('why', opened ? null : type.name);
          }}
        >
          <StatusIcon explanation={answer.data} />
          <span className="why-words">
            <span className="name">{type.name}</span>
            <Text component="span" size="sm" c="dimmed">
              {answer.data ? <Summary explanation={answer.data} /> : answer.error ? t('Not available') : '…'}
            </Text>
          </span>
          <IconChevronRight size={16} className="chevron" data-open={opened || undefined} />
        </UnstyledButton>
        {answer.data && <EarlierFailures explanation={answer.data} />}
        {shown && <MessageButton deliveryId={shown.delivery_id} title={type.name} isIcon />}
      </div>
      <div id={id} hidden={!opened} className="why-answer">
        {opened && answer.error && <ProblemView problem={answer.error} retry={() => answer.refetch()} />}
        {opened && answer.data && (
          <>
            <Answer explanation={answer.data} rules={rules} />
            <div>
              <CopyButton
                label={t('Copy for a ticket')}
                getText={() => toTicket(userId, answer.data, null)}
                said={t('Copied, with a link to it.')}
              />
            </div>
          </>
        )}
      </div>
    </div>
  );
}

function StatusIcon({ explanation }: { explanation: Explanation | undefined }) {
  const last = explanation && findLastNotification(explanation);
  const look = last
    ? getLookOfDeliveries(last.deliveries)
    : explanation?.answer === 'waiting'
      ? OUTCOMES.scheduled
      : undefined;
  if (!look) return <IconCircle size={20} className="quiet" />;
  const { Icon, color } = look;
  return <Icon size={20} color={`var(--mantine-color-${color}-6)`} className="sign" />;
}

/** Summary line: the delivery status of the latest notification, because a decision to send is not yet a delivery. */
function Summary({ explanation }: { explanation: Explanation }) {
  const last = findLastNotification(explanation);
  if (!last) return <NotSent explanation={explanation} />;
  const times = explanation.notifications.length;
  const ended = findEnd(last);
  return (
    <T
      text={
        times > 1
          ? '{answer}, {isDecided, select, true {decided {time}} other {{time}}} (the last of {times, number})'
          : '{answer}, {isDecided, select, true {decided {time}} other {{time}}}'
      }
      values={{
        answer: getLookOfDeliveries(last.deliveries)?.label ?? ANSWER_LABELS[explanation.answer],
        isDecided: String(ended === null),
        time: <Time value={ended ?? last.created_at} />,
        times,
      }}
    />
  );
}

/** Returns when the delivery that says most about a notification ended; null: it has not, or there is no delivery. */
function findEnd({ deliveries }: Notification): string | null {
  return getTellingDelivery(deliveries)?.finished_at ?? null;
}

/** That earlier ones failed, which the summary of the latest does not say, with a link to the latest of them. */
function EarlierFailures({ explanation }: { explanation: Explanation }) {
  const { notifications } = explanation;
  const failed = notifications.filter(({ deliveries }) => {
    const state = getStateOfDeliveries(deliveries);
    return state === 'failed' || state === 'partly';
  });
  const [latest] = failed;
  const last = findLastNotification(explanation);
  if (!latest || failed.every(({ notification_id: id }) => id === last?.notification_id)) return null;
  return (
    <a className="why-failed" href={linkToNotification(latest.notification_id)} data-testid="why-failed">
      <IconAlertOctagon size={15} />
      {t('{count, number} of the last {times, number} failed', { count: failed.length, times: notifications.length })}
    </a>
  );
}

function NotSent({ explanation }: { explanation: Explanation }) {
  // A wait that moved leaves two decisions on one event: only the scheduled one has the due time that counts.
  const scheduled = explanation.decisions.find(({ outcome }) => outcome === 'scheduled');
  const due = explanation.answer === 'waiting' ? scheduled?.evidence.wait?.due_at : undefined;
  const answer = ANSWER_LABELS[explanation.answer];
  const code = findReason(explanation);
  if (explanation.answer === 'not_sent' && code !== null) {
    return t('{answer}: {reason}', { answer, reason: toReasonWords(code) });
  }
  return due === undefined ? answer : <T text="{answer}, due {time}" values={{ answer, time: <Time value={due} /> }} />;
}

const ANSWER_LABELS: Record<Explanation['answer'], string> = {
  sent: t('Sent'),
  on_its_way: t('On its way'),
  not_delivered: t('Not delivered'),
  sandboxed: t('Sandboxed'),
  waiting: t('Waiting'),
  not_sent: t('Not sent'),
  unknown_user: t('Unknown user'),
};

/** Returns the code of what the paragraph says first: of the delivery that failed, or of the decision. Null: nothing was decided. */
function findReason(explanation: Explanation): string | null {
  const { answer, decisions } = explanation;
  const failed = findLastNotification(explanation)?.deliveries.find(({ reason_code: code }) => code !== null);
  if (answer === 'not_delivered' && failed) return failed.reason_code;
  const decision =
    decisions.find(({ outcome }) => outcome === 'send') ??
    decisions.find(({ reason_code: code }) => code !== 'superseded' && code !== 'too_late');
  return (decision ?? decisions[0])?.reason_code ?? null;
}

/** Returns the notification of the latest decision to send, or undefined if there is no such decision. */
function findLastNotification({ decisions, notifications }: Explanation): Notification | undefined {
  const decision = decisions.find((one) => one.outcome === 'send');
  return decision && notifications.find((one) => one.notification_id === decision.notification_id);
}

/** Returns the delivery of the latest notification whose message can be shown, rather one that reached its user; undefined: none can. */
function findMessage(explanation: Explanation): Delivery | undefined {
  const shown = (findLastNotification(explanation)?.deliveries ?? []).filter(({ has_message: has }) => has);
  return shown.sort((a, b) => getWeight(a) - getWeight(b))[0];
}

const FAILED_RECEIPTS: ReadonlySet<Delivery['receipt_state']> = new Set(['bounced', 'failed']);

/** Returns the place in the order of messages. What was discarded or logged weighs as little as what was sandboxed. */
function getWeight({ status, provider, channel, receipt_state: receipt }: Delivery): number {
  const wentNowhere = status === 'sent' && getSubstitute(provider, channel) !== undefined;
  if (FAILED_RECEIPTS.has(receipt)) return STATUSES_BY_WEIGHT.indexOf('dead');
  return STATUSES_BY_WEIGHT.indexOf(wentNowhere ? 'sandboxed' : status);
}

function Answer({ explanation, rules }: { explanation: Explanation; rules: CatalogRule[] }) {
  const plan = explanation.decisions[0]?.evidence.plan ?? [];
  // The summary line says it already.
  const isSaid = explanation.answer === 'not_sent' || explanation.answer === 'waiting';
  return (
    <>
      <Reason code={isSaid ? null : findReason(explanation)} sentence={explanation.paragraph} testId="why-paragraph" />
      {plan.length > 0 && (
        <Text size="xs" c="dimmed" mt={4}>
          {t('At the decision:')}
        </Text>
      )}
      {plan.map((verdict) => (
        <VerdictLine key={`${verdict.channel} ${verdict.code}`} verdict={verdict} />
      ))}
      {explanation.rules.map(({ rule: name, active }) => {
        const rule = rules.find((one) => one.name === name);
        // A rule that was just added appears when the catalog is next polled.
        if (active && rule === undefined) return null;
        return (
          <div key={name} className="why-rule">
            {active && rule ? (
              <RuleText rule={rule} />
            ) : (
              <Text size="sm" c="dimmed">
                <T
                  text="The rule {rule} is no longer in the catalog."
                  values={{ rule: <span className="name">{name}</span> }}
                />
              </Text>
            )}
          </div>
        );
      })}
    </>
  );
}
