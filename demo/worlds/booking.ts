import type { Millis } from '../../src/model/event.ts';
import type { Chance, Draw } from '../chance.ts';
import { type DemoUser, makeUsers } from './users.ts';
import { DAY, DayPlan, HOUR, MINUTE, OFFICE, type PlannedEvent, type World } from './world.ts';

const SESSIONS = ['Yoga for backs', 'Nutrition check', 'Deep tissue massage', 'Voice lesson', 'Career coaching'];

/** Willow: clients book sessions with practitioners. */
export function makeBooking(chance: Chance): World {
  const places = ['lisbon', 'lisbon', 'madrid', 'london', 'newYork'] as const;
  const clients = makeUsers(chance, { prefix: 'willow', count: 70, places, apps: 0.6 }, () => ({ role: 'client' }));
  const practitioners = makeUsers(
    chance,
    { prefix: 'pract', count: 14, places: ['lisbon', 'madrid', 'london'], apps: 0.9 },
    (_, draw) => ({
      role: 'practitioner',
      currency: 'EUR',
      week_earnings: draw.amount(150, 1400),
      week_sessions: draw.whole(3, 20),
    }),
  );
  let booked = 0;

  function planDay(day: Millis, draw: Draw, share: number): readonly PlannedEvent[] {
    const plan = new DayPlan(day, draw, share);
    plan.times(plan.isWeekend ? 3 : 6, () =>
      planBooking(plan, draw.among(clients), draw.among(practitioners), `${day / DAY}-${++booked}`, day),
    );
    plan.times(1.5, () => planThread(plan, draw.among(clients), draw.among(practitioners), draw));
    plan.times(1, () => planClient(plan, draw.among(clients), draw));
    plan.times(0.35, () => planPractitioner(plan, draw.among(practitioners), draw));
    if (new Date(day).getUTCDay() === 3)
      for (const one of practitioners)
        plan.add(day + 10 * HOUR, one, 'payout_sent', {
          payout_id: `wp-${one.id}-${day / DAY}`,
          amount: draw.amount(90, 800),
          currency: 'EUR',
          account_ending: '8830',
        });
    return plan.events;
  }

  return {
    tenant: 'willow',
    name: 'Willow',
    settings: {
      mail_from: 'Willow <hello@willow.example>',
      zone: 'Europe/Lisbon',
      branding: { color: '#4b5d8a' },
      template_source: 'api',
    },
    example: 'booking',
    users: [...clients, ...practitioners],
    grows: true,
    planDay,
  };
}

function planBooking(plan: DayPlan, client: DemoUser, practitioner: DemoUser, number: string, day: Millis): void {
  const { draw } = plan;
  const at = plan.time(client);
  const startsAt = day + draw.whole(1, 9) * DAY + draw.whole(9, 20) * HOUR + 30 * MINUTE - practitioner.offset * HOUR;
  const booking = {
    booking_id: `b-${number}`,
    session_name: draw.among(SESSIONS),
    client_name: client.firstName,
    practitioner_name: practitioner.firstName,
    starts_at: iso(startsAt),
    ends_at: iso(startsAt + HOUR),
    place: 'Rua da Rosa 12',
    price: draw.amount(35, 90),
    currency: 'EUR',
  };
  const both = (time: Millis, type: string, more: object = {}) => {
    plan.add(time, client, type, { ...booking, ...more, role: 'client' });
    plan.add(time, practitioner, type, { ...booking, ...more, role: 'practitioner' });
  };
  both(at, 'booking_confirmed');
  plan.add(at + MINUTE, client, 'payment_succeeded', {
    payment_id: `wpay-${number}`,
    booking_id: booking.booking_id,
    session_name: booking.session_name,
    amount: booking.price,
    currency: 'EUR',
  });
  plan.add(at + 2 * HOUR, client, 'session_confirmed', { ...booking, role: 'client' });
  if (draw.is(0.1)) {
    both(at + 20 * HOUR, 'booking_cancelled', { cancelled_by: 'client', refund: booking.price });
    return;
  }
  const moved = draw.is(0.12);
  const starts = moved ? startsAt + DAY : startsAt;
  if (moved)
    both(at + 18 * HOUR, 'booking_rescheduled', {
      previous_starts_at: booking.starts_at,
      starts_at: iso(starts),
      ends_at: iso(starts + HOUR),
      rescheduled_by: draw.among(['client', 'practitioner']),
    });
  both(starts + HOUR, 'session_completed');
  if (!draw.is(0.4)) return;
  const rating = draw.whole(3, 5);
  plan.add(starts + 5 * HOUR, client, 'review_posted', { booking_id: booking.booking_id, rating });
  plan.add(starts + 5 * HOUR, practitioner, 'review_received', {
    booking_id: booking.booking_id,
    client_name: client.firstName,
    rating,
    text: 'Very kind.',
  });
}

function planThread(plan: DayPlan, client: DemoUser, practitioner: DemoUser, draw: Draw): void {
  const at = plan.time(client);
  const thread = { thread_id: `th-${client.id}-${practitioner.id}` };
  for (let message = 0; message < draw.whole(1, 4); message++)
    plan.add(at + message * 2 * MINUTE, practitioner, 'message_received', {
      ...thread,
      role: 'practitioner',
      sender_name: client.firstName,
      preview: 'Is Tuesday still free?',
    });
  plan.add(at + 15 * MINUTE, client, 'message_received', {
    ...thread,
    role: 'client',
    sender_name: practitioner.firstName,
    preview: 'Yes, at ten.',
  });
}

function planClient(plan: DayPlan, client: DemoUser, draw: Draw): void {
  const at = plan.time(client);
  plan.add(at, client, 'client_registered');
  plan.add(at + MINUTE, client, 'email_verification_requested', { code: String(draw.whole(100_000, 999_999)) });
  if (draw.is(0.4))
    plan.add(at + DAY, client, 'credits_purchased', { credits: 5, balance: 5, amount: 180, currency: 'EUR' });
}

function planPractitioner(plan: DayPlan, practitioner: DemoUser, draw: Draw): void {
  const at = plan.time(practitioner, OFFICE);
  plan.add(at, practitioner, 'practitioner_registered');
  for (let service = draw.whole(1, 3); service > 0; service--)
    plan.add(at + service * 3 * MINUTE, practitioner, 'service_added', {
      service_name: draw.among(SESSIONS),
      duration_minutes: 60,
      price: draw.amount(35, 90),
      currency: 'EUR',
    });
  if (draw.is(0.5)) plan.add(at + DAY, practitioner, 'profile_completed');
  if (draw.is(0.5)) plan.add(at + 2 * DAY, practitioner, 'session_created', { session_name: draw.among(SESSIONS) });
  if (draw.is(0.5))
    plan.add(at + 26 * HOUR, practitioner, 'verification_decided', {
      status: draw.is(0.8) ? 'approved' : 'rejected',
      reason: 'A page is missing.',
    });
}

function iso(time: Millis): string {
  return new Date(time).toISOString();
}
