import { t } from '../text/text.ts';

/* Sentences of the API about failed deliveries, in the language of the page, and with a page in the place of a command. */

interface Advice {
  readonly text: string;
  /** Page on which that is done. */
  readonly page?: AdvicePage;
}

export type AdvicePage = 'accounts' | 'sending' | 'routes' | 'suppressions' | 'queue' | 'templates' | 'webhooks';

/** Advice by its sentence in the API. */
export const ADVICE: Readonly<Record<string, Advice>> = {
  'Ask the user for a correct address, and send it with their next event. The address gets no further messages until then.':
    {
      text: t(
        'Ask the user for a correct address, and send it with their next event. The address gets no further messages until then.',
      ),
    },
  'There is nothing to do: the device or mailbox is gone. The app registers the device again when it is next opened.': {
    text: t(
      'There is nothing to do: the device or mailbox is gone. The app registers the device again when it is next opened.',
    ),
  },
  'Do not retry: the owner wants no messages. Only the owner can take that back (by SMS with START); then lift the suppression.':
    {
      text: t(
        'Do not retry: the owner wants no messages. Only the owner can take that back (by SMS with START); then lift the suppression.',
      ),
      page: 'suppressions',
    },
  'Ask the user for another address: this one failed too often. Lift the suppression if you know that it works again.':
    {
      text: t(
        'Ask the user for another address: this one failed too often. Lift the suppression if you know that it works again.',
      ),
      page: 'suppressions',
    },
  'Correct the template or the data of the message, then retry. Unchanged, it would be rejected again.': {
    text: t('Correct the template or the data of the message, then retry. Unchanged, it would be rejected again.'),
    page: 'templates',
  },
  'Correct the account, check it with `tidings providers check`, then retry.': {
    text: t('Correct the account, check it, then retry.'),
    page: 'accounts',
  },
  'Look at the status page and the log of the provider, to see whether the message was sent.': {
    text: t('Look at the status page and the log of the provider, to see whether the message was sent.'),
  },
  'Retry later: this recipient could not be reached for the whole retry time. If it lasts, ask for another address.': {
    text: t(
      'Retry later: this recipient could not be reached for the whole retry time. If it lasts, ask for another address.',
    ),
  },
  "Retry later: the servers of the recipient's domain could not be reached for the whole retry time.": {
    text: t("Retry later: the servers of the recipient's domain could not be reached for the whole retry time."),
  },
  'Retry. If it fails again, look at the size and the content of the message.': {
    text: t('Retry. If it fails again, look at the size and the content of the message.'),
  },
  'Ask the provider for a higher limit, or send slower (`--per-second` of the retry).': {
    text: t('Ask the provider for a higher limit, or send slower.'),
    page: 'sending',
  },
  'Look at the status page of the provider; retry once it works again.': {
    text: t('Look at the status page of the provider; retry once it works again.'),
  },
  'Send an event with `user_traits.email`: deliveries within their retry time are then queued by themselves. Retry older ones afterwards.':
    {
      text: t(
        'Send an event with `user_traits.email`: deliveries within their retry time are then queued by themselves. Retry older ones afterwards.',
      ),
    },
  'Send an event with `user_traits.phone`: deliveries within their retry time are then queued by themselves. Retry older ones afterwards.':
    {
      text: t(
        'Send an event with `user_traits.phone`: deliveries within their retry time are then queued by themselves. Retry older ones afterwards.',
      ),
    },
  'The user has no device. Let the app register it (`POST /api/v1/users/{user_id}/devices`), then retry.': {
    text: t('The user has no device. Let the app register it, then retry.'),
  },
  'No endpoint takes this type of notification. Create one with `tidings webhooks create`, then retry.': {
    text: t('No endpoint takes this type of notification. Create one, then retry.'),
    page: 'webhooks',
  },
  'The device or endpoint was removed after the message was queued. Cancel the group.': {
    text: t('The device or endpoint was removed after the message was queued. Cancel the group.'),
  },
  'The notification is older than its retention, so there is nothing left to send. Cancel the group.': {
    text: t('The notification is older than its retention, so there is nothing left to send. Cancel the group.'),
  },
  'The message was no longer of use when its turn came. Look at `tidings queue` and at the circuits; give the type a longer `expires_after` if it is too short.':
    {
      text: t(
        'The message was no longer of use when its turn came. Look at the queue and at the circuits; give the type a longer `expires_after` if it is too short.',
      ),
      page: 'queue',
    },
  'Look at the route (`tidings routes`): give it an account that the tenant has, or save the account that it names (`tidings accounts create`); then retry.':
    {
      text: t(
        'Look at the route: give it an account that the tenant has, or save the account that it names; then retry.',
      ),
      page: 'routes',
    },
  'Save the account again under its name, then retry: by another account the message may arrive twice.': {
    text: t('Save the account again under its name, then retry: by another account the message may arrive twice.'),
    page: 'accounts',
  },
  'Clean the list of addresses, then `tidings sending resume`, then retry.': {
    text: t('Clean the list of addresses, resume sending, then retry.'),
    page: 'sending',
  },
  'Look at the log of Tidings: most likely the encryption key is another one. Retry once it is corrected.': {
    text: t('Look at the log of Tidings: most likely the encryption key is another one. Retry once it is corrected.'),
  },
  'Look at the log of Tidings for the error, and report it. Retry once it is corrected.': {
    text: t('Look at the log of Tidings for the error, and report it. Retry once it is corrected.'),
  },
  'Look at the status page of the provider and at the network of this machine; retry once it works again.': {
    text: t('Look at the status page of the provider and at the network of this machine; retry once it works again.'),
  },
  'Correct the template or the data of the message, then retry. Unchanged, it would fail again.': {
    text: t('Correct the template or the data of the message, then retry. Unchanged, it would fail again.'),
    page: 'templates',
  },
  'Retry later. If it lasts, ask the user for another address.': {
    text: t('Retry later. If it lasts, ask the user for another address.'),
  },
  'The message may have been sent. The provider recognizes a repetition, so a retry is safe.': {
    text: t('The message may have been sent. The provider recognizes a repetition, so a retry is safe.'),
  },
  'The message may have been sent. A retry replaces it where it arrived.': {
    text: t('The message may have been sent. A retry replaces it where it arrived.'),
  },
  'The message may have been sent: a retry may send it twice. Retry only what may arrive twice, and cancel the others.':
    {
      text: t(
        'The message may have been sent: a retry may send it twice. Retry only what may arrive twice, and cancel the others.',
      ),
    },
  'A process of Tidings ended while it was sending, or a dump was restored.': {
    text: t('A process of Tidings ended while it was sending, or a dump was restored.'),
  },
  'Look at the endpoint: `tidings webhooks attempts` shows what it answered. Send the messages once more with `tidings webhooks replay` when it works again.':
    {
      text: t('Look at the endpoint and at what it answered. Send the messages once more when it works again.'),
      page: 'webhooks',
    },
  'If the endpoint is to have its messages after all, enable it with `tidings webhooks enable`, and send them with `tidings webhooks replay`.':
    {
      text: t('If the endpoint is to have its messages after all, enable it, and send them once more.'),
      page: 'webhooks',
    },
};

/** Meanings of the codes of providers by their words in the API: those that many providers have. */
const MEANINGS: Readonly<Record<string, string>> = {
  'the provider says that the request is not valid': t('the provider says that the request is not valid'),
  'the provider does not accept the credentials': t('the provider does not accept the credentials'),
  'the credentials may not do this': t('the credentials may not do this'),
  'the URL leads to nothing': t('the URL leads to nothing'),
  'the message is larger than the provider accepts': t('the message is larger than the provider accepts'),
  'the provider cannot process the message': t('the provider cannot process the message'),
  'the provider limits the rate of the account': t('the provider limits the rate of the account'),
  'the provider failed, and may have the message': t('the provider failed, and may have the message'),
  'the provider is not available': t('the provider is not available'),
  'the provider did not answer in time, and may have the message': t(
    'the provider did not answer in time, and may have the message',
  ),
  'the message is not valid': t('the message is not valid'),
  'the message or the number is not valid': t('the message or the number is not valid'),
  'the owner of the number has replied STOP': t('the owner of the number has replied STOP'),
  'the server rejected the credentials': t('the server rejected the credentials'),
  'the number is not a valid one': t('the number is not a valid one'),
  'the mailbox is full': t('the mailbox is full'),
  'the app is no longer on the device': t('the app is no longer on the device'),
  'the address of the recipient is not valid': t('the address of the recipient is not valid'),
  'the subscription of the browser has ended': t('the subscription of the browser has ended'),
  'the endpoint limits the rate of requests (status 429)': t('the endpoint limits the rate of requests (status 429)'),
  'the endpoint is gone (status 410), and is disabled': t('the endpoint is gone (status 410), and is disabled'),
  'The route of the channel has no account for the message': t(
    'The route of the channel has no account for the message',
  ),
  'The message may have been sent by an account that is gone, and goes by no other': t(
    'The message may have been sent by an account that is gone, and goes by no other',
  ),
  'The account takes no attachments': t('The account takes no attachments'),
  'The provider keeps no templates': t('The provider keeps no templates'),
  'Emails of the type or tenant are paused, because they bounce or are complained about too often': t(
    'Emails of the type or tenant are paused, because they bounce or are complained about too often',
  ),
  'The accounts of the tenant cannot be opened': t('The accounts of the tenant cannot be opened'),
};

/** Returns a meaning in the language of the page; the words of the API if it is not known. */
export const toMeaning = (words: string): string => MEANINGS[words] ?? words;

/** Returns advice in the language of the page, and the pages that it speaks of. What the console does not know stays as the API says it. */
export function toAdvice(words: string): { readonly text: string; readonly pages: readonly AdvicePage[] } {
  // Advice may be several known ones, one after the other.
  const known = Object.keys(ADVICE).find((one) => words === one || words.startsWith(`${one} `));
  const { text, page } = (known !== undefined && ADVICE[known]) || { text: words, page: undefined };
  const pages = page === undefined ? [] : [page];
  const rest = known === undefined ? '' : words.slice(known.length + 1);
  if (rest === '') return { text, pages };
  const further = toAdvice(rest);
  return { text: `${text} ${further.text}`, pages: [...pages, ...further.pages] };
}
