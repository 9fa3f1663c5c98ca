import 'reflect-metadata';
import { DataSource } from 'typeorm';
import {
  AppRow,
  CertificateRow,
  ControllerSettingRow,
  DeploymentEventRow,
  DeploymentRow,
  EventRow,
  GroupRow,
  InstanceRow,
  JobRow,
  RevisionRow,
  TaskFailureRow,
} from './controller.entities.js';
import type { DatabaseOptions } from './database-options.js';
import { LeaseRow } from './lease.entity.js';
import {
  AgentActivationRow,
  AgentRow,
  FrameworkRow,
  MasterSettingRow,
  QuotaRow,
  WeightRow,
} from './master.entities.js';
import { Certificates1764633600000 } from './migrations/certificates.js';
import { ControllerJobs1764374400000 } from './migrations/controller-jobs.js';
import { DeploymentHistory1764288000000 } from './migrations/deployment-history.js';
import { InitialSchema1763683200000 } from './migrations/initial-schema.js';
import { KeyedWrites1764547200000 } from './migrations/keyed-writes.js';
import { MasterOperations1764115200000 } from './migrations/master-operations.js';
import { WriteChanges1764460800000 } from './migrations/write-changes.js';

const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 15_000;
/** A frozen holder of a lease must not hold up its successor for longer than this. */
const IDLE_TRANSACTION_TIMEOUT_MS = 5_000;
const DEFAULT_POOL_SIZE = 8;

/** All migrations, oldest first. A new one goes to the end. */
const MIGRATIONS = [
  InitialSchema1763683200000,
  MasterOperations1764115200000,
  DeploymentHistory1764288000000,
  ControllerJobs1764374400000,
  WriteChanges1764460800000,
  KeyedWrites1764547200000,
  Certificates1764633600000,
];

/** The pool and what it knows of the schema; not connected yet. */
export function createDataSource(url: string, options: DatabaseOptions): DataSource {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  return new DataSource({
    type: 'postgres',
    url,
    schema: 'pacer',
    applicationName: 'pacer',
    entities: [
      LeaseRow,
      RevisionRow,
      AppRow,
      GroupRow,
      InstanceRow,
      DeploymentRow,
      DeploymentEventRow,
      TaskFailureRow,
      JobRow,
      CertificateRow,
      ControllerSettingRow,
      EventRow,
      AgentRow,
      FrameworkRow,
      MasterSettingRow,
      AgentActivationRow,
      WeightRow,
      QuotaRow,
    ],
    migrations: MIGRATIONS,
    migrationsTableName: 'migration',
    installExtensions: false,
    parseInt8: true,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    poolSize: options.poolSize ?? DEFAULT_POOL_SIZE,
    poolErrorHandler: (error: Error) => options.onConnectionError?.(error),
    extra: {
      keepAlive: true,
      statement_timeout: statementTimeoutMs,
      // The client's own limit is for a server that no longer answers at all.
      query_timeout: statementTimeoutMs + CONNECT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
      // What waited for a lock must see what was stored meanwhile, whatever the server's default is.
      options: '-c default_transaction_isolation=read\\ committed',
    },
  });
}
