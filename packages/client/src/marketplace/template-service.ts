import type { CallOptions } from '../connection.ts';
import type { Tidings } from '../tidings.ts';
import type { EditedTemplate, TemplateActivation } from '../types.ts';
import { type NotificationCategory, NotificationChannel } from './enums.ts';

/** Texts of a template. */
export interface TemplateTexts {
  /** The subject of an email, the title of push and in-app messages. */
  readonly subject?: string;
  /** The message as text. */
  readonly content: string;
  /** The message as HTML; of an email only. */
  readonly htmlContent?: string;
}

/** A template to be created. */
export interface TemplateRequest extends TemplateTexts {
  readonly name: string;
  /** Notification type of the catalog. */
  readonly type: string;
  readonly channel: NotificationChannel;
  /** Only that of the type. */
  readonly category?: NotificationCategory;
  /** Default: `en`. */
  readonly locale?: string;
  /** Names that the texts show at the top level: `{{orderNumber}}`. */
  readonly variables?: readonly string[];
}

/** A template with its newest version, and warnings about it. */
export type Template = EditedTemplate & { readonly id: string };

/** Creates templates. The tenant must make its templates over the API: its setting `template_source` is `api`. */
export class TemplateService {
  readonly #tidings: Tidings;

  constructor(tidings: Tidings) {
    this.#tidings = tidings;
  }

  /**
   * Creates a template as a draft, which no message shows until it is activated.
   * @param _userId who creates it in your program; the version names the key instead
   * @throws TidingsApiError `managed_by_files` if the tenant has its templates as files, `invalid_template` with each mistake
   *   and its place
   */
  async createTemplate(request: TemplateRequest, _userId?: string, options?: CallOptions): Promise<Template> {
    const { name, type, channel, category, locale, variables } = request;
    const created = await this.#tidings.templates.create(
      {
        name,
        type,
        channel,
        parts: toParts(channel, request),
        ...(category && { category }),
        ...(locale !== undefined && { locale }),
        ...(variables && { variables: [...variables] }),
      },
      options,
    );
    return { ...created, id: created.template_id };
  }

  /** Makes the newest version of a template the active one, in all processes at once. */
  activateTemplate(id: string, options?: CallOptions): Promise<TemplateActivation> {
    return this.#tidings.templates.activate(id, {}, options);
  }

  /** Creates the template of the same name in another locale, as a draft that is activated by itself. */
  async createLocalization(
    templateId: string,
    locale: string,
    texts: TemplateTexts,
    options?: CallOptions,
  ): Promise<Template> {
    const { channel } = await this.#tidings.templates.get(templateId, options);
    const body = { locale, parts: toParts(channel, texts) };
    const created = await this.#tidings.templates.createLocalization(templateId, body, options);
    return { ...created, id: created.template_id };
  }
}

/** Returns the sources by part. A subject is the title of channels that have one in its place; an SMS has neither. */
function toParts(channel: string, { subject, content, htmlContent }: TemplateTexts) {
  const isEmail = channel === NotificationChannel.EMAIL;
  const hasTitle = channel === NotificationChannel.PUSH || channel === NotificationChannel.IN_APP;
  return {
    ...(subject !== undefined && isEmail && { subject }),
    ...(subject !== undefined && hasTitle && { title: subject }),
    text: tidy(content),
    ...(htmlContent !== undefined && { html: tidy(htmlContent) }),
  };
}

/** Returns a text without the indentation that all its lines have, as texts in the source of a program have it. */
function tidy(text: string): string {
  const lines = text.replace(/^\s*\n|\n\s*$/g, '').split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const indent = indents.length === 0 ? 0 : Math.min(...indents);
  return lines.map((line) => line.slice(indent)).join('\n');
}
