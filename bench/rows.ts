import type { Row } from './row.ts';
import { backtestRow } from './rows/backtest.ts';
import { batchRow } from './rows/batch.ts';
import { batchSendRow } from './rows/batch-send.ts';
import { cpuRow } from './rows/cpu.ts';
import { deliveredRow } from './rows/delivered.ts';
import { deliveryRow } from './rows/delivery.ts';
import { fanOutRow, slowEndpointRow } from './rows/fan-out.ts';
import { httpRow } from './rows/http.ts';
import { httpSinkRow } from './rows/http-sink.ts';
import { http2SinkRow } from './rows/http2-sink.ts';
import { kafkaRow } from './rows/kafka.ts';
import { lateRow, windowRow } from './rows/late.ts';
import { latencyRow } from './rows/latency.ts';
import { listsRow } from './rows/lists.ts';
import { metricsRow } from './rows/metrics.ts';
import { outboxRow } from './rows/outbox.ts';
import { requestsRow } from './rows/requests.ts';
import { rulesRow } from './rows/rules.ts';
import { sendsRow } from './rows/sends.ts';
import { singleRow } from './rows/single.ts';
import { smtpRow } from './rows/smtp.ts';
import { templatesRow } from './rows/templates.ts';
import { floodRow, tenantsRow } from './rows/tenants.ts';
import { noTermsRow, termsRow } from './rows/terms.ts';
import { pendingRow, timersRow } from './rows/timers.ts';
import { twoProcessesRow } from './rows/two-processes.ts';
import { urgentRow } from './rows/urgent.ts';

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [
  batchRow,
  noTermsRow,
  termsRow,
  httpRow,
  kafkaRow,
  outboxRow,
  deliveredRow,
  twoProcessesRow,
  singleRow,
  requestsRow,
  sendsRow,
  batchSendRow,
  deliveryRow,
  smtpRow,
  httpSinkRow,
  http2SinkRow,
  fanOutRow,
  slowEndpointRow,
  urgentRow,
  latencyRow,
  cpuRow,
  rulesRow,
  lateRow,
  windowRow,
  backtestRow,
  timersRow,
  pendingRow,
  templatesRow,
  metricsRow,
  listsRow,
  tenantsRow,
  floodRow,
];

/** The rows that are measured again with a history behind them. */
export const HISTORY_ROWS: readonly Row[] = [batchRow, httpRow, deliveredRow];
