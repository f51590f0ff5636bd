import type { CardRegistrationState, ProductKind } from '../../model/connector.ts';
import type { Millis } from '../../model/event.ts';
import { documentRow, openDocument, sealDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** A product of a user, as upstream tells it. */
export interface ImportedProduct {
  readonly productId: string;
  readonly product: ProductKind;
  readonly status: string | null;
}

/** A product of a user, with what the card network said of it. */
export interface UserProduct extends ImportedProduct {
  readonly userId: string;
  readonly registration: CardRegistrationState | null;
  readonly registrationCode: string | null;
  readonly registeredAt: Millis | null;
  /** The subscriber of the network; null: it is not registered, or no key opens it. */
  readonly subscriberReferenceId: string | null;
  readonly updatedAt: Millis;
}

/**
 * Writes the products that upstream tells of a user. One that another user had goes to this one, and is no longer registered. Those
 * that it does not name stay as they are.
 */
export async function saveProducts(
  connection: Connection,
  tenantId: string,
  userId: string,
  products: readonly ImportedProduct[],
  now: Millis,
): Promise<void> {
  if (products.length === 0) return;
  await connection.query(
    `insert into user_products as p (tenant_id, product_id, user_id, product, status, updated_at)
     select $1, i, $2, k, s, $3 from json_to_recordset($4) as r(i text, k text, s text)
     on conflict (tenant_id, product_id) do update
     set user_id = excluded.user_id, product = excluded.product, status = excluded.status, updated_at = excluded.updated_at,
         registration = case when p.user_id = excluded.user_id then p.registration end,
         registration_code = case when p.user_id = excluded.user_id then p.registration_code end,
         registered_at = case when p.user_id = excluded.user_id then p.registered_at end,
         sealed = case when p.user_id = excluded.user_id then p.sealed end`,
    [
      ...[tenantId, userId, isoTime(now)],
      JSON.stringify(products.map(({ productId, product, status }) => ({ i: productId, k: product, s: status }))),
    ],
  );
}

interface ProductRow {
  readonly product_id: string;
  readonly user_id: string;
  readonly product: ProductKind;
  readonly status: string | null;
  readonly registration: CardRegistrationState | null;
  readonly registration_code: string | null;
  readonly registered_at: Millis | null;
  readonly sealed: Buffer | null;
  readonly updated_at: Millis;
}

/** Products of a user that are read, at most. */
const MAX_USER_PRODUCTS = 200;

/** Returns the products of a user, by id. */
export async function listProducts(
  connection: Connection,
  seal: Seal,
  tenantId: string,
  userId: string,
): Promise<UserProduct[]> {
  const { rows } = await connection.query<ProductRow>(
    `select product_id, user_id, product, status, registration, registration_code, registered_at, sealed, updated_at
     from user_products where tenant_id = $1 and user_id = $2 order by product_id limit ${MAX_USER_PRODUCTS}`,
    [tenantId, userId],
  );
  return rows.map((row) => toProduct(seal, tenantId, row));
}

/** Returns a product; undefined: the tenant lacks it. */
export async function loadProduct(
  connection: Connection,
  seal: Seal,
  tenantId: string,
  productId: string,
): Promise<UserProduct | undefined> {
  const { rows } = await connection.query<ProductRow>(
    `select product_id, user_id, product, status, registration, registration_code, registered_at, sealed, updated_at
     from user_products where tenant_id = $1 and product_id = $2`,
    [tenantId, productId],
  );
  return rows[0] && toProduct(seal, tenantId, rows[0]);
}

function toProduct(seal: Seal, tenantId: string, row: ProductRow): UserProduct {
  const opened = row.sealed && openDocument(seal, row.sealed, documentRow('user_products', tenantId, row.product_id));
  const subscriber = opened?.subscriber_reference_id;
  return {
    ...{ productId: row.product_id, userId: row.user_id, product: row.product, status: row.status },
    ...{ registration: row.registration, registrationCode: row.registration_code },
    registeredAt: row.registered_at,
    subscriberReferenceId: typeof subscriber === 'string' ? subscriber : null,
    updatedAt: row.updated_at,
  };
}

/** Answer of the card network about a product. */
export interface RegistrationResult {
  readonly registration: CardRegistrationState;
  readonly code: string;
  /** Null: it named none; one that is known stays. */
  readonly subscriberReferenceId: string | null;
}

/** Records what the card network said of a product. A failure changes nothing for one that is registered. */
export async function saveRegistration(
  connection: Connection,
  seal: Seal,
  { tenantId, productId }: { readonly tenantId: string; readonly productId: string },
  { registration, code, subscriberReferenceId }: RegistrationResult,
  now: Millis,
): Promise<void> {
  const sealed =
    subscriberReferenceId === null
      ? null
      : sealDocument(
          seal,
          JSON.stringify({ subscriber_reference_id: subscriberReferenceId }),
          documentRow('user_products', tenantId, productId),
        );
  await connection.query(
    `update user_products set registration = $3, registration_code = $4, registered_at = coalesce($5, registered_at),
            sealed = coalesce($6, sealed), updated_at = $7
     where tenant_id = $1 and product_id = $2 and not ($3 = 'failed' and registration is not distinct from 'registered')`,
    [
      ...[tenantId, productId, registration, code],
      ...[isoTimeOrNull(registration === 'registered' ? now : null), sealed, isoTime(now)],
    ],
  );
}
