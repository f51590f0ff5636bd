import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { SentMessage } from '../api/types.ts';
import { ChannelName } from '../shell/StatusBadge.tsx';
import { MessageParts } from './MessageParts.tsx';

/** Message as sent, as HTML if it has such a part, or as text. */
export function MessageView({ message }: { message: SentMessage }) {
  const [part, setPart] = useState<'html' | 'text'>(message.html === undefined ? 'text' : 'html');
  return (
    <Stack gap="sm" data-testid="message">
      <Group justify="space-between">
        <Group gap="sm">
          <ChannelName channel={message.channel} />
          <Text size="sm" c="dimmed">
            {message.to ? `to ${message.to}` : 'no address'}
          </Text>
        </Group>
        {message.html !== undefined && (
          <SegmentedControl
            size="xs"
            aria-label="Part of the message"
            value={part}
            onChange={(value) => setPart(value === 'html' ? 'html' : 'text')}
            data={[
              { value: 'html', label: 'HTML' },
              { value: 'text', label: 'Text' },
            ]}
          />
        )}
      </Group>
      {message.subject !== undefined && (
        <Text fw={650} size="lg" className="break" data-testid="message-subject">
          {message.subject}
        </Text>
      )}
      {part === 'html' && message.html !== undefined ? (
        <MessageFrame html={message.html} />
      ) : (
        <div className="message-text" data-channel={message.channel} data-testid="message-text">
          {message.title !== undefined && (
            <Text fw={650} data-testid="message-title">
              {message.title}
            </Text>
          )}
          {message.text}
        </div>
      )}
      <MessageParts message={message} />
    </Stack>
  );
}

/** Untrusted HTML in a sandboxed frame: no scripts, no forms, no outbound links, and a different origin. */
function MessageFrame({ html }: { html: string }) {
  const source = useMemo(() => disableLinks(html), [html]);
  return (
    <iframe
      className="message-frame"
      data-testid="message-frame"
      title="The message as HTML"
      sandbox=""
      srcDoc={source}
      referrerPolicy="no-referrer"
    />
  );
}

/**
 * Returns the HTML with links that do nothing: they open a new window, which the sandbox blocks. A link followed in the
 * frame itself would replace the message by an error page of the browser.
 */
function disableLinks(html: string): string {
  const page = new DOMParser().parseFromString(html, 'text/html');
  for (const link of page.querySelectorAll('a, area')) link.setAttribute('target', '_blank');
  // Keeps the doctype or its absence, because it changes the layout mode.
  return `${page.compatMode === 'CSS1Compat' ? '<!doctype html>' : ''}${page.documentElement.outerHTML}`;
}
