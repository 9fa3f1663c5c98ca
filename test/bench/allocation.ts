import { runMixedWorkload } from './allocation-mixed.js';
import {
  measureDeclinedRounds,
  measureFullRound,
  measureIncrementalRounds,
  measurePieces,
  measureQuotaRound,
  measureRoundAmongDecliners,
  measureSuppressedRounds,
} from './allocation-rounds.js';
import { formatMs, median, percentile } from './statistics.js';

/** Prints one line of the table of figures. */
export type Row = (name: string, figure: string, work: string) => void;

/** What Mesos 1.8.0 needed for a full round, all frameworks in one role (blog of 2018-10-08, read off a chart). */
const FULL_ROUNDS = [
  { agents: 1_000, frameworks: 100, mesos: '< 0.1 s' },
  { agents: 5_000, frameworks: 500, mesos: '0.4 s' },
  { agents: 10_000, frameworks: 1_000, mesos: '1.1 s' },
  { agents: 20_000, frameworks: 2_000, mesos: '3.8 s' },
];
const LARGE = { agents: 10_000, frameworks: 1_000 };
/** Allocations of one piece of a round, as the master cuts them. */
const PIECE = 500;

const describeRuns = (samples: readonly number[]): string =>
  `${formatMs(median(samples))} (${samples.map(formatMs).join(', ')})`;
const describeTail = (samples: readonly number[]): string =>
  `p50 ${formatFine(median(samples))}, p99 ${formatFine(percentile(samples, 0.99))}, max ${formatFine(Math.max(...samples))}`;
const formatFine = (ms: number): string => (ms < 10 ? `${ms.toFixed(3)} ms` : formatMs(ms));

/** Runs that pay for the compiler, and do not count. */
const WARM_UP_RUNS = 5;

/** Figures of the allocator alone, in this process. */
export async function benchAllocation(row: Row, runs: number): Promise<void> {
  const repeat = (job: () => number): readonly number[] => {
    for (let run = 0; run < WARM_UP_RUNS; run += 1) job();
    return Array.from({ length: runs }, job);
  };
  for (const { mesos, ...shape } of FULL_ROUNDS) {
    const samples = repeat(() => measureFullRound(shape));
    const { agents, frameworks } = shape;
    row(
      'allocation, full round',
      describeRuns(samples),
      `${agents} agents, ${frameworks} frameworks in one role, ${agents} offers, warm; Mesos 1.8.0: ${mesos}`,
    );
  }
  row(
    'allocation, one agent frees resources',
    describeTail(measureIncrementalRounds(LARGE, 5_000)),
    '10,000 agents, 1,000 frameworks, all in use; 5,000 rounds of 1 offer',
  );
  row(
    'allocation, one agent frees resources among decliners',
    describeTail(measureRoundAmongDecliners({ agents: 20, frameworks: 1_000 })),
    '20 agents, each refused by all of 1,000 frameworks; the last of them is asked again',
  );
  row(
    'allocation, all decline for ever',
    `${formatMs(median(measureDeclinedRounds(LARGE, 20)))} a round`,
    '10,000 agents, 1,000 frameworks; 20 rounds of 10,000 offers, all refused (DeclineOffers)',
  );
  row(
    'allocation, 99 % suppressed',
    `${formatMs(median(measureSuppressedRounds(LARGE, 10)))} a round`,
    '10,000 agents, 1,000 frameworks of which 10 are visited; 10 rounds of 10,000 offers',
  );
  row(
    'allocation, full round with quota',
    describeRuns(repeat(() => measureQuotaRound({ ...LARGE, roles: 30 }))),
    '10,000 agents, 1,000 frameworks in 30 roles: 10 with guarantees, 10 with limits',
  );
  row(
    `allocation, pieces of ${PIECE} offers`,
    describeTail(measurePieces({ agents: 20_000, frameworks: 2_000 }, PIECE)),
    '20,000 agents, 2,000 frameworks: how long the event loop waits for a piece',
  );
  benchMixed(row);
}

function benchMixed(row: Row): void {
  runMixedWorkload();
  const { tasks, rounds, offers, allocatorMs, cpusInUse, memInUse } = runMixedWorkload();
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  row(
    'allocation, mixed workload',
    `${rounds} rounds, ${formatMs(allocatorMs)}`,
    `4 Marathons, 500 Jenkins, 50 Sparks on 80 agents: ${tasks} tasks from ${offers} offers; ${percent(cpusInUse)} of cpus and ${percent(memInUse)} of memory in use; Mesos allows 30 s`,
  );
}
