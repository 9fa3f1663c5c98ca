import { EDGE_MUTANTS } from './edge-mutants.js';
import { EXECUTOR_MUTANTS } from './executor-mutants.js';
import { LEDGER_MUTANTS } from './ledger-mutants.js';
import type { CoreMutants } from './mutant.js';
import { ORDER_MUTANTS } from './order-mutants.js';

/** All deliberate bugs, by what they are. */
export const CORE_MUTANTS: CoreMutants = {
  ...ORDER_MUTANTS,
  ...LEDGER_MUTANTS,
  ...EDGE_MUTANTS,
  ...EXECUTOR_MUTANTS,
};
