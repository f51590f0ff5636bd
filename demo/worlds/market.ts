import { contentUuid } from '../../src/events/content.ts';
import type { Millis } from '../../src/model/event.ts';
import { chooseVariant } from '../../src/rules/firing/gates.ts';
import type { Chance, Draw } from '../chance.ts';
import { type DemoUser, makeUsers } from './users.ts';
import { DAY, DayPlan, HOUR, MINUTE, OFFICE, type PlannedEvent, type World } from './world.ts';

const PRODUCTS = [
  'Walnut desk lamp',
  'Linen apron',
  'Copper kettle',
  'Wool blanket',
  'Oak cutting board',
  'Ceramic vase',
  'Beeswax candles',
  'Leather notebook',
];
const CARRIERS = ['Hermes', 'DHL', 'Royal Mail'];
const SUBJECTS = ['Where is my parcel?', 'Wrong size', 'Invoice', 'Broken on arrival'];

/** Groups of the rule ABANDONED_CART, as its catalog has them, and the share of each that comes back and orders. */
const CART_GROUPS = [
  { share: 10, returns: 0.04 },
  { share: 45, returns: 0.2 },
  { share: 45, returns: 0.75 },
];
/** The share of those without any reminder: they have not opted in. */
const UNASKED_RETURNS = 0.05;

/** Larch Market: a marketplace with buyers in five countries, and sellers. @param ticketsUntil when its support desk falls silent */
export function makeMarket(chance: Chance, ticketsUntil: Millis): World {
  const buyers = makeUsers(
    chance,
    { prefix: 'larch', count: 120, places: ['london', 'london', 'madrid', 'berlin', 'lisbon', 'newYork'], apps: 0.55 },
    (_, draw) => ({ marketing_opt_in: draw.is(0.6) }),
  );
  const sellers = makeUsers(
    chance,
    { prefix: 'seller', count: 14, places: ['london', 'madrid', 'berlin'], apps: 0.8 },
    () => ({}),
  );
  let orders = 0;

  function planDay(day: Millis, draw: Draw, share: number): readonly PlannedEvent[] {
    const plan = new DayPlan(day, draw, share);
    plan.times(plan.isWeekend ? 13 : 9, () =>
      planVisit(plan, draw.among(buyers), draw.among(sellers), `${day / DAY}-${++orders}`),
    );
    plan.times(2, () => planWish(plan, draw.among(buyers), draw));
    if (day < ticketsUntil) plan.times(2, () => planTicket(plan, draw.among(buyers), draw));
    plan.times(1, () => planSecurity(plan, draw.among(buyers), draw));
    // On every day, so that it is known what is usual when someone tries the passwords of a list.
    for (let mistypes = 2; mistypes > 0; mistypes--) {
      const buyer = draw.among(buyers);
      plan.add(plan.time(buyer), buyer, 'login.failed', { device: 'iPhone', place: buyer.zone.split('/')[1] });
    }
    if (new Date(day).getUTCDay() === 4) planSale(plan, day, buyers, draw);
    if (new Date(day).getUTCDay() === 5) for (const seller of sellers) planPayout(plan, seller, day);
    plan.times(1, () => planStock(plan, draw.among(sellers), draw));
    return plan.events;
  }

  return {
    tenant: 'default',
    name: 'Larch Market',
    settings: {
      mail_from: 'Larch Market <hello@larch.example>',
      zone: 'Europe/London',
      branding: { color: '#2f6f4f' },
    },
    example: 'marketplace',
    users: [...buyers, ...sellers],
    grows: true,
    planDay,
  };
}

function planVisit(plan: DayPlan, buyer: DemoUser, seller: DemoUser, number: string): void {
  const { draw } = plan;
  const at = plan.time(buyer);
  const name = draw.among(PRODUCTS);
  const price = draw.amount(12, 140);
  const quantity = draw.whole(1, 3);
  const total = Math.round(price * quantity * 100) / 100;
  const order = {
    order_id: `L-${number}`,
    cart_id: `cart-${number}`,
    total,
    currency: 'GBP',
    items: [{ name, quantity, price }],
  };
  plan.add(at, buyer, 'login.succeeded', {
    device: 'iPhone',
    place: buyer.zone.split('/')[1],
    new_device: draw.is(0.06),
  });
  if (draw.is(0.3)) plan.add(at - MINUTE, buyer, 'login.failed', { device: 'iPhone', place: buyer.zone.split('/')[1] });
  plan.add(at + 2 * MINUTE, buyer, 'cart.updated', {
    cart_id: order.cart_id,
    item_count: quantity,
    total,
    currency: 'GBP',
  });
  const isAbandoned = draw.is(0.36);
  if (isAbandoned && !draw.is(toReturns(buyer))) return;
  const bought = at + (isAbandoned ? draw.whole(3 * 60, 40 * 60) : draw.whole(4, 25)) * MINUTE;
  plan.add(bought, buyer, 'order.created', order);
  const paid = {
    payment_id: `pay-${number}`,
    order_id: order.order_id,
    amount: total,
    currency: 'GBP',
    method: 'card',
  };
  let paidAt = bought + 4 * MINUTE;
  if (draw.is(0.14)) {
    plan.add(bought + MINUTE, buyer, 'payment.failed', { ...paid, reason: 'The card was declined.' });
    if (draw.is(0.45)) {
      if (!draw.is(0.6)) return;
      paidAt = bought + draw.whole(30, 600) * MINUTE;
    }
  }
  plan.add(paidAt, buyer, 'payment.succeeded', paid);
  plan.add(paidAt + MINUTE, buyer, 'order.paid', order);
  plan.add(paidAt + MINUTE, seller, 'seller.order_received', {
    order_id: order.order_id,
    buyer_name: buyer.firstName,
    total,
    fee: Math.round(total * 8) / 100,
    currency: 'GBP',
  });
  if (draw.is(0.05)) {
    plan.add(paidAt + 5 * HOUR, buyer, 'order.cancelled', { ...order, reason: 'It is sold out.' });
    plan.add(paidAt + 6 * HOUR, buyer, 'order.refunded', { ...order, refund: total });
    return;
  }
  planParcel(plan, buyer, seller, order, paidAt);
}

/** Returns how likely it is that a buyer who left a cart comes back, by the group in which the rule of its reminder has them. */
function toReturns({ id, traits }: DemoUser): number {
  if (traits.marketing_opt_in !== true) return UNASKED_RETURNS;
  return chooseVariant({ fromText: contentUuid }, 'ABANDONED_CART', CART_GROUPS, id).returns;
}

function planParcel(
  plan: DayPlan,
  buyer: DemoUser,
  seller: DemoUser,
  order: { order_id: string; items: readonly { name: string }[] },
  bought: Millis,
): void {
  const { draw } = plan;
  const shipped = bought + draw.whole(16, 34) * HOUR;
  const arrives = shipped + draw.whole(20, 70) * HOUR;
  const parcel = { ...order, carrier: draw.among(CARRIERS), tracking_number: `T${draw.whole(100_000, 999_999)}` };
  plan.add(shipped, buyer, 'order.shipped', { ...parcel, arrives_on: new Date(arrives).toISOString().slice(0, 10) });
  plan.add(arrives, buyer, 'order.delivered', parcel);
  if (!draw.is(0.3)) return;
  const name = order.items[0]?.name;
  plan.add(arrives + 30 * HOUR, seller, 'review.created', {
    product_id: `p-${name}`,
    product_name: name,
    buyer_name: buyer.firstName,
    rating: draw.whole(2, 5),
    text: 'As described.',
  });
}

function planWish(plan: DayPlan, buyer: DemoUser, draw: Draw): void {
  const name = draw.among(PRODUCTS);
  const price = draw.amount(20, 90);
  const product = { product_id: `p-${name}`, product_name: name, price, currency: 'GBP' };
  const at = plan.time(buyer);
  plan.add(at, buyer, 'wishlist.added', product);
  const lower = Math.round(price * (draw.is(0.7) ? 80 : 95)) / 100;
  if (draw.is(0.6))
    plan.add(at + draw.whole(1, 4) * DAY, buyer, 'price.dropped', { ...product, price: lower, old_price: price });
  if (draw.is(0.3)) plan.add(at + draw.whole(2, 6) * DAY, buyer, 'product.restocked', product);
}

function planTicket(plan: DayPlan, buyer: DemoUser, draw: Draw): void {
  const at = plan.time(buyer, OFFICE);
  const ticket = { ticket_id: `tk-${at % 1e9}`, subject: draw.among(SUBJECTS), agent_name: 'Ines' };
  plan.add(at, buyer, 'ticket.created', ticket);
  plan.add(at + 40 * MINUTE, buyer, 'ticket.answered', { ...ticket, answer: 'Let me look.' });
  plan.add(at + 43 * MINUTE, buyer, 'ticket.answered', { ...ticket, answer: 'It is on its way.' });
  plan.add(at + 5 * HOUR, buyer, 'ticket.closed', ticket);
}

function planSecurity(plan: DayPlan, buyer: DemoUser, draw: Draw): void {
  const at = plan.time(buyer);
  const login = { device: 'Windows PC', place: 'Riga' };
  if (draw.is(0.4)) for (let count = 0; count < 6; count++) plan.add(at + count * 40_000, buyer, 'login.failed', login);
  if (draw.is(0.4)) plan.add(at + 20 * MINUTE, buyer, 'password.changed', login);
}

function planSale(plan: DayPlan, day: Millis, buyers: readonly DemoUser[], draw: Draw): void {
  const sale = {
    promotion_id: `sale-${day / DAY}`,
    name: 'The long weekend',
    percent: draw.whole(2, 5) * 5,
    ends_at: new Date(day + 4 * DAY).toISOString(),
  };
  for (const buyer of buyers) if (draw.is(0.3)) plan.add(day + 7 * HOUR, buyer, 'promotion.started', sale);
}

function planPayout(plan: DayPlan, seller: DemoUser, day: Millis): void {
  plan.add(day + 9 * HOUR, seller, 'seller.payout_sent', {
    payout_id: `po-${seller.id}-${day / DAY}`,
    amount: plan.draw.amount(80, 900),
    currency: 'GBP',
    account_ending: '4471',
  });
}

function planStock(plan: DayPlan, seller: DemoUser, draw: Draw): void {
  const name = draw.among(PRODUCTS);
  plan.add(plan.time(seller, OFFICE), seller, 'inventory.changed', {
    product_id: `p-${name}`,
    product_name: name,
    quantity: draw.whole(1, 12),
    warn_below: 6,
  });
}
