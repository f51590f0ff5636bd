import { z } from 'zod';
import {
  CARD_CALLS,
  CARD_REGISTRATIONS,
  CONNECTOR_KINDS,
  CONNECTOR_SECRETS,
  type ConnectorSecret,
  PRODUCT_KINDS,
  TASK_STATES,
} from '../../model/connector.ts';
import {
  cursorQuery,
  idOf,
  jsonInput,
  jsonObject,
  limitQuery,
  listOf,
  nextCursor,
  pathText,
  storable,
  timestamp,
  timeText,
  userId,
  userIdParam,
} from './common.ts';

/* Connectors of the catalog: what they need and do, and the products of users. */

const NAME = 'customer_import';
const connectorName = pathText.meta({ description: 'Name in connectors.yaml', examples: [NAME] });
const failureCode = storable(z.string().min(1).max(128)).meta({
  description: 'Only those whose last attempt failed for this reason',
  examples: ['status_503'],
});
const productId = z.string().meta({ description: 'Id of the product, as upstream has it', examples: ['k-7731'] });
const MAX_SECRET_CHARS = 16_384;

const secret = storable(z.string().min(1).max(MAX_SECRET_CHARS)).nullable().optional();

export const connectorParams = z.object({ connector: connectorName });
export const taskParams = z.object({ task_id: z.uuid().meta({ examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'] }) });
export const productUserParams = z.object({ user_id: userIdParam });
export const cardCallParams = z.object({
  user_id: userIdParam,
  product_id: pathText.meta({ examples: ['k-7731'] }),
  call: z.enum(CARD_CALLS).meta({ examples: ['get_card_list'] }),
});

export const connectorSecrets = z
  .strictObject(
    Object.fromEntries(CONNECTOR_SECRETS.map((name) => [name, secret])) as {
      readonly [name in ConnectorSecret]: typeof secret;
    },
  )
  .meta({
    id: 'ConnectorSecrets',
    description: 'Secrets to set; null removes one, and those that are absent stay',
    examples: [{ shared_key: 'a-key-that-both-services-know' }],
  });

export const connector = z
  .object({
    name: z.string().meta({ examples: [NAME] }),
    kind: z.enum(CONNECTOR_KINDS),
    description: z.string(),
    mode: z.enum(['upstream', 'network']).nullable().describe('Of a card registration; null: of none'),
    on: z.string().nullable().describe('The event type that asks for an import; null: it is no import'),
    url: z.string().meta({ examples: ['https://core.example.com'] }),
    secrets_set: listOf(z.string()).describe('Names of the secrets that are set'),
    secrets_of_environment: listOf(z.string()).describe(
      'Names of those of them that the environment of this process gives; they count in place of others',
    ),
    open_tasks: z.int().describe('Tasks that wait for their next attempt'),
    dead_tasks: z.int().describe('Dead letters; at most 10000 tasks of a state are counted'),
    reasons: listOf(
      z
        .object({ code: z.string().meta({ examples: ['status_503'] }), open: z.int(), dead: z.int() })
        .meta({ id: 'ConnectorReason', description: 'Tasks whose last attempt failed for one reason' }),
    ).describe('Why attempts at these tasks failed, the most dead letters first'),
  })
  .meta({ id: 'Connector', description: 'A connection to another service, of the active catalog' });

export const connectorList = z.object({ connectors: listOf(connector) }).meta({ id: 'ConnectorList' });

export const connectorTask = z
  .object({
    task_id: idOf('task'),
    connector: z.string().meta({ examples: [NAME] }),
    kind: z.enum(CONNECTOR_KINDS),
    user_id: userId,
    product_id: productId.nullable(),
    state: z.enum(TASK_STATES).describe('dead: a dead letter, until it is retried by command'),
    attempts: z.int().describe('Attempts that failed since it began, or was retried by command'),
    code: z.string().nullable().describe('Why the last attempt failed; null: it did not'),
    reason: z.string().nullable(),
    created_at: timestamp,
    due_at: timestamp.describe('When the next attempt may start'),
    ended_at: timestamp.nullable(),
  })
  .meta({ id: 'ConnectorTask', description: 'What a connector has to do for a user' });

export const connectorTaskPage = z
  .object({ tasks: listOf(connectorTask), next: nextCursor })
  .meta({ id: 'ConnectorTaskPage' });

export const connectorTaskQuery = z.strictObject({
  state: z.enum(TASK_STATES).optional().describe('Only those in this state'),
  user_id: userIdParam.optional(),
  connector: connectorName.optional(),
  code: failureCode.optional(),
  limit: limitQuery,
  after: cursorQuery,
});

export const connectorTasksRetry = z
  .strictObject({
    connector: storable(z.string().min(1).max(128)).optional().describe('Absent: all connectors'),
    code: failureCode.optional(),
    ended_until: timeText()
      .optional()
      .describe('Only those that ended until then. Absent: until now. Send that of the last answer if there are more'),
  })
  .meta({ id: 'ConnectorTasksRetry', examples: [{ connector: NAME, code: 'status_503' }] });

export const connectorTasksRetried = z
  .object({
    retried: z.int(),
    has_more: z.boolean().describe('Whether there may be more: ask again, with `ended_until`'),
    ended_until: timestamp.describe('Tasks that end later are not run again by a repetition with this time'),
  })
  .meta({ id: 'ConnectorTasksRetried' });

export const userProduct = z
  .object({
    product_id: productId,
    product: z.enum(PRODUCT_KINDS),
    status: z.string().nullable(),
    registration: z
      .enum(CARD_REGISTRATIONS)
      .nullable()
      .describe('With the card network; null: it was not asked, or has not answered yet'),
    registration_code: z
      .string()
      .nullable()
      .meta({ examples: ['REG_121'] }),
    registered_at: timestamp.nullable(),
    subscriber_reference_id: z
      .string()
      .nullable()
      .describe('Null: it is not registered, or you may not see it (personal_data:read)'),
    updated_at: timestamp,
  })
  .meta({ id: 'UserProduct', description: 'A product of a user, as upstream tells it' });

export const userProductList = z.object({ products: listOf(userProduct) }).meta({ id: 'UserProductList' });

export const cardRegistrationRequest = z
  .strictObject({
    connector: storable(z.string().min(1).max(128)).optional().describe('Absent: the only card registration'),
    product_ids: z
      .array(storable(z.string().min(1).max(256)))
      .min(1)
      .max(200)
      .optional()
      .describe('Absent: those that the connector is for'),
  })
  .meta({ id: 'CardRegistrationRequest', examples: [{ product_ids: ['k-7731'] }] });

export const cardRegistrationTasks = z.object({ tasks: listOf(connectorTask) }).meta({ id: 'CardRegistrationTasks' });

export const cardCallRequest = z
  .strictObject({
    connector: storable(z.string().min(1).max(128)).optional().describe('Absent: the only card registration'),
    body: jsonInput.optional().describe('Further members of the body of the call'),
  })
  .meta({ id: 'CardCallRequest', examples: [{ body: {} }] });

export const cardCallResult = z
  .object({
    outcome: z.enum(['answered', 'failed']),
    answer: jsonObject.nullable().describe('What the network said, without card numbers; null: it failed'),
    code: z.string().nullable().describe('Why it failed'),
    reason: z.string().nullable(),
  })
  .meta({ id: 'CardCallResult', description: 'The result of a call to the card network' });
