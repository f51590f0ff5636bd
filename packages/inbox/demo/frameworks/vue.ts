import { createApp, defineComponent, h, ref } from 'vue';
import type { Counts, Item } from '../../src/client/inbox-client.ts';
import { TidingsInbox, TidingsProvider } from '../../src/wrappers/vue.ts';

/** An app of Vue with the inbox of a user, below `#app`: its data has the URLs. */
const App = defineComponent({
  props: { api: { type: String, required: true }, tokenUrl: { type: String, required: true } },
  setup({ api, tokenUrl }) {
    const unread = ref<number>();
    const clicked = ref('nothing');
    return () =>
      h(
        TidingsProvider,
        { api, tokenUrl, onCounts: ({ detail }: CustomEvent<Counts>) => (unread.value = detail.unread) },
        () => [
          h('p', `${unread.value} unread, ${clicked.value} clicked`),
          h(TidingsInbox, {
            tabs: 'all,unread',
            class: 'of-vue',
            renderItem: (item: Item) => {
              const title = document.createElement('h3');
              title.textContent = `${item.message?.title}!`;
              return title;
            },
            onItemClick: (event: CustomEvent<{ readonly item: Item }>) => {
              event.preventDefault();
              clicked.value = event.detail.item.message?.title ?? '';
            },
          }),
        ],
      );
  },
});

const root = document.querySelector<HTMLElement>('#app');
if (root) createApp(App, { ...root.dataset }).mount(root);
