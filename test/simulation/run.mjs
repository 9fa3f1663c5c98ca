// Runs simulations over seeds of one's choice: `npm run simulate -- --seeds 10000 --seed 5001 --kind core`.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const FILES = { cluster: ['cluster.spec'], core: ['core-seeds'] };
const USAGE = `usage: npm run simulate -- [--seeds N] [--seed S] [--kind cluster|core] [--trace LINES]
  --seeds N      how many seeds, of each kind (default 100)
  --seed S       the first of them (default 1)
  --kind K       cluster: with controllers; core: masters, agents and frameworks (default: both)
  --trace LINES  print the last lines of each seed's trace`;

function readCount(name, text, min) {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min) return String(value);
  throw new Error(`--${name} is ${text}, not a whole number of at least ${min}`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      kind: { type: 'string' },
      trace: { type: 'string', default: '0' },
    },
  });
  const { kind } = values;
  if (kind !== undefined && !Object.hasOwn(FILES, kind)) {
    throw new Error(`--kind is ${kind}; known are ${Object.keys(FILES).join(', ')}`);
  }
  return {
    files: kind === undefined ? Object.values(FILES).flat() : FILES[kind],
    env: {
      PACER_SIM_COUNT: readCount('seeds', values.seeds, 1),
      PACER_SIM_FIRST: readCount('seed', values.seed, 0),
      PACER_SIM_TRACE: readCount('trace', values.trace, 0),
    },
  };
}

let options;
try {
  options = readOptions();
} catch (error) {
  process.stderr.write(`simulate: ${error.message}\n${USAGE}\n`);
  process.exit(2);
}
const vitest = new URL('../../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
const args = [vitest, 'run', '--project', 'simulation', ...options.files];
const { status } = spawnSync(process.execPath, args, {
  cwd: new URL('../..', import.meta.url).pathname,
  env: { ...process.env, ...options.env },
  stdio: 'inherit',
});
process.exit(status ?? 1);
