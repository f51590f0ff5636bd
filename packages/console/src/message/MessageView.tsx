import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { MessageContent } from '../api/types.ts';
import { ChannelName } from '../shell/StatusBadge.tsx';
import { t } from '../text/text.ts';
import { MessageFrame } from './MessageFrame.tsx';
import { MessageParts } from './MessageParts.tsx';

type Part = 'html' | 'dark' | 'text';

const LABELS: Record<Part, string> = { html: 'HTML', dark: t('Dark'), text: t('Text') };

interface MessageViewProps {
  readonly message: MessageContent;
  /** Words about the address that it goes to, or that it goes nowhere. */
  readonly address: string;
  /** The HTML as a dark screen shows it. */
  readonly dark?: string | undefined;
}

/** A message, as HTML if it has such a part, or as text. */
export function MessageView({ message, address, dark }: MessageViewProps) {
  const parts: Part[] = [
    ...(message.html === undefined ? [] : (['html'] as const)),
    ...(dark === undefined ? [] : (['dark'] as const)),
    'text',
  ];
  const [chosen, setChosen] = useState<Part>('html');
  const part = parts.includes(chosen) ? chosen : (parts[0] ?? 'text');
  const html = part === 'dark' ? dark : part === 'html' ? message.html : undefined;
  return (
    <Stack gap="sm" data-testid="message">
      <Group justify="space-between">
        <Group gap="sm">
          <ChannelName channel={message.channel} />
          <Text size="sm" c="dimmed" className="break">
            {address}
          </Text>
        </Group>
        {parts.length > 1 && (
          <SegmentedControl
            size="xs"
            aria-label={t('Part of the message')}
            value={part}
            onChange={(value) => setChosen(value as Part)}
            data={parts.map((value) => ({ value, label: LABELS[value] }))}
          />
        )}
      </Group>
      {message.subject !== undefined && (
        <Text fw={650} size="lg" className="break" data-testid="message-subject">
          {message.subject}
        </Text>
      )}
      {html !== undefined ? (
        <MessageFrame html={html} isDark={part === 'dark'} title={t('The message as HTML')} />
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
