import { MantineProvider } from '@mantine/core';
import '@mantine/core/styles.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './console.css';
import { Problem } from './api/call.ts';
import { startRouting } from './route.ts';
import { App } from './shell/App.tsx';
import { theme } from './theme.ts';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A client error is not retried; a server error is retried once.
      retry: (failures, error) =>
        failures < 1 && error instanceof Problem && (error.status === 0 || error.status >= 500),
      retryDelay: 400,
      staleTime: 1000,
      // The API may be on this machine, so the online state of the browser is ignored.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

startRouting();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
