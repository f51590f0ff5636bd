import { Button, Code, CopyButton, Paper, Stack } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { Nothing } from '../shell/Nothing.tsx';

/** Before the first event: a command that posts one. */
export function FirstEvent() {
  // Once: a command that changes under the hand that selects it cannot be copied.
  const [command] = useState(() => curl(location.origin));
  return (
    <Paper withBorder p="md">
      <Nothing title="Nothing has happened yet">
        Post an event, and it shows here with what was decided about it.
      </Nothing>
      <Stack align="center" gap="sm" pb="lg">
        <Code block className="curl" data-testid="first-curl">
          {command}
        </Code>
        <CopyButton value={command}>
          {({ copied, copy }) => (
            <Button
              variant="light"
              size="xs"
              leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              onClick={copy}
            >
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
      </Stack>
    </Paper>
  );
}

function curl(origin: string): string {
  const event = {
    user_id: 'u_1001',
    event_type: 'signup_completed',
    event_timestamp: new Date().toISOString(),
    properties: {},
    user_traits: { email: 'maria@example.com', marketing_opt_in: true },
  };
  return `curl ${origin}/api/v1/events -H 'content-type: application/json' -d '${JSON.stringify(event, null, 2)}'`;
}
