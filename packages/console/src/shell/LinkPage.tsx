import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { logInByLink } from '../api/session.ts';
import { forgetApiKey } from '../key.ts';
import { linkToOverview, replaceLink } from '../route.ts';
import { ProblemView } from './ProblemView.tsx';

/** Logs in by a one-time link, then leaves its address, which the history would keep. */
export function LinkPage({ link }: { link: string }) {
  const queries = useQueryClient();
  const started = useRef(false);
  const login = useMutation({
    mutationFn: () => logInByLink(link),
    onSuccess: () => {
      forgetApiKey();
      queries.clear();
      replaceLink(linkToOverview());
    },
  });
  const { mutate } = login;
  useEffect(() => {
    // Once: React runs effects twice in development, and a link works once.
    if (started.current) return;
    started.current = true;
    mutate();
  }, [mutate]);
  return login.error ? <ProblemView problem={login.error} /> : null;
}
