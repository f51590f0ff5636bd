/** The catalog of the demo, as files. Its users have no addresses, so only the messages in the app reach them. */
export const CATALOG: { readonly [file: string]: string } = {
  'events.yaml': `events:
  order_shipped: { properties: { order_id: string, carrier: string } }
  comment_added: { properties: { thread: string, author: string, text: string } }
  payment_failed: { properties: { amount: number } }
  signed_in: { properties: { device: string } }
`,
  'notifications.yaml': `notifications:
  ORDER_SHIPPED: { description: When an order is on its way., category: TRANSACTIONAL, channels: [in_app, push, sms] }
  COMMENT_ADDED: { description: When another user writes to you., category: OPERATIONAL, channels: [in_app, push] }
  PAYMENT_FAILED: { description: When a payment did not go through., category: TRANSACTIONAL, channels: [in_app, sms] }
  NEW_SIGN_IN: { description: When a new device signs in., category: SECURITY, channels: [in_app, push] }
`,
  'rules.yaml': `rules:
  ORDER_SHIPPED: { on: order_shipped }
  COMMENT_ADDED: { on: comment_added }
  PAYMENT_FAILED: { on: payment_failed }
  NEW_SIGN_IN: { on: signed_in }
`,
  ...template(
    'ORDER_SHIPPED',
    ['in_app', 'push', 'sms'],
    'Your order {{event.order_id}} is on its way',
    '**{{event.carrier}}** brings it soon.',
    {
      severity: 'success',
      url: 'https://example.com/orders/{{url event.order_id}}',
    },
  ),
  'templates/ORDER_SHIPPED/in_app.en.actions.yaml': `- { label: Follow it, url: "https://example.com/orders/{{url event.order_id}}" }
- { label: Help, url: "https://example.com/help" }
`,
  ...template('COMMENT_ADDED', ['in_app', 'push'], '{{event.author}} wrote to you', '{{event.text}}', {
    group: 'thread {{event.thread}}',
  }),
  ...template(
    'PAYMENT_FAILED',
    ['in_app', 'sms'],
    'A payment failed',
    'Your payment of *{{event.amount}}* did not go through.',
    {
      severity: 'critical',
    },
  ),
  ...template(
    'NEW_SIGN_IN',
    ['in_app', 'push'],
    'A new device signed in',
    'It was {{event.device}}. If this was not you, change your password.',
    {
      severity: 'warning',
    },
  ),
};

function template(
  type: string,
  channels: readonly string[],
  title: string,
  text: string,
  inbox: { readonly [name: string]: string },
): { readonly [file: string]: string } {
  const folder = `templates/${type}`;
  const files = channels.flatMap((channel) => [
    [`${folder}/${channel}.en.txt`, text],
    ...(channel === 'sms' ? [] : [[`${folder}/${channel}.en.title.txt`, title]]),
  ]);
  return { ...Object.fromEntries(files), [`${folder}/in_app.en.inbox.yaml`]: JSON.stringify(inbox) };
}

/** Events to post, by their buttons. Each is a new one. */
export function listEvents(): readonly {
  readonly label: string;
  readonly type: string;
  readonly properties: object;
}[] {
  const number = Math.floor(Math.random() * 9000) + 1000;
  return [
    {
      label: 'Ship an order',
      type: 'order_shipped',
      properties: { order_id: `A-${number}`, carrier: 'Parcel Express' },
    },
    {
      label: 'Add a comment',
      type: 'comment_added',
      properties: { thread: 'T-1', author: 'Ann', text: `Number ${number}:\n\n- one\n- two\n- three\n- four\n- five` },
    },
    { label: 'Let a payment fail', type: 'payment_failed', properties: { amount: number / 100 } },
    { label: 'Sign in', type: 'signed_in', properties: { device: `Firefox on machine ${number}` } },
  ];
}
