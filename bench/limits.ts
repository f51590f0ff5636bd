import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import Fastify from 'fastify';
import nodemailer from 'nodemailer';
import pg from 'pg';
import type { PostedEvent } from './events.ts';
import { rate } from './row.ts';
import type { Database, Setup } from './setup.ts';

/* Limits of this machine, measured by the simplest means; the rows are compared with them. */

/** The minimum that stores and identifies an event: its columns and a primary key. */
const BARE_TABLE = `create table bare (
  tenant_id text not null, event_id uuid not null default gen_random_uuid(), user_id text not null,
  event_type text not null, event_time timestamptz not null, properties jsonb not null, traits jsonb not null,
  primary key (tenant_id, event_id))`;

/** R1, rows/s: idempotent insert through `jsonb_to_recordset`, 1000 a statement, one connection, a plain table. */
export function bareInsert(setup: Setup, events: readonly PostedEvent[]): Promise<number> {
  return setup.withEmpty(async ({ pool }) => {
    await pool.query(BARE_TABLE);
    const connection = await pool.connect();
    const named = events.map((event) => ({ event_id: randomUUID(), ...event }));
    const result = await rate(events.length, async () => {
      for (let from = 0; from < events.length; from += 1000) {
        await connection.query({
          name: 'bare',
          text: `insert into bare
                 select 'default', event_id, user_id, event_type, event_timestamp, properties, user_traits
                 from jsonb_to_recordset($1) as r(event_id uuid, user_id text, event_type text, event_timestamp timestamptz,
                                                  properties jsonb, user_traits jsonb)
                 on conflict do nothing`,
          values: [JSON.stringify(named.slice(from, from + 1000))],
        });
      }
    });
    connection.release();
    return result;
  });
}

/** An HTTP endpoint that does nothing but one INSERT a request, over a pool of 10. */
export async function insertEndpoint({ pool: ours, url }: Database): Promise<{ url: string; close(): Promise<void> }> {
  await ours.query(BARE_TABLE);
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  // Its connections may still be saying goodbye when the database is dropped.
  pool.on('error', () => {});
  const app = Fastify<Server>();
  app.post('/api/v1/events', async (request, reply) => {
    const event = request.body as PostedEvent;
    await pool.query({
      name: 'one',
      text: `insert into bare values ('default', $1, $2, $3, $4, $5, $6) on conflict do nothing`,
      values: [
        randomUUID(),
        event.user_id,
        event.event_type,
        event.event_timestamp,
        event.properties,
        event.user_traits,
      ],
    });
    return reply.status(202).send({ accepted: 1 });
  });
  return {
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    async close() {
      await app.close();
      await pool.end();
    },
  };
}

/** Rows/s that two connections claim and delete, 100 at a time, from a queue that is only a queue. */
export function bareQueue(setup: Setup, count: number): Promise<number> {
  return setup.withEmpty(async ({ pool }) => {
    await pool.query('create table queue (id bigint primary key, payload jsonb not null)');
    await pool.query(
      `insert into queue select i, jsonb_build_object('to', 'user ' || i, 'text', repeat('x', 200))
       from generate_series(1, $1) as i`,
      [count],
    );
    await pool.query('analyze queue');
    const claim = async () => {
      const connection = await pool.connect();
      for (let claimed = 1; claimed > 0; ) {
        const { rowCount } = await connection.query({
          name: 'claim',
          text: `delete from queue
                 where id in (select id from queue order by id limit 100 for update skip locked) returning *`,
        });
        claimed = rowCount ?? 0;
      }
      connection.release();
    };
    return rate(count, () => Promise.all([claim(), claim()]));
  });
}

/** Messages/s of nodemailer by itself, over a pool of `connections`. */
export async function bareMail(
  url: string,
  connections: number,
  messages: readonly { readonly to: string; readonly subject: string; readonly text: string; readonly html: string }[],
): Promise<number> {
  const { hostname, port } = new URL(url);
  const transport = nodemailer.createTransport({
    pool: true,
    host: hostname,
    port: Number(port),
    secure: false,
    maxConnections: connections,
    maxMessages: Number.POSITIVE_INFINITY,
  });
  const result = await rate(messages.length, () =>
    Promise.all(messages.map((message) => transport.sendMail({ from: 'Tidings <tidings@example.com>', ...message }))),
  );
  transport.close();
  return result;
}
