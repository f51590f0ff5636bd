import { MantineProvider } from '@mantine/core';
import '@mantine/core/styles.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './console.css';
import { Problem } from './api/call.ts';
import { startRouting } from './route.ts';
import { fetchTexts, getLanguage, type Language, toLocale } from './text/language.ts';
import { setTexts } from './text/text.ts';
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

startRouting(() => void queries.resetQueries());

// Before any page is loaded: its modules ask for their texts once.
await speak(getLanguage());
const { App } = await import('./shell/App.tsx');

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);

// Loaded beside the first page, which has just been loaded.
void import('./live/follow-changes.ts').then(({ followChanges }) => followChanges(queries));
void import('./tenant-links.ts').then(({ nameTenantInLinks }) => nameTenantInLinks());

/** Sets the texts and the language of the page; English when its texts cannot be loaded. */
async function speak(language: Language) {
  try {
    setTexts(await fetchTexts(language), toLocale(language));
    document.documentElement.lang = language;
  } catch (error) {
    console.warn(error);
    setTexts({}, toLocale('en'));
  }
}
