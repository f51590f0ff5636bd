import { createElement, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { TidingsInbox, TidingsProvider } from '../../src/wrappers/react.ts';

/** An app of React with the inbox of a user, below `#app`: its data has the URLs. */
function App({ api, tokenUrl }: { readonly api: string; readonly tokenUrl: string }) {
  const [unread, setUnread] = useState<number>();
  const [clicked, setClicked] = useState('nothing');
  return createElement(
    TidingsProvider,
    { api, tokenUrl, onCounts: ({ detail }) => setUnread(detail.unread) },
    createElement('p', null, `${unread} unread, ${clicked} clicked`),
    createElement(TidingsInbox, {
      tabs: 'all,unread',
      className: 'of-react',
      renderItem: (item) => {
        const title = document.createElement('h3');
        title.textContent = `${item.message?.title}!`;
        return title;
      },
      onItemClick: (event) => {
        event.preventDefault();
        setClicked(event.detail.item.message?.title ?? '');
      },
    }),
  );
}

const root = document.querySelector<HTMLElement>('#app');
if (root) createRoot(root).render(createElement(App, root.dataset as { api: string; tokenUrl: string }));
