import { Alert, Button, Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getSession } from '../api/session.ts';
import { linkToOverview } from '../route.ts';
import { KeyForm } from './KeyForm.tsx';
import { PageTitle } from './PageTitle.tsx';

const PROBLEMS: Record<string, string> = {
  login_expired: 'The login took too long, or was begun in another browser. Log in again.',
  login_denied: 'The login was not allowed.',
  provider_unavailable: 'The login service does not respond. Try again in a minute.',
  login_failed: 'The login could not be verified. The log of Tidings has the cause.',
  not_a_member: 'You are not a member here. Ask an owner to invite your verified email address.',
  too_many_logins: 'Too many logins are under way. Try again in a minute.',
};

/** Login by the OpenID provider, or by an API key without one. `problem`: code of why the last login failed, or null. */
export function LoginPage({ problem, rejected = false }: { problem: string | null; rejected?: boolean }) {
  const session = useQuery({ queryKey: ['session'], queryFn: getSession });
  const [byKey, setByKey] = useState(rejected);
  if (session.isPending) return null;
  if (!session.data?.login.oidc || byKey) return <KeyForm rejected={rejected} />;
  return (
    <Paper withBorder shadow="sm" p="xl" maw={460} mx="auto" mt={64}>
      <Stack>
        <PageTitle size="h3">Log in</PageTitle>
        {problem !== null && <Alert color="red">{PROBLEMS[problem] ?? 'The login failed.'}</Alert>}
        <Text c="dimmed" size="sm">
          You come back to this page afterwards.
        </Text>
        <Button component="a" href={`/api/v1/login?to=${encodeURIComponent(returnTo())}`}>
          Log in
        </Button>
        <Button variant="subtle" onClick={() => setByKey(true)}>
          Use an API key
        </Button>
      </Stack>
    </Paper>
  );
}

/** Returns the page to show after the login. */
function returnTo(): string {
  return location.hash.startsWith('#/login') ? linkToOverview() : location.pathname + location.search;
}
