import {
  type AgentEffect,
  type AgentTaskEvent,
  containerIdOf,
  type TaskVolume,
  toExecutorSpec,
  volumesIn,
} from '#cluster';
import type { ExecutorTable, Launcher } from '#core';
import type { AgentCall, ExecutorEvent } from '#mesos-v1';
import type { ExecutorContext } from './executor-context.js';
import type { ExecutorStreams } from './executor-streams.js';

/** The effects of custom executors. */
type ExecutorEffectKind =
  | 'launch-executor'
  | 'resize-executor'
  | 'open-executor-stream'
  | 'close-executor-stream'
  | 'send-to-executor'
  | 'send-executor-message'
  | 'send-executor-exit';

type EffectOf<Kind extends ExecutorEffectKind> = Extract<AgentEffect, { readonly kind: Kind }>;
type MessageCall = Exclude<AgentCall, { readonly type: 'SUBSCRIBE' }>;

/** How they are carried out; see {@link createExecutors}. */
export function createExecutorEffects(
  context: ExecutorContext,
  parts: {
    readonly streams: ExecutorStreams;
    readonly background: (work: Promise<void>) => void;
    readonly launcherOf: (kind: Launcher['kind']) => Launcher;
  },
): Pick<ExecutorTable<AgentEffect>, ExecutorEffectKind> {
  const { streams, background, launcherOf } = parts;
  const start = async (work: () => void): Promise<void> => work();
  return {
    'launch-executor': (effect) =>
      start(() => background(launchExecutor(context, effect, launcherOf))),
    'resize-executor': ({ run, launcher, limits }) =>
      start(() =>
        background(
          Promise.resolve()
            .then(() => launcherOf(launcher).resize(run, limits))
            .catch((error: unknown) => {
              context.ports.log('warn', `executor run ${run} keeps its limits: ${String(error)}`);
            }),
        ),
      ),
    'open-executor-stream': (effect) =>
      start(() => streams.open(effect.run, effect.connection, toSubscribed(context, effect))),
    'close-executor-stream': ({ run }) => start(() => streams.close(run)),
    'send-to-executor': ({ run, executorRun, event, after = [] }) =>
      start(() => {
        const isLaunch = event.type === 'LAUNCH' || event.type === 'LAUNCH_GROUP';
        streams.send(executorRun, event, isLaunch ? [run, ...after].join(' ') : undefined);
      }),
    'send-executor-message': ({ frameworkId, executorId, data }) =>
      start(() => {
        const about = { framework_id: { value: frameworkId }, executor_id: { value: executorId } };
        const sent = sendCall(context, (by) => ({
          ...by,
          type: 'MESSAGE',
          message: { ...about, data },
        }));
        background(sent);
      }),
    'send-executor-exit': (effect) => start(() => background(sendExit(context, effect))),
  };
}

async function launchExecutor(
  context: ExecutorContext,
  effect: EffectOf<'launch-executor'>,
  launcherOf: (kind: Launcher['kind']) => Launcher,
): Promise<void> {
  const { run, executor, framework, limits, launcher } = effect;
  const { ports, settings, dispatch } = context;
  const user = executor.command?.user;
  let event: AgentTaskEvent;
  try {
    const directories = await ports.sandboxes.prepare(run, user ? { user } : {});
    const { sandbox } = directories;
    const owner = user ? { user } : {};
    const volumes = volumesIn(executor.resources);
    await ports.volumes.attach(volumes, { sandbox, isMounted: launcher === 'docker', ...owner });
    const spec = toExecutorSpec(
      { executor, framework, limits },
      {
        ...directories,
        run,
        volumeDirectory: (volume: TaskVolume) => ports.volumes.directoryOf(volume),
        agentId: context.state().identity.agentId ?? '',
        frameworkId: framework.id?.value ?? '',
        searchPath: settings.searchPath,
        hostname: settings.agent.hostname,
        endpoint: endpointOf(context),
        shutdownGraceMs: effect.shutdownGraceMs,
        reregistrationMs: effect.reregistrationMs,
      },
    );
    event = { kind: 'launched', launched: await launcherOf(launcher).launch(spec) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    event = { kind: 'launch-failed', message };
    ports.observer?.launchFailed();
  }
  dispatch({ kind: 'task', run, event });
}

/** Where the agent's own API listens. */
function endpointOf({ settings: { agent } }: ExecutorContext): string {
  const address = agent.url?.address;
  const host = address?.ip ?? address?.hostname ?? agent.hostname;
  return `${host.includes(':') ? `[${host}]` : host}:${address?.port ?? agent.port}`;
}

/** Clients compare the ids of executor and framework as a whole: nothing may stand beside `value`. */
function toSubscribed(
  context: ExecutorContext,
  { executor }: EffectOf<'open-executor-stream'>,
): ExecutorEvent {
  const { agent } = context.settings;
  const { agentId } = context.state().identity;
  return {
    type: 'SUBSCRIBED',
    subscribed: {
      executor_info: executor.info,
      framework_info: executor.framework,
      agent_info: { ...agent, ...(agentId === undefined ? {} : { id: { value: agentId } }) },
      container_id: { value: containerIdOf(executor) },
    },
  };
}

/** Undelivered, the master would hold the executor's resources: it learns of the end when the agent registers again. */
async function sendExit(
  context: ExecutorContext,
  { frameworkId, executorId, status, launchId }: EffectOf<'send-executor-exit'>,
): Promise<void> {
  try {
    await sendCall(context, (by) => ({
      ...by,
      type: 'EXITED_EXECUTOR',
      exited_executor: {
        framework_id: { value: frameworkId },
        executor_id: { value: executorId },
        status,
        ...(launchId === undefined ? {} : { launch_id: launchId }),
      },
    }));
  } catch (error) {
    context.ports.link.reconnect(`the end of an executor could not be told: ${String(error)}`);
  }
}

/** Nothing without a master. */
async function sendCall(
  context: ExecutorContext,
  make: (by: {
    readonly agent_id: { readonly value: string };
    readonly stream_id: string;
  }) => MessageCall,
): Promise<void> {
  const { master, identity } = context.state();
  if (master.current === undefined || identity.agentId === undefined) return;
  await context.ports.link.send(
    make({ agent_id: { value: identity.agentId }, stream_id: master.current.streamId }),
  );
}
