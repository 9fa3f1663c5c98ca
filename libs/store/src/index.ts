export { createControllerStore } from './controller-store.js';
export type { DatabaseOptions } from './database-options.js';
export {
  type EmbeddedDatabase,
  EmbeddedDatabaseError,
  findEmbeddedDatabase,
  startEmbeddedDatabase,
} from './embedded/start-embedded-database.js';
export { createLeaseKeeper, LEASE_TTL_MS } from './lease-keeper.js';
export { createMasterRegistry } from './master-registry.js';
export { type Database, openDatabase } from './open-database.js';
