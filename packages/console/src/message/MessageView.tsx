import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { SentMessage } from '../api.ts';
import { ChannelName } from '../shell/LookBadge.tsx';

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
        // Somebody else's HTML: no scripts, no forms, no links out, another origin than this page.
        <iframe
          className="message-frame"
          data-testid="message-frame"
          title="The message as HTML"
          sandbox=""
          srcDoc={message.html}
          referrerPolicy="no-referrer"
        />
      ) : (
        <div className="message-text" data-channel={message.channel} data-testid="message-text">
          {message.text}
        </div>
      )}
    </Stack>
  );
}
