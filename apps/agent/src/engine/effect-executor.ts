import {
  type AgentEffect,
  type AgentTaskEvent,
  asPlainTask,
  isSubscribed,
  type LauncherKind,
  launcherKindOf,
  type MemberFolder,
  type ProbeSight,
  type TaskVolume,
  toLaunchSpec,
  toMemberSpec,
  volumesIn,
} from '#cluster';
import type { ExecutorTable, LaunchedTask, Launcher, RunKey } from '#core';
import type { TaskInfo } from '#mesos-v1';
import type { ExecutorContext } from './executor-context.js';
import { createExecutorEffects } from './executor-effects.js';
import { toProbeTarget } from './probe-target.js';

type EffectOf<Kind extends AgentEffect['kind']> = Extract<AgentEffect, { readonly kind: Kind }>;

/**
 * How each effect is carried out. Only what is written down is waited for; everything else is started, and what comes
 * of it is dispatched as an event.
 */
export function createExecutors(context: ExecutorContext): ExecutorTable<AgentEffect> {
  const { ports, timers, dispatch } = context;
  const aborts = new Map<RunKey, AbortController>();
  const start = async (work: () => void): Promise<void> => work();
  return {
    ...createExecutorEffects(context, {
      streams: context.streams,
      background: (work) => background(context, work),
      launcherOf: (kind) => launcherOf(context, kind),
    }),
    journal: ({ records }) => ports.journal.append(records),
    'accept-group': ({ records }) => ports.journal.append(records),
    'retire-group': ({ run }) => start(() => background(context, ports.sandboxes.retire(run))),
    'persist-identity': async ({ identity, volumes }) => {
      if (volumes !== undefined) await ports.volumes.make(volumes.make);
      await ports.journal.saveIdentity(identity);
      context.persisted(identity);
      if (volumes !== undefined) await ports.volumes.remove(volumes.remove);
    },
    'send-update': (effect) => start(() => sendUpdate(context, effect)),
    'tell-status': (effect) =>
      start(() => sendUpdate(context, { ...effect, latestState: effect.status.state })),
    'send-pong': () => start(() => sendPong(context)),
    'send-checkpointed': (effect) => start(() => sendCheckpointed(context, effect)),
    fetch: (effect) => start(() => background(context, fetch(context, effect, aborts))),
    'cancel-fetch': ({ run }) => start(() => aborts.get(run)?.abort()),
    launch: (effect) => start(() => background(context, launch(context, effect))),
    reattach: (effect) => start(() => background(context, reattach(context, effect))),
    kill: (effect) => start(() => background(context, kill(context, effect))),
    release: (effect) => start(() => background(context, release(context, effect))),
    probe: (effect) => start(() => background(context, probe(context, effect))),
    'set-timer': ({ run, timer, delayMs }) =>
      start(() =>
        timers.set(run, timer, delayMs, () =>
          dispatch({ kind: 'task', run, event: { kind: 'timer', timer } }),
        ),
      ),
    'clear-timer': ({ run, timer }) => start(() => timers.clear(run, timer)),
    'watch-pings': ({ delayMs }) =>
      start(() => timers.set('', 'pings', delayMs, () => dispatch({ kind: 'ping-overdue' }))),
    'observe-launch': ({ latencyMs }) => start(() => ports.observer?.launched(latencyMs)),
    forget: ({ run }) =>
      start(() => {
        timers.clearAll(run);
        background(context, ports.sandboxes.retire(run));
      }),
    reconnect: ({ reason }) => start(() => ports.link.reconnect(reason)),
    'pause-link': ({ reason }) => start(() => ports.link.pause(reason)),
    'resume-link': () => start(() => ports.link.resume()),
    log: ({ level, message }) => start(() => ports.log(level, message)),
  };
}

/** Work nobody waits for. Its failures are events or, for what may be repeated, a line in the log. */
function background(context: ExecutorContext, work: Promise<void>): void {
  work.catch((error: unknown) => context.ports.log('warn', describe(error)));
}

function sendUpdate(
  context: ExecutorContext,
  effect: Omit<EffectOf<'send-update'>, 'kind' | 'run'>,
): void {
  const { master, identity } = context.state();
  if (!isSubscribed(context.state()) || identity.agentId === undefined) return;
  const sent = context.ports.link.send({
    type: 'UPDATE',
    agent_id: { value: identity.agentId },
    stream_id: master.current?.streamId ?? '',
    update: {
      framework_id: { value: effect.frameworkId },
      status: effect.status,
      latest_state: effect.latestState,
      ...(effect.launchId === undefined ? {} : { launch_id: effect.launchId }),
    },
  });
  // The update stream sends it again.
  background(context, sent);
}

function sendPong(context: ExecutorContext): void {
  const { master, identity } = context.state();
  if (master.current === undefined || identity.agentId === undefined) return;
  background(
    context,
    context.ports.link.send({
      type: 'PONG',
      agent_id: { value: identity.agentId },
      stream_id: master.current.streamId,
    }),
  );
}

/** When it does not arrive, the master sends the checkpoint again on the next stream. */
function sendCheckpointed(
  context: ExecutorContext,
  { streamId, sequence }: EffectOf<'send-checkpointed'>,
): void {
  const { master, identity } = context.state();
  if (master.current?.streamId !== streamId || identity.agentId === undefined) return;
  background(
    context,
    context.ports.link.send({
      type: 'CHECKPOINTED',
      agent_id: { value: identity.agentId },
      stream_id: streamId,
      checkpointed: { sequence },
    }),
  );
}

async function fetch(
  context: ExecutorContext,
  { run, task, member }: EffectOf<'fetch'>,
  aborts: Map<RunKey, AbortController>,
): Promise<void> {
  const abort = new AbortController();
  aborts.set(run, abort);
  const event = await attempt<AgentTaskEvent>(
    async () => {
      // The fetcher gives the sandbox to the task's user when it is done: until then nobody else puts links into it.
      const { sandbox } = await context.ports.sandboxes.prepare(run, toOwner({}, member));
      // What is fetched does not get into the place of a volume.
      if ('resources' in task) {
        await attachVolumes(context, task, { sandbox, isMember: member !== undefined });
      }
      await context.ports.fetcher.fetch({
        uris: task.command?.uris ?? [],
        sandbox,
        signal: abort.signal,
        ...ownerOf(task),
      });
      return { kind: 'fetched' };
    },
    (message) => ({ kind: 'fetch-failed', message }),
  );
  aborts.delete(run);
  context.dispatch({ kind: 'task', run, event });
}

async function attachVolumes(
  { ports }: ExecutorContext,
  task: TaskInfo,
  { sandbox, isMember }: { readonly sandbox: string; readonly isMember: boolean },
): Promise<void> {
  const isMounted = launcherKindOf(isMember ? asPlainTask(task) : task) === 'docker';
  await ports.volumes.attach(volumesIn(task.resources), { sandbox, isMounted, ...ownerOf(task) });
}

async function launch(context: ExecutorContext, effect: EffectOf<'launch'>): Promise<void> {
  const { run, task, frameworkId, launcher, member, gpus } = effect;
  const { sandboxes } = context.ports;
  const event = await attempt<AgentTaskEvent>(
    async () => {
      const directories = await sandboxes.prepare(run, toOwner(task, member));
      const { sandbox } = directories;
      await attachVolumes(context, task, { sandbox, isMember: member !== undefined });
      const site = {
        ...directories,
        run,
        volumeDirectory: (volume: TaskVolume) => context.ports.volumes.directoryOf(volume),
        ...(gpus === undefined ? {} : { gpus }),
        agentId: context.state().identity.agentId ?? '',
        frameworkId,
        searchPath: context.settings.searchPath,
        hostname: context.settings.agent.hostname,
      };
      const spec =
        member === undefined
          ? toLaunchSpec(task, site)
          : toMemberSpec(task, {
              ...site,
              group: {
                run: member.executor,
                sandbox: sandboxes.directories(member.executor).sandbox,
              },
            });
      const tell = (message: string): void =>
        context.dispatch({ kind: 'task', run, event: { kind: 'launch-progress', message } });
      return { kind: 'launched', launched: await launcherOf(context, launcher).launch(spec, tell) };
    },
    (message) => ({ kind: 'launch-failed', message }),
  );
  if (event.kind === 'launch-failed') context.ports.observer?.launchFailed();
  context.dispatch({ kind: 'task', run, event });
}

async function reattach(context: ExecutorContext, effect: EffectOf<'reattach'>): Promise<void> {
  const { run, launcher } = effect;
  const event = await attempt<AgentTaskEvent>(
    async () => {
      const directories = context.ports.sandboxes.directories(run, effect.executor);
      const found = await launcherOf(context, launcher).reattach({ run, ...directories });
      switch (found.kind) {
        case 'running':
          return {
            kind: 'reattached',
            launched: found.task,
            ...(await ageOf(context, found.task)),
          };
        case 'exited':
          return { kind: 'exited', exit: found.exit };
        case 'gone':
          return { kind: 'not-found', reason: found.reason };
        default:
          return found satisfies never;
      }
    },
    (message) => ({ kind: 'reattach-failed', message }),
  );
  context.dispatch({ kind: 'task', run, event });
}

async function kill(
  context: ExecutorContext,
  { run, launcher, graceMs }: EffectOf<'kill'>,
): Promise<void> {
  await launcherOf(context, launcher).kill(run, { graceMs });
}

async function release(
  context: ExecutorContext,
  { run, launcher }: EffectOf<'release'>,
): Promise<void> {
  await launcherOf(context, launcher).release(run);
}

async function probe(context: ExecutorContext, effect: EffectOf<'probe'>): Promise<void> {
  const { run, subject, task, launched, timeoutMs } = effect;
  const launcher = launcherOf(context, effect.launcher);
  const place = launched === undefined ? { run, launcher } : { run, launcher, launched };
  const found = toProbeTarget(task, subject, place);
  const seen = found.ok
    ? await attempt<ProbeSight>(
        () => context.ports.prober.probe(found.target, { timeoutMs }),
        (detail) => ({ passed: false, detail, skipped: true }),
      )
    : { passed: false, detail: found.reason };
  context.dispatch({ kind: 'task', run, event: { kind: 'probed', subject, seen } });
}

async function ageOf(
  { ports }: ExecutorContext,
  launched: LaunchedTask,
): Promise<{ readonly runningForMs?: number }> {
  const runningForMs = await ports.processAge?.(launched);
  return runningForMs === undefined ? {} : { runningForMs };
}

function launcherOf(context: ExecutorContext, kind: LauncherKind): Launcher {
  const found = context.ports.launchers.find((launcher) => launcher.kind === kind);
  if (found === undefined) throw new Error(`this agent has no ${kind} launcher`);
  return found;
}

const ownerOf = (task: Pick<TaskInfo, 'command'>): { readonly user?: string } =>
  task.command?.user ? { user: task.command.user } : {};

const toOwner = (task: Pick<TaskInfo, 'command'>, member: MemberFolder | undefined) => ({
  ...ownerOf(task),
  ...(member === undefined ? {} : { member }),
});

async function attempt<Result>(
  work: () => Promise<Result>,
  failed: (message: string) => Result,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    return failed(describe(error));
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
