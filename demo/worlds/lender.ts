import type { Millis } from '../../src/model/event.ts';
import type { Chance, Draw } from '../chance.ts';
import { type DemoUser, makeUsers } from './users.ts';
import { DAY, DayPlan, HOUR, OFFICE, type PlannedEvent, type World } from './world.ts';

const MERCHANTS = [
  'Garden store',
  'Corner grocery',
  'Blue Line Transit',
  'Harbor Books',
  'Lakeside Motors',
  'Northwind Air',
];

/** Cedar Lending: loans and credit cards in the United States. @param purchasesUntil when what reports its purchases falls silent */
export function makeLender(chance: Chance, purchasesUntil: Millis): World {
  const customers = makeUsers(
    chance,
    { prefix: 'cedar', count: 80, places: ['chicago', 'chicago', 'newYork', 'losAngeles'], apps: 0.7 },
    (_, draw) => ({
      region: 'US-IL',
      products: draw.among([['LOAN'], ['CREDIT'], ['CREDIT'], ['LOAN', 'CREDIT']]),
      ...(draw.is(0.15) && { purchase_alert_above: 200 }),
    }),
  );
  const withCard = customers.filter(({ traits }) => (traits.products as readonly string[]).includes('CREDIT'));

  function planDay(day: Millis, draw: Draw, share: number): readonly PlannedEvent[] {
    const plan = new DayPlan(day, draw, share);
    plan.times(plan.isWeekend ? 17 : 15, () => planPurchase(plan, draw.among(withCard), draw, purchasesUntil));
    plan.times(5, () => planPayment(plan, draw.among(customers), day, draw));
    if (plan.isWeekend) return plan.events;
    plan.times(2, () => planStatement(plan, draw.among(withCard), day, draw));
    plan.times(2, () => planAccount(plan, draw.among(customers), draw));
    return plan.events;
  }

  return {
    tenant: 'cedar',
    name: 'Cedar Lending',
    settings: {
      mail_from: 'Cedar Lending <help@cedar.example>',
      zone: 'America/Chicago',
      legal_name: 'Cedar Lending Inc.',
      postal_address: '200 Lake Street, Chicago, IL 60601',
      branding: { color: '#7a3b2e' },
    },
    example: 'lending',
    users: customers,
    grows: false,
    planDay,
  };
}

function planPurchase(plan: DayPlan, customer: DemoUser, draw: Draw, until: Millis): void {
  const at = plan.time(customer);
  const amount = draw.is(0.18) ? draw.amount(500, 2400) : draw.amount(4, 320);
  const purchase = {
    purchase_id: `pu-${customer.id}-${at}`,
    product_uuid: `card-${customer.id}`,
    card_ending: '4012',
    merchant: draw.among(MERCHANTS),
    amount,
    currency: 'USD',
  };
  const type = draw.is(0.08) ? 'card_declined' : 'card_purchase';
  if (at < until) plan.add(at, customer, type, purchase);
}

function planPayment(plan: DayPlan, customer: DemoUser, day: Millis, draw: Draw): void {
  const product = (customer.traits.products as readonly string[])[0] as string;
  const due = day + 8 * DAY;
  const payment = {
    payment_id: `pm-${customer.id}-${day / DAY}`,
    product_uuid: `${product}-${customer.id}`,
    product,
    amount: draw.amount(60, 900),
    currency: 'USD',
  };
  const dueOn = new Date(due).toISOString().slice(0, 10);
  plan.add(plan.time(customer, OFFICE), customer, 'payment_due', {
    ...payment,
    minimum: 35,
    due_on: dueOn,
    autopay: draw.is(0.3),
  });
  const received = { ...payment, balance: draw.amount(0, 4000) };
  if (draw.is(0.85)) plan.add(day + draw.whole(2, 8) * DAY + 14 * HOUR, customer, 'payment_received', received);
}

function planStatement(plan: DayPlan, customer: DemoUser, day: Millis, draw: Draw): void {
  plan.add(day + 13 * HOUR + draw.whole(0, 50) * 60_000, customer, 'statement_ready', {
    statement_id: `st-${customer.id}-${day / DAY}`,
    product_uuid: `card-${customer.id}`,
    balance: draw.amount(50, 4200),
    minimum: 35,
    currency: 'USD',
  });
}

function planAccount(plan: DayPlan, customer: DemoUser, draw: Draw): void {
  const at = plan.time(customer, OFFICE);
  const what = draw.whole(1, 4);
  if (what === 1) plan.add(at, customer, 'contact_changed', { field: draw.among(['email', 'phone']) });
  else if (what === 2)
    plan.add(at, customer, 'offer_made', {
      offer_id: `of-${customer.id}-${at}`,
      name: 'A lower rate',
      ends_on: '2027-12-31',
    });
  else if (what === 3)
    plan.add(at, customer, 'product_status_changed', {
      product_uuid: `new-${customer.id}-${at}`,
      product: 'LOAN',
      status: draw.is(0.7) ? 'approved' : 'declined',
    });
  else plan.add(at, customer, 'loan_paid_off', { product_uuid: `LOAN-${customer.id}` });
}
