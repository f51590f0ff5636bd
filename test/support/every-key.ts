import { parse } from 'yaml';
import type { Kind } from './parser.ts';

/** Catalog files that write every key of the language, in each of its forms. */

export const EVENTS = `traits:
  plan: { enum: [free, pro] }
  role: string
  vip: boolean
  trial_ends_at: timestamp
mapping: { user_id: { from: data.userId } }
events:
  signup: { description: A new account., properties: { plan: string } }
  booked: { properties: { booking_id: string, starts_at: timestamp, seats: integer, amount: number }, required: [booking_id] }
  cancelled: { properties: { booking_id: string } }
  vip_reached: { properties: { total: number } }
  seen:
  # Used by randomly generated rules.
  a:
  b:
  c:
  d:
  e:
`;

export const NOTIFICATIONS = `layout: none
variables: { company_address: { type: string, default: Main Street 1 } }
notifications:
  TELL:
    description: What happened.
    category: SYSTEM
    channels: [email, sms, push, in_app, webhook, chat, internal]
    priority: HIGH
    in_doubt: hold
    give_up_after: 2h
    expires_after: 3d
    quiet: ignore
    when_held: drop
    sent_by: requests
    dedupe: 1h
    goal: { event: a, within: 7d }
    provider_template: { chat: CLIENT_WELCOME_V1 }
  OTHER: { category: MARKETING, channels: internal }
  N1: { category: OPERATIONAL, channels: internal }
  N2: { category: OPERATIONAL, channels: internal }
  N3: { category: OPERATIONAL, channels: internal }
`;

/** The other rules can name the rule "waiting" and the group "few". */
export const RULES = `groups:
  few: { limit: [1 per day, 3 per 7d] }
rules:
  waiting: { on: booked, delay: 1h, notify: TELL }
`;

export const TEMPLATES: { readonly [path: string]: string } = {
  'templates/TELL/email.en.subject.txt': 'Hello',
  'templates/TELL/email.en.txt': 'Hello',
  'templates/TELL/sms.en.txt': 'Hello',
  'templates/TELL/push.en.txt': 'Hello',
  'templates/TELL/in_app.en.txt': 'Hello',
};

/** Each stands for itself. In small parts, because compiling a large schema takes long. */
const MORE_EVENTS = `
- { mapping: { user_id: { from: [data.u, data.v] }, event_id: { from: id }, time: { from: data.at }, properties: { from: data } } }
- { mapping: { properties: { n: { from: 'data["n"]' } }, traits: { plan: { from: 'data.items[0].plan' } } } }
- { description: Anything and nothing., properties: { any: true, none: false } }
- { properties: { list: { type: array, items: string, minItems: 1, maxItems: 9, uniqueItems: true } } }
- { properties: { n: { type: [number, null], minimum: 1, maximum: 9, multipleOf: 0.5 } } }
- { properties: { n: { exclusiveMinimum: 0, exclusiveMaximum: 10 } } }
- { properties: { text: { type: string, pattern: '^a', format: email, minLength: 1, maxLength: 9 } } }
- { properties: { one: { const: 1, default: 1, examples: [1], deprecated: true, title: T, description: D, $comment: C } } }
- { properties: }
- { schema: true }
- { schema: object }
- schema:
    $schema: https://json-schema.org/draft/2020-12/schema
    type: object
    properties: { a: { $ref: '#/$defs/a' } }
    required: [a]
    $defs: { a: timestamp }
- schema: { properties: { list: { prefixItems: [string], contains: string, minContains: 1, maxContains: 2, unevaluatedItems: string } } }
- schema: { patternProperties: { '^x': string }, additionalProperties: number, propertyNames: { pattern: '^.' } }
- schema: { minProperties: 0, maxProperties: 9, unevaluatedProperties: true }
- schema: { dependentRequired: { a: [b] }, dependentSchemas: { a: { required: [b] } } }
- schema: { allOf: [{ not: { const: 1 } }], anyOf: [true], oneOf: [{ type: object }] }
- schema: { if: { required: [a] }, then: { required: [b] }, else: { required: [c] } }
`;

/** Each stands for itself. They need no templates. */
const MORE_NOTIFICATIONS = `
- { description: What happened., category: SYSTEM, channels: [webhook, internal], in_doubt: hold, give_up_after: 2h }
- { category: MARKETING, channels: internal, in_doubt: resend, priority: URGENT, expires_after: 10m, quiet: ignore, when_held: drop, sent_by: requests }
- { category: MARKETING, channels: { first_of: [webhook, internal], wait: 1h, until: opened } }
- { category: SYSTEM, channels: [email], provider_template: CLIENT_WELCOME_V1, tracking: clicks }
- { category: SYSTEM, channels: [email, internal], provider_template: { email: CLIENT_WELCOME_V1 } }
- { category: SYSTEM, channels: [email], provider_template: { email: { en: CLIENT_WELCOME_V1, es: CLIENT_WELCOME_ES } } }
- { category: SYSTEM, channels: [internal], layout: none, variables: { sum: number, note: { description: A note., default: none } } }
- { category: SYSTEM, channels: [internal, webhook], layout: { internal: none }, variables: { list: { type: list, required: false } } }
`;

/** Each stands for itself, beside RULES. */
const MORE_RULES = `
- { on: signup, notify: TELL }
- { on: [signup, booked], notify: [TELL, OTHER], zone: Europe/Lisbon }
- { on: { trait: plan, to: pro }, notify: TELL, limit: [1 per day in user zone, 3 per 7d] }
- { on: [signup, { trait: vip }], notify: TELL, limit: 2 per day in Europe/Lisbon per person }
- { on: { notification: TELL, is: failed }, notify: OTHER, limit: once, throttle: 15m }
- { on: { notification: [TELL, OTHER], is: [failed, bounced] }, notify: OTHER, limit: 3 ever }
- { on: booked, when: event.seats > 1, key: event.booking_id, group: few, expires: 2d, channels: [internal], notify: TELL }
- { on: booked, after: { event: signup, within: 1h30m }, channels: internal, notify: TELL }
- on: booked
  after: [{ event: signup, within: 7d }, { event: cancelled, within: 1h, same: event.booking_id }]
  notify: TELL
- { on: booked, count: { at_least: 5, within: 10m, same: event.booking_id }, notify: TELL }
- { on: booked, count: { at_most: 5, of: [booked, cancelled], within: day }, zone: user, notify: TELL }
- { on: booked, count: { exactly: 0, of: cancelled, since: signup }, notify: TELL }
- { on: signup, unless: { event: booked, within: 7d }, cancel_on: cancelled, again: ignore, recheck: false, notify: TELL }
- on: booked
  unless: { event: [cancelled, seen], within: 7d, at_least: 2, same: event.booking_id }
  again: restart
  notify: TELL
- { on: booked, delay: 2h, at: 09:00, zone: user, cancel_on: [cancelled], again: beside, notify: TELL }
- { on: booked, at: event.starts_at - 24h, if_past: send_now, if_missing: error, notify: TELL }
- { on: booked, debounce: { quiet: 1h, at_most: 24h }, notify: TELL }
- { on: booked, debounce: 1h, unless: { event: seen, within: 1h }, notify: TELL }
- { on: booked, digest: { window: 15m, first: now, keep: 20 }, cancel_on: seen, notify: TELL }
- { on: booked, digest: { sliding: { quiet: 15m, at_most: 2h } }, notify: TELL }
- { on: booked, digest: { at: day 18:00 }, notify: TELL }
- { every: monday 09:00, for: user.role == "admin", zone: UTC, notify: TELL }
- { every: cron 0 9 * * 1, for: true, notify: TELL }
- { every: day 09:00, for: { segment: PAYING }, notify: TELL }
- { on: booked, data: { with_fee: event.amount * 1.02, one: 1 }, notify: TELL }
- { on: booked, variables: { app_name: event.booking_id }, notify: TELL }
- { on: booked, variables: event, notify: TELL }
- on: booked
  choose: [{ when: user.plan == "pro", notify: [TELL, OTHER] }, { when: event.seats < 2, notify: none }, { notify: OTHER }]
- { on: booked, split: { control: 10%, OTHER: 45%, short: 45.00% }, notify: TELL }
- { on: booked, notify: none, do: { set: { role: '"vip"', vip: true } } }
- { on: booked, notify: TELL, do: [{ emit: vip_reached, with: { total: event.amount } }, { emit: seen }, { cancel: waiting }] }
`;

export const CASES = `cases:
  - name: everything
    profile: { plan: free }
    from: 2025-11-03T08:00Z
    until: 2025-11-30T00:00:00.5+02:00
    events:
      - { at: 2025-11-03T09:00Z, booked: { booking_id: b, seats: 2 }, traits: { vip: true }, user: u_2, id: e_1, arrives: 2025-11-03T10:00Z }
      - { at: 2025-11-03T09:00Z, seen: }
      - { specversion: '1.0', id: e_2, source: shop, type: seen, data: { userId: u_2 }, arrives: 2025-11-03T11:00Z }
      - { eventType: seen, data: { userId: u_2 }, metadata: { timestamp: 2025-11-03T09:00Z } }
      - { event_type: seen, user_id: u_2, event_timestamp: 2025-11-03T09:00Z }
    expect:
      - { at: 2025-11-03T09:00Z, user: u_2, TELL: suppressed, because: limit_reached, data: { a: 1 }, items: [], total: 3 }
      - { OTHER: send }
  - { name: nothing, from: 2025-11-03T08:00Z, expect: none }
  - { name: nothing yet, profile: , from: 2025-11-03T08:00Z, events: , expect: }
`;

export const SEGMENTS = `segments:
  PAYING: user.plan == "pro"
  ADMINS: { description: Those who may do everything., for: user.role == "admin" }
`;

export const SOURCES = `sources:
  bookings:
    description: Bookings of the shop.
    topic: shop.bookings
    format: json
    event_type: booked
    when: message.value.kind == "booking"
    user_id: { from: message.value.customer }
    event_id: { from: [message.value.id, message.headers.id] }
    time: { from: message.value.at }
    correlation_id: { from: message.headers.trace }
    properties: { price: { from: message.value.total } }
    traits: { from: message.value.customer_traits }
    tenant: { from: message.headers.tenant }
    start: latest
    dead_letter_topic: true
  events: { topic: shop.events, format: cloudevents }
`;

export const SINKS = `sinks:
  outcomes:
    description: What became of messages.
    topic: shop.outcomes
    event_types: [notification.*, booked]
    notification_types: TELL
    channels: [email, sms]
    decisions: sent
    format: structured
    key: user
  all: { topic: shop.all, event_types: '*' }
`;

export const ROUTES = `routes:
  email: [{ account: main, tier: 1, weight: 80, when: message.category == "MARKETING" }, { account: second }]
  sms: { account: installation }
prices:
  - { provider: twilio, channel: sms, calling_code: "351", from: 2026-01-01, amount: 0.045, currency: EUR }
`;

/** Files, since no connector has every key. */
export const CONNECTORS = [
  `connectors:
  import:
    kind: customer-import
    description: Fetches users.
    on: booked
    when: event.booking_id == "1"
    url: https://core.example.com
    path: /users/{user_id}
    timeout: 5s
    retry: { attempts: 3, first: 1s, longest: 10m }
    auth: { scheme: jwt, header: x-token, prefix: "Token ", issuer: a, audience: b, lifetime: 1m }
    traits: { email: { from: [email, contact.email] }, name: event.name }
    products: { list: { from: products }, id: { from: id }, product: { from: kind }, status: { from: status } }
    toggles: { list: { from: toggles }, type: { from: type }, enabled: { from: on }, channel: { from: channel } }
    register_cards: [cards, direct]
  cards:
    kind: card-registration
    mode: upstream
    url: https://cards.example.com
    products: [CREDIT, GENERIC]
    calls: { get_card_list: /list, set_card_policy: /policy }
    subscriber_field: subscriber
  direct:
    kind: card-registration
    mode: network
    url: https://network.example.com
    network:
      accounts: { url: "https://cards.example.com", path: "/accounts/{product_id}", reference: card, cache: 1h }
      numbers: { url: "https://vault.example.com", path: "/cards/{reference}", field: number }
      padding: pkcs1-v1.5
      language: us-en
  gateway:
    kind: card-registration
    mode: network
    url: https://network.example.com
    network: { accounts: { url: "https://cards.example.com", path: "/a/{product_id}" }, gateway: { url: "https://gateway.example.com", path: /register } }
`,
] as const;

export const PREFERENCES = `zone: Europe/Berlin
defaults:
  types: { TELL: { enabled: true, email: true, sms: false, push: true, in_app: true } }
  categories: { MARKETING: false }
  channels: { push: true }
locks: { types: { TELL: true } }
required: [TELL]
consent:
  MARKETING: { any: [record, { trait: opted_in }] }
  TRANSACTIONAL/sms: record
  OPERATIONAL/email: { double_opt_in: TELL, confirm_within: 3d }
  OPERATIONAL/sms: { double_opt_in: TELL, keywords: [YES] }
legal_hours:
  push: 08:00-21:00
  sms:
    hours: 08:00-21:00
    zones: [America/New_York, Pacific/Honolulu]
    pass: [SECURITY]
    regions:
      US-FL: { hours: 08:00-20:00, from: 2021-07-01, source: A statute, zones: [America/New_York], not_on: [saturday, sunday] }
    calling_codes: { "1": { region: US-FL, zones: [America/New_York] }, "44": [Europe/London] }
quiet_hours: { hours: 22:00-08:00, zone: Europe/Berlin }
hold_spread: 10m
audiences: { TELL: { products: [LOAN] } }
frequency: { TELL: HOURLY, MARKETING: WEEKLY }
digest_times: { at: 18:30, day: friday }
caps: { sms: { per_minute: 2, per_hour: 5, per_day: 10, burst: 1 }, pass: [URGENT, SECURITY] }
`;

/** Things that the parser accepts. */
export const ACCEPTED: { readonly [kind in Kind]: readonly unknown[] } = {
  event: [...parse(MORE_EVENTS), ...Object.values(parse(EVENTS).events)],
  trait: Object.values(parse(EVENTS).traits),
  notification: parse(MORE_NOTIFICATIONS),
  rule: parse(MORE_RULES),
  group: [{ limit: '1 per day' }, { limit: ['once', '3 per 7d'] }],
  case: parse(CASES).cases,
};
export const KINDS = Object.keys(ACCEPTED) as Kind[];
