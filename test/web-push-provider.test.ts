import { webPush } from '../src/channels/push/web-push.ts';
import { testDefinition } from './support/definition-contract.ts';
import { acceptWebPush, answerWebPush, subscribe, VAPID_SETTINGS } from './support/stand-ins/web-push.ts';

const subscription = subscribe('http://127.0.0.1');
// The endpoint is that of the stand-in, which each test starts anew.
let url = '';
const target = {
  ...subscription,
  get endpoint() {
    return subscribe(url).endpoint;
  },
};

testDefinition(webPush, {
  settings: (baseUrl) => {
    url = baseUrl;
    return VAPID_SETTINGS;
  },
  target,
  message: { title: 'Welcome', text: 'Hello Maria' },
  accept: acceptWebPush,
  // What is said of the keys depends on the answers before; web-push-keys.test.ts has it.
  answer: (code) => (/^(40[13]|Vapid.*)$/.test(code.code) ? undefined : answerWebPush(code)),
  redirected: 'rejected',
  keyOf: ({ headers }) => headers.topic,
});
