import { Alert, Button, Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getSession } from '../api/session.ts';
import { linkToOverview } from '../route.ts';
import { t } from '../text/text.ts';
import { KeyForm } from './KeyForm.tsx';
import { PageTitle } from './PageTitle.tsx';

const PROBLEMS: Record<string, string> = {
  login_expired: t('The login took too long, or was begun in another browser. Log in again.'),
  login_denied: t('The login was not allowed.'),
  provider_unavailable: t('The login service does not respond. Try again in a minute.'),
  login_failed: t('The login could not be verified. The log of Tidings has the cause.'),
  not_a_member: t('You are not a member here. Ask an owner to invite your verified email address.'),
  too_many_logins: t('Too many logins are under way. Try again in a minute.'),
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
        <PageTitle size="h3">{t('Log in')}</PageTitle>
        {problem !== null && <Alert color="red">{PROBLEMS[problem] ?? t('The login failed.')}</Alert>}
        <Text c="dimmed" size="sm">
          {t('You come back to this page afterwards.')}
        </Text>
        <Button component="a" href={`/api/v1/login?to=${encodeURIComponent(returnTo())}`}>
          {t('Log in')}
        </Button>
        <Button variant="subtle" onClick={() => setByKey(true)}>
          {t('Use an API key')}
        </Button>
      </Stack>
    </Paper>
  );
}

/** Returns the page to show after the login. */
function returnTo(): string {
  return location.hash.startsWith('#/login') ? linkToOverview() : location.pathname + location.search;
}
