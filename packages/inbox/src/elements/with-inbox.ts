import { InboxClient } from '../client/inbox-client.ts';
import { TidingsBell } from './bell.ts';
import { define } from './element.ts';
import { TidingsInbox } from './inbox.ts';
import { TidingsProvider } from './provider.ts';

export * from '../client/inbox-client.ts';
export type { MakeElement, RenderItem } from './inbox.ts';
export { TidingsBell, TidingsInbox, TidingsProvider };

// The provider first: the others look for it.
define('tidings-provider', TidingsProvider);
// That may be the class of another script.
(globalThis.customElements?.get('tidings-provider') as typeof TidingsProvider | undefined)?.use(InboxClient);
define('tidings-inbox', TidingsInbox);
define('tidings-bell', TidingsBell);
