import { processTls, signalProcess } from '#platform';
import { outliveReader } from '../closed-output.js';
import { Cluster } from './cluster.js';
import { waitUntil } from './readiness.js';
import { RunDirectory } from './run-record.js';
import { judgeStopSignal } from './stop-signals.js';
import { readUpOptions, type UpFlags } from './up-options.js';
import { renderWelcome } from './welcome.js';

const DOWN_LIMIT_MS = 90_000;

const report = (line: string): void => void process.stdout.write(`pacer: ${line}\n`);

/**
 * Runs a whole one-machine cluster until it is told to stop (Ctrl-C, SIGTERM), and returns the exit code. Nothing here is
 * needed by a daemon to run: when this process is killed, the daemons and tasks go on, and the next `pacer up` adopts them.
 */
export async function runUp(flags: UpFlags): Promise<number> {
  outliveReader(process.stdout);
  const options = readUpOptions(flags);
  processTls((_level, line) => report(line));
  const cluster = new Cluster(options, report);
  const claim = cluster.run.supervisor.claim();
  if (claim.kind === 'held') {
    report(`a cluster on ${options.dataDirectory} is already supervised by pid ${claim.by.pid}`);
    return 1;
  }
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    onStopSignal(stopping, resolve);
  });
  report(`data in ${options.dataDirectory}, logs in ${cluster.logs.directory}`);
  let code = 0;
  let { keepTasks } = options;
  try {
    const { plans, edgeProblem, dnsProblem } = await cluster.start(stopping.signal);
    process.stdout.write(renderWelcome({ plans, edgeProblem, dnsProblem, ...options }));
    await stopped;
    report(options.keepTasks ? 'stopping, tasks go on' : 'stopping, tasks too');
  } catch (error) {
    code = stopping.signal.aborted ? 130 : 1;
    // What could not be started is no reason to end tasks of an earlier run.
    keepTasks ||= code === 1;
    report(error instanceof Error ? error.message : String(error));
  }
  await cluster.stop({ keepTasks });
  cluster.run.supervisor.release();
  report('stopped');
  return code;
}

/** Stops a cluster from elsewhere: by its supervisor when one lives, else what was left behind. */
export async function runDown(flags: UpFlags): Promise<number> {
  outliveReader(process.stdout);
  const options = readUpOptions(flags);
  const run = new RunDirectory(options.dataDirectory);
  const supervisor = run.supervisor.look().holder;
  if (supervisor !== undefined) {
    if (options.keepTasks) {
      report(
        `pid ${supervisor.pid} supervises; it decides about tasks: start it with --keep-tasks`,
      );
      return 1;
    }
    signalProcess(supervisor, 'SIGTERM');
    await waitUntil(async () => run.supervisor.look().holder === undefined, {
      limitMs: DOWN_LIMIT_MS,
      signal: new AbortController().signal,
      describe: () => `pid ${supervisor.pid} does not stop`,
    });
    return 0;
  }
  const cluster = new Cluster(options, report);
  const found = cluster.adoptAll();
  report(found === 0 ? 'no daemon runs' : `stopping what was left behind`);
  await cluster.stop({ keepTasks: options.keepTasks });
  return 0;
}

/** The first signal stops in order; a second one gives up waiting. */
function onStopSignal(stopping: AbortController, stop: () => void): void {
  let firstAtMs: number | undefined;
  const handle = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    const wish = judgeStopSignal(firstAtMs, nowMs);
    firstAtMs ??= nowMs;
    if (wish === 'leave') {
      report(`${signal} again: leaving at once; what still runs is adopted by the next start`);
      process.exit(130);
    }
    if (wish === 'echo') return;
    stopping.abort(new Error(`stopped by ${signal}`));
    stop();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  process.on('SIGHUP', handle);
}
