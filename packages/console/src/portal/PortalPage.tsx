import { Anchor, Skeleton, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { startPortalSession } from '../api/webhooks.ts';
import { getApiKey, setApiKey, useKeyState } from '../key.ts';
import { linkToWebhooks, replaceLink } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { t } from '../text/text.ts';
import { WebhookPage } from '../webhooks/WebhookPage.tsx';
import { WebhooksPage } from '../webhooks/WebhooksPage.tsx';

/** The endpoints of webhooks of a tenant, for those who come by a one-time link, also in a frame: without any other page. */
export function PortalPage({ endpoint, link }: { endpoint: string | null; link: string | null }) {
  const keyState = useKeyState();
  if (link !== null) return <OpenedLink key={link} link={link} />;
  if (keyState !== 'open' || getApiKey() === null) {
    return (
      <EmptyState title={t('This page has ended')} isPage>
        {t('Open it again from where you came from: each link to it works once, and for some hours.')}
      </EmptyState>
    );
  }
  if (endpoint === null) return <WebhooksPage />;
  return (
    <Stack gap="md">
      <Anchor size="sm" href={linkToWebhooks()}>
        {t('All endpoints')}
      </Anchor>
      <WebhookPage key={endpoint} id={endpoint} />
    </Stack>
  );
}

/** Starts the session of a link, then leaves its address, which the history would keep. */
function OpenedLink({ link }: { link: string }) {
  const queries = useQueryClient();
  const started = useRef(false);
  const start = useMutation({
    mutationFn: () => startPortalSession(link),
    onSuccess: ({ token }) => {
      setApiKey(token);
      queries.clear();
      replaceLink(linkToWebhooks());
    },
    // A page that is loaded again has its session still.
    onError: () => replaceLink(linkToWebhooks()),
  });
  const { mutate } = start;
  useEffect(() => {
    // Once: React runs effects twice in development, and a link works once.
    if (started.current) return;
    started.current = true;
    mutate();
  }, [mutate]);
  return <Skeleton height={320} />;
}
