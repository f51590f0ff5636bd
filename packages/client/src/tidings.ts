import { Connection, type TidingsOptions } from './connection.ts';
import { AuditLog } from './resources/audit-log.ts';
import { Batches } from './resources/batches.ts';
import { Catalogs } from './resources/catalogs.ts';
import { Connectors } from './resources/connectors.ts';
import { Consents } from './resources/consents.ts';
import { Costs } from './resources/costs.ts';
import { CustomerNotifications } from './resources/customer-notifications.ts';
import { DeadLetters } from './resources/dead-letters.ts';
import { Decisions } from './resources/decisions.ts';
import { Deliveries } from './resources/deliveries.ts';
import { Devices } from './resources/devices.ts';
import { Events } from './resources/events.ts';
import { Health } from './resources/health.ts';
import { Inbox } from './resources/inbox.ts';
import { Issuers } from './resources/issuers.ts';
import { Jobs } from './resources/jobs.ts';
import { Keys } from './resources/keys.ts';
import { Lists } from './resources/lists.ts';
import { Me } from './resources/me.ts';
import { Members } from './resources/members.ts';
import { Metrics } from './resources/metrics.ts';
import { Notifications } from './resources/notifications.ts';
import { Preferences } from './resources/preferences.ts';
import { ProviderAccounts } from './resources/provider-accounts.ts';
import { Rejected } from './resources/rejected.ts';
import { Releases } from './resources/releases.ts';
import { Routes } from './resources/routes.ts';
import { Search } from './resources/search.ts';
import { Segments } from './resources/segments.ts';
import { Sending } from './resources/sending.ts';
import { SigningKeys } from './resources/signing-keys.ts';
import { Sinks } from './resources/sinks.ts';
import { Sources } from './resources/sources.ts';
import { Suppressions } from './resources/suppressions.ts';
import { Templates } from './resources/templates.ts';
import { Tenants } from './resources/tenants.ts';
import { Users } from './resources/users.ts';
import { Waits } from './resources/waits.ts';
import { Webhooks } from './resources/webhooks.ts';

export { type ErrorCode, type FieldError, TidingsApiError, TidingsConnectionError } from './api-error.ts';
export type { CallOptions, TidingsOptions } from './connection.ts';
export { etagOf } from './etag.ts';
export type { Listing, Page } from './listing.ts';
export type { BatchLineError, BatchRecipient, BatchUpload } from './resources/batches.ts';
export type { ConsentImport, ConsentImportError, ImportedConsent } from './resources/consents.ts';
export type { ImportedMember, MemberImport, MemberImportError } from './resources/lists.ts';
export {
  type VerifyOptions,
  verifyWebhook,
  verifyWebhookSignature,
  type WebhookHeaders,
  WebhookVerificationError,
} from './webhooks.ts';

/** An installation of Tidings, seen with one key: each property holds the operations of one kind of thing. */
export class Tidings {
  readonly auditLog: AuditLog;
  readonly batches: Batches;
  readonly catalog: Catalogs;
  readonly costs: Costs;
  readonly customerNotifications: CustomerNotifications;
  readonly deadLetters: DeadLetters;
  readonly decisions: Decisions;
  readonly deliveries: Deliveries;
  readonly devices: Devices;
  readonly events: Events;
  readonly health: Health;
  readonly inbox: Inbox;
  readonly issuers: Issuers;
  readonly jobs: Jobs;
  readonly keys: Keys;
  readonly lists: Lists;
  readonly me: Me;
  readonly members: Members;
  readonly metrics: Metrics;
  readonly notifications: Notifications;
  readonly providerAccounts: ProviderAccounts;
  readonly rejected: Rejected;
  readonly releases: Releases;
  readonly routes: Routes;
  readonly templates: Templates;
  readonly search: Search;
  readonly segments: Segments;
  readonly sinks: Sinks;
  readonly sources: Sources;
  readonly sending: Sending;
  readonly signingKeys: SigningKeys;
  readonly suppressions: Suppressions;
  readonly preferences: Preferences;
  readonly connectors: Connectors;
  readonly consents: Consents;
  readonly tenants: Tenants;
  readonly users: Users;
  readonly waits: Waits;
  readonly webhooks: Webhooks;

  /** @throws TypeError for a base URL that is not one */
  constructor(options: TidingsOptions) {
    const connection = new Connection(options);
    this.auditLog = new AuditLog(connection);
    this.batches = new Batches(connection);
    this.catalog = new Catalogs(connection);
    this.costs = new Costs(connection);
    this.customerNotifications = new CustomerNotifications(connection);
    this.deadLetters = new DeadLetters(connection);
    this.decisions = new Decisions(connection);
    this.deliveries = new Deliveries(connection);
    this.devices = new Devices(connection);
    this.events = new Events(connection);
    this.health = new Health(connection);
    this.inbox = new Inbox(connection);
    this.issuers = new Issuers(connection);
    this.jobs = new Jobs(connection);
    this.keys = new Keys(connection);
    this.lists = new Lists(connection);
    this.me = new Me(connection);
    this.members = new Members(connection);
    this.metrics = new Metrics(connection);
    this.notifications = new Notifications(connection);
    this.providerAccounts = new ProviderAccounts(connection);
    this.rejected = new Rejected(connection);
    this.releases = new Releases(connection);
    this.routes = new Routes(connection);
    this.templates = new Templates(connection);
    this.search = new Search(connection);
    this.segments = new Segments(connection);
    this.sinks = new Sinks(connection);
    this.sources = new Sources(connection);
    this.sending = new Sending(connection);
    this.signingKeys = new SigningKeys(connection);
    this.suppressions = new Suppressions(connection);
    this.preferences = new Preferences(connection);
    this.connectors = new Connectors(connection);
    this.consents = new Consents(connection);
    this.tenants = new Tenants(connection);
    this.users = new Users(connection);
    this.waits = new Waits(connection);
    this.webhooks = new Webhooks(connection);
  }
}
