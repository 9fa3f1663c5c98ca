import type { MasterEffect, MasterEvent } from '#cluster';
import type { ExecutorTable } from '#core';
import type { SchedulerEvent } from '#mesos-v1';
import type { MasterPorts } from './master-ports.js';
import type { RegistryWriter } from './registry-writer.js';

/** The status and text of an answered call. */
export interface CallAnswer {
  readonly status: number;
  readonly message?: string;
}

/** What the executors need beside the ports; the engine's own. */
export interface ExecutorContext {
  readonly ports: MasterPorts;
  readonly writer: RegistryWriter;
  readonly dispatch: (event: MasterEvent) => void;
  readonly answer: (callId: string, answer: CallAnswer) => void;
  /** For metrics: an event was given to a framework's stream. */
  readonly told: (streamId: string, event: SchedulerEvent) => void;
  readonly scheduleAllocation: (delayMs: number) => void;
  readonly abort: (error: Error) => void;
}

/** Carries out the master's effects. Each may run twice and do no harm; none waits for the world. */
export function createMasterExecutors(context: ExecutorContext): ExecutorTable<MasterEffect> {
  const { ports, writer, dispatch } = context;
  return {
    'send-to-framework': async ({ streamId, event }) => {
      context.told(streamId, event);
      if (!ports.frameworkStreams.send(streamId, event)) {
        dispatch({ kind: 'framework-stream-closed', streamId });
      }
    },
    'close-framework-stream': async ({ streamId }) => ports.frameworkStreams.close(streamId),
    'send-to-agent': async ({ streamId, message }) => {
      if (!ports.agentStreams.send(streamId, message)) {
        dispatch({ kind: 'agent-stream-closed', streamId });
      }
    },
    'close-agent-stream': async ({ streamId }) => ports.agentStreams.close(streamId),
    'refuse-stream': async ({ streamId, ...refusal }) => {
      ports.frameworkStreams.refuse(streamId, refusal);
      ports.agentStreams.refuse(streamId, refusal);
    },
    'answer-call': async ({ callId, status, message }) =>
      context.answer(callId, { status, ...(message === undefined ? {} : { message }) }),
    'commit-registry': async ({ changes, stored, unavailable }) =>
      writer.add({
        changes,
        onStored: () => {
          if (stored !== undefined) dispatch(stored);
        },
        ...(unavailable === undefined ? {} : { onUnavailable: () => dispatch(unavailable) }),
        onRefused: (refusal) => {
          ports.note?.('warn', 'the database refuses a change of the registry', { refusal });
          if (unavailable !== undefined) dispatch({ ...unavailable, refusal });
        },
      }),
    'schedule-allocation': async ({ delayMs }) => context.scheduleAllocation(delayMs),
    abort: async ({ message }) => context.abort(new Error(message)),
    note: async ({ level, message, fields }) => ports.note?.(level, message, fields),
  };
}
