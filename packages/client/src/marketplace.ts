import { MetricsService } from './marketplace/metrics-service.ts';
import { NotificationService } from './marketplace/notification-service.ts';
import { PreferenceService } from './marketplace/preference-service.ts';
import { RateLimitService } from './marketplace/rate-limit-service.ts';
import { TemplateService } from './marketplace/template-service.ts';
import { WebhookService } from './marketplace/webhook-service.ts';
import type { Tidings } from './tidings.ts';

export { type DomainEvent, DomainEvents, EventRejectedError, OnEvent } from './domain-events.ts';
export {
  NotificationCategory,
  NotificationChannel,
  NotificationPriority,
  NotificationType,
  PreferenceFrequency,
} from './marketplace/enums.ts';
export type { ChannelPerformance, MetricsQuery, TimeSeriesPoint } from './marketplace/metrics-service.ts';
export type { NotificationRecipient, NotificationRequest } from './marketplace/notification-service.ts';
export type { ChannelSubscription, PreferenceUpdate } from './marketplace/preference-service.ts';
export type { RateLimitRule, RateLimitScope } from './marketplace/rate-limit-service.ts';
export type { Template, TemplateRequest, TemplateTexts } from './marketplace/template-service.ts';
export type { WebhookSubscription, WebhookSubscriptionRequest } from './marketplace/webhook-service.ts';

/** The services of the marketplace document, with its names. */
export interface MarketplaceServices {
  readonly metricsService: MetricsService;
  readonly notificationService: NotificationService;
  readonly preferenceService: PreferenceService;
  readonly rateLimitService: RateLimitService;
  readonly templateService: TemplateService;
  readonly webhookService: WebhookService;
}

/** Returns the services of the marketplace document, which call an installation by its client. */
export function createServices(tidings: Tidings): MarketplaceServices {
  return {
    metricsService: new MetricsService(tidings),
    notificationService: new NotificationService(tidings),
    preferenceService: new PreferenceService(tidings),
    rateLimitService: new RateLimitService(tidings),
    templateService: new TemplateService(tidings),
    webhookService: new WebhookService(tidings),
  };
}
