import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createServices } from '../packages/client/src/marketplace.ts';
import { loadExample } from './support/catalog.ts';
import { listCommands } from './support/cli-commands.ts';

/** docs/mapping.md says what the names of other systems are here: what it names is there. */

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const page = read('docs/mapping.md');
/** The right column of each table: what is here. */
const here = page.split('\n').flatMap((line) => /^\| .* \| (.*) \|$/.exec(line)?.[1] ?? []);
/** The left column: what the documents name. */
const names = page
  .split('\n')
  .flatMap((line) => /^\| (.*?) \| .* \|$/.exec(line)?.[1] ?? [])
  .filter((name) => !/^(name|-+)$/.test(name));
const codes = here.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));

const PROVIDER_PAGES = ['ses', 'twilio', 'fcm', 'courier'].map((name) => `docs/providers/${name}.md`);

/** Models, services, commands, endpoints and settings, document by document, as they are written there. */
const NAMES: readonly (readonly string[])[] = [
  [
    'the events of a bank',
    'POST /api/v1/events',
    'src/notifications.yaml',
    'src/notification_rules.yml',
    ...['WELCOME_EMAIL', 'BANK_LINK_NUDGE_SMS', 'INSUFFICIENT_FUNDS_EMAIL', 'HIGH_RISK_ALERT'],
    ...['marketing_opt_in', 'risk_segment', 'country', 'event_timestamp', 'properties', 'user_traits'],
    ...['make run-api', 'make run-workers', 'pytest', 'Taskiq'],
  ],
  [
    'the same as a test task',
    ...['POST /events', 'GET /audit/{user_id}'],
    ...['signup_completed', 'link_bank_success', 'payment_initiated', 'payment_failed'],
  ],
  [
    'a lender',
    ...['User`', 'OutboxEvent', 'NotificationCategory', 'CustomerNotificationCategory', 'PushTemplate', 'Push`'],
    ...['CustomerProduct', 'subscriber_reference_id', 'customer_uuid', 'selected_delivery_method', 'enabled'],
    ...['SyncCustomerHandler', 'RegisterValidUserResponse', 'MessageCodes', 'get_subscriber_reference_id'],
    ...['Persistence::Account.find!', 'CreditCard.find', 'FdrGateway::Base.fdr_gateway_call'],
    ...['ContextualMessaging::Encryption.encrypt_card_number', 'X-Avant-Authorization', 'cardStatusMap'],
    ...['REG_120', 'REG_121', 'REG_122', 'REG_101'],
    'prd.default.account-opening.avant-basic.event-publisher.product-status',
    'message intents',
    'POST /api/v1/cm/register_valid_user',
    'cm/api/v2.0/cm/register_valid_user',
    '/fiserver/cbes/perform.do?opId=REGISTER_VALID_USER',
    ...['get_card_list', 'set_card_policy'],
    'GET customer-notifications/{customer_uuid}',
    'PATCH customer-notifications/{customer_notification_category_uuid}',
    'device endpoints for APNS and GCM',
    ...['generate_payment_reminder_objects', 'generate_card_high_purchase_objects'],
    ...['base_app', 'notification_categories', 'notification_content', 'notification_delivery'],
    ...['notification_registration', 'notification_events'],
    ...['just serve', 'install', 'docs', 'stop', 'logs', 'lint', 'format', 'test', 'check-all', 'migrate'],
    ...['makemigrations', 'console', 'shell', 'manage.py runserver', 'uv sync', 'uv pip install .'],
    ...['docker-compose exec api uv run pytest src', 'pre-commit install', 'pre-commit run --all-files', 'gitleaks'],
    ...['/api/docs', 'JWT', 'Celery', 'Redis', 'Zookeeper', 'Datadog', 'Sentry', 'python-json-logger', 'Bruno'],
    ...['django-push-notifications', 'Firebase'],
  ],
  [
    'a booking platform',
    ...['BaseNotificationService', 'ClientNotificationService', 'PractitionerNotificationService', 'Registry'],
    ...['CourierClient', 'Notification`', 'NotificationTemplate', 'NotificationSetting', 'CELERY_BEAT_SCHEDULE'],
    ...['get_client_notification_service', 'send_booking_confirmation', 'send_new_notification'],
    ...['schedule_notification', 'should_send_notification', 'get_template_id', 'TEMPLATES'],
    ...['process_scheduled_notifications', 'cleanup_old_notifications', 'send_practitioner_earnings_summaries'],
    ...['setup_notification_preferences', 'send_test_notification', 'manage.py test notifications.tests'],
    ...['COURIER_AUTH_TOKEN', 'COURIER_CLIENT_WELCOME_TEMPLATE', 'integrations/courier/utils.py'],
    ...['user_name', 'user_email', 'app_name', 'frontend_url', 'support_email'],
  ],
  [
    'a marketplace',
    ...['NotificationDelivery', 'NotificationPreference', 'WebhookSubscription', 'NotificationMetrics'],
    ...['NotificationEvent', 'NotificationBatch', 'NotificationRateLimit', 'NotificationSvc', 'MetricsService'],
    ...['notificationService.sendNotification', '@OnEvent', 'preferenceService.updatePreference', 'subscribeToChannel'],
    ...['webhookService.createSubscription', 'testWebhook', 'verifyWebhookSignature'],
    ...['templateService.createTemplate', 'activateTemplate', 'createLocalization'],
    ...['metricsService.getMetrics', 'getChannelPerformance', 'getTimeSeriesData', 'rateLimitService.setRateLimitRule'],
    ...['DATABASE_URL', 'REDIS_HOST', 'REDIS_PORT', 'REDIS_PASSWORD', 'EMAIL_PROVIDER', 'AWS_SES_REGION'],
    ...['AWS_SES_ACCESS_KEY_ID', 'AWS_SES_SECRET_ACCESS_KEY', 'EMAIL_FROM_NAME', 'EMAIL_FROM_EMAIL', 'SMS_PROVIDER'],
    ...['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILIO_FROM_NUMBER', 'PUSH_PROVIDER', 'FCM_PROJECT_ID'],
    ...['FCM_PRIVATE_KEY', 'FCM_CLIENT_EMAIL', 'npx prisma generate', 'npx prisma migrate deploy'],
    ...['npm run seed:notifications', 'docker run -d --name redis'],
  ],
];

test('the operations that it names are in the API', () => {
  const { paths } = JSON.parse(read('docs/openapi.json')) as { paths: { [path: string]: object } };
  const known = new Set(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((one) => `${one.toUpperCase()} ${path}`),
    ),
  );
  const named = codes.filter((code) => /^(GET|POST|PUT|PATCH|DELETE) \//.test(code));
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((one) => !known.has(one))).toEqual([]);
});

test('so are the commands, scripts and recipes', () => {
  const commands = listCommands().map(({ path }) => path);
  const named = codes.flatMap((code) => /^tidings (.+)$/.exec(code)?.[1] ?? []);
  expect(named.length).toBeGreaterThan(8);
  expect(
    named.filter(
      (one) => !commands.some((path) => one === path || one.startsWith(`${path} `) || path.startsWith(`${one} `)),
    ),
  ).toEqual([]);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { [name: string]: string } };
  const run = [...page.matchAll(/`npm run ([\w:]+)`/g)].map(([, name = '']) => name);
  expect(run.filter((name) => !(name in scripts))).toEqual([]);
  const recipes = new Set([...read('justfile').matchAll(/^([\w-]+)[^:\n]*:/gm)].map(([, name]) => name));
  const row = page.split('\n').find((line) => line.startsWith('| `just serve`')) ?? '';
  const left = row.split(' | ')[0] ?? '';
  const served = [...left.matchAll(/`(?:just )?([\w-]+)`/g)].map(([, name]) => name);
  expect(served.length).toBeGreaterThan(10);
  expect(served.filter((name) => !recipes.has(name))).toEqual([]);
});

interface Example {
  readonly events: object;
  readonly rules: { readonly [name: string]: { readonly on: unknown } };
  readonly sources: { readonly [name: string]: { readonly topic: string } };
}

/** Reads the parts of an example catalog that the page names. */
async function readExample(name: string): Promise<Example> {
  const files = await loadExample(name);
  const part = (file: string) =>
    (parse(files.get(`${file}.yaml`) ?? '') as { [key: string]: never } | null)?.[file] ?? {};
  return { events: part('events'), rules: part('rules'), sources: part('sources') };
}

test('so are the types, rules, event types and sources of the examples, and the targets of the Makefile', async () => {
  const left = names.join(' ');
  const fintech = await readExample('fintech');
  for (const name of [...Object.keys(fintech.rules), ...Object.keys(fintech.events)])
    expect(left).toContain(`\`${name}\``);
  const { sources, rules } = await readExample('lending');
  expect(sources.product_status?.topic).toBe('prd.default.account-opening.avant-basic.event-publisher.product-status');
  expect(Object.keys(sources).filter((name) => !codes.includes(name))).toEqual([]);
  expect(Object.values(rules).map(({ on }) => on)).toContain('product_status_changed');
  const targets = new Set([...read('Makefile').matchAll(/^([\w-]+):/gm)].map(([, name]) => name));
  const made = [...names.join(' ').matchAll(/`make ([\w-]+)`/g)].map(([, name]) => name);
  expect(made).toEqual(['run-api', 'run-workers']);
  expect(made.filter((name) => !targets.has(name))).toEqual([]);
});

test('so are the variables, rooms and services', () => {
  const documented = ['docs/operations.md', ...PROVIDER_PAGES].map(read).join('\n');
  const variables = names.join(' ').match(/(?<=`)[A-Z]+(?:_[A-Z]+)+(?=`)/g) ?? [];
  const ours = variables.filter((name) => /^(DATABASE|EMAIL|AWS|SMS|TWILIO|PUSH|FCM|COURIER_AUTH)/.test(name));
  expect(ours.length).toBeGreaterThan(14);
  expect(ours.filter((name) => !documented.includes(name))).toEqual([]);
  const rooms = /rooms of `src\/`: (.*)/.exec(page)?.[1]?.match(/(?<=`)[\w/]+(?=`)/g) ?? [];
  expect(rooms.length).toBeGreaterThan(5);
  expect(rooms.filter((room) => !existsSync(new URL(`../src/${room}`, import.meta.url)))).toEqual([]);
  const services = new Map(Object.entries(createServices({} as Parameters<typeof createServices>[0])));
  const calls = [...names.join(' ').matchAll(/`(\w+Service)\.(\w+)`/g)];
  expect(calls.length).toBeGreaterThan(4);
  for (const [, name = '', method = ''] of calls) expect(services.get(name)).toHaveProperty(method);
});

test('each name that the five documents have is there', () => {
  const left = names.join(' ');
  const missing = NAMES.flatMap(([, ...known]) => known).filter((name) => !left.includes(name));
  expect(missing).toEqual([]);
});

test('every name of its left column is there once', () => {
  expect(names.length).toBeGreaterThan(40);
  expect(new Set(names).size).toBe(names.length);
});
