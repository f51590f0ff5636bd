import { Group, Stack, Text } from '@mantine/core';
import type { Preview, RenderedCell } from '@tidings/client/types';
import { useMemo } from 'react';
import { MessageFrame } from '../message/MessageFrame.tsx';
import { MessageParts } from '../message/MessageParts.tsx';
import { findPreheader } from '../message/message-page.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { IconAlert } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { ChannelName, StatusBadge } from '../shell/StatusBadge.tsx';
import { t } from '../text/text.ts';
import { Findings, LinkList, Sizes } from './PreviewView.tsx';
import type { ChosenCell, PreviewChoice } from './preview-choice.ts';
import { TestSendButton } from './TestSendButton.tsx';

/** Characters of a subject, and of the words beside it, that an inbox on a phone shows. */
const INBOX_CHARS = 40;

interface CellViewProps {
  /** Notification type. */
  readonly type: string;
  readonly cell: ChosenCell;
  /** Undefined before it is known. */
  readonly made: RenderedCell | undefined;
  /** Percentage of the users that a test shows it; null: it is in no test. */
  readonly share: number | null;
  /** Whether the template in the default locale changed since it did. */
  readonly isOutdated: boolean;
  readonly choice: PreviewChoice;
  /** Whether the active version has the same templates: only those can be sent as a test. */
  readonly isReleased: boolean;
}

const OUTDATED: Look = { label: t('Changed since translation'), color: 'orange', Icon: IconAlert };

/** One message of the grid, or why there is not one. */
export function CellView({ type, cell, made, share, isOutdated, choice, isReleased }: CellViewProps) {
  const { channel, locale, variant, user_id: userId, last_event: last } = cell.asked;
  const user = userId ?? t('a sample');
  const name = [channel, locale, variant, user].filter(Boolean).join(', ');
  const preview = made?.preview;
  return (
    <article className="cell" aria-label={name} data-testid="cell" data-cell={`${channel} ${locale}`}>
      <Group gap="xs">
        <ChannelName channel={channel} />
        <Text size="sm" fw={600}>
          {locale}
        </Text>
        {variant !== undefined && <Text size="sm">{t('variant {variant}', { variant })}</Text>}
        {share !== null && <Text size="sm">{t('{share}% of the users', { share })}</Text>}
        <Text size="sm" c="dimmed" className="break">
          {user}
        </Text>
      </Group>
      {isOutdated && <StatusBadge look={OUTDATED} testId="outdated" />}
      {made?.problem !== undefined && (
        <Text size="sm" data-testid="cell-problem">
          {made.problem.message}
        </Text>
      )}
      {preview !== undefined && <Message preview={preview} name={name} choice={choice} />}
      {preview !== undefined && variant === undefined && (
        <div>
          {isReleased ? (
            <TestSendButton
              request={{
                notification_type: type,
                channel,
                ...(locale !== undefined && { locale }),
                ...(userId !== undefined && { user_id: userId }),
                ...(last === true && { last_event: true }),
              }}
            />
          ) : (
            <Text size="xs" c="dimmed">
              {t('A test shows what is released: release the draft to send it.')}
            </Text>
          )}
        </div>
      )}
    </article>
  );
}

function Message({ preview, name, choice }: { preview: Preview; name: string; choice: PreviewChoice }) {
  const { message, channel, dark_html: dark, findings, links } = preview;
  return (
    <Stack gap="xs">
      {message === null ? (
        <Text size="sm">{t('It cannot be rendered; the finding says why.')}</Text>
      ) : channel === 'push' ? (
        <Push title={message.title} text={message.text} />
      ) : (
        <>
          {message.subject !== undefined && <InboxLine subject={message.subject} html={message.html} />}
          {message.html !== undefined && choice.look !== 'text' ? (
            <MessageFrame
              html={choice.look === 'dark' && dark !== undefined ? dark : message.html}
              isDark={choice.look === 'dark'}
              title={t('Message: {name}', { name })}
              isWithoutPictures={choice.isWithoutPictures}
              isNarrow={choice.width === 'phone'}
            />
          ) : (
            <Words name={name} title={message.title} text={message.text} channel={channel} />
          )}
        </>
      )}
      {message !== null && <MessageParts message={{ ...message, channel }} />}
      <Sizes preview={preview} />
      <Findings findings={findings} />
      {links.length > 0 && (
        <Disclosure label={t('{count, plural, one {# link} other {# links}}', { count: links.length })}>
          <LinkList links={links} />
        </Disclosure>
      )}
    </Stack>
  );
}

interface WordsProps {
  /** Name of the message. */
  readonly name: string;
  readonly title: string | undefined;
  readonly text: string;
  readonly channel: string;
}

function Words({ name, title, text, channel }: WordsProps) {
  return (
    <section
      className="message-text"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
      tabIndex={0}
      aria-label={t('Text: {name}', { name })}
      data-channel={channel}
      data-testid="message-text"
    >
      {title !== undefined && <Text fw={650}>{title}</Text>}
      {text}
    </section>
  );
}

/** Subject and preheader as an inbox shows them. */
function InboxLine({ subject, html }: { subject: string; html: string | undefined }) {
  const preheader = useMemo(() => (html === undefined ? '' : findPreheader(html)), [html]);
  return (
    <div className="inbox-line" data-testid="inbox-line" title={t('As an inbox shows it: 40 characters of each')}>
      <span className="inbox-subject">{cut(subject)}</span> <span className="inbox-preheader">{cut(preheader)}</span>
    </div>
  );
}

function cut(text: string): string {
  const chars = [...text];
  return chars.length > INBOX_CHARS ? `${chars.slice(0, INBOX_CHARS).join('')}…` : text;
}

/** A push message as a phone shows it before it is opened: one line of the title and two of the text. */
function Push({ title, text }: { title: string | undefined; text: string }) {
  return (
    <>
      <div className="push-card" data-testid="push-card">
        {title !== undefined && <div className="push-title">{title}</div>}
        <div className="push-text">{text}</div>
      </div>
      <Text size="xs" c="dimmed">
        {t(
          'Phones show about one line of the title ({title, number} characters here) and two of the text ({text, number}).',
          {
            title: [...(title ?? '')].length,
            text: [...text].length,
          },
        )}
      </Text>
    </>
  );
}
