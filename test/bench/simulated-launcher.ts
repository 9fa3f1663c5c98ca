import { request } from 'node:http';
import { resources } from '#core';
import { RecordDecoder, type SchedulerEvent, toWireResources, type WireOffer } from '#mesos-v1';
import { PipelinedCalls } from './pipelined-calls.js';

export interface LauncherOptions {
  readonly masterUrl: string;
  readonly tasks: number;
  readonly perOffer: number;
  /** Told once, when every task is known to run and its status is acknowledged. */
  readonly onDone: (result: {
    readonly elapsedMs: number;
    /** From each task's ACCEPT to its TASK_RUNNING. */
    readonly latenciesMs: readonly number[];
  }) => void;
  readonly onFailure: (reason: string) => void;
}

/** Calls without an answer at most, as with our SDK. */
const CALL_WINDOW = 1;
const ACKNOWLEDGE_WINDOW = 128;
const RESOURCES = toWireResources(resources({ cpus: 0.01, mem: 32 }));

/**
 * A framework that launches as fast as offers come: an ACCEPT for each offer, an ACKNOWLEDGE for each status. Over bare
 * sockets, as our own SDK would take about as much processor time as the master.
 */
export function startLauncher(options: LauncherOptions): void {
  const url = `${options.masterUrl}/api/v1/scheduler`;
  const body = JSON.stringify({
    type: 'SUBSCRIBE',
    subscribe: { framework_info: { user: 'root', name: 'bench', failover_timeout: 3600 } },
  });
  const call = request(url, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  });
  call.on('error', (error) => options.onFailure(error.message));
  call.on('response', (response) => {
    const launcher = new Launcher(options, url, String(response.headers['mesos-stream-id']));
    const decoder = new RecordDecoder();
    response.on('error', (error) => options.onFailure(error.message));
    response.on('data', (chunk: Buffer) => {
      for (const record of decoder.push(chunk)) {
        // Our own master's events need no check here.
        launcher.receive(JSON.parse(Buffer.from(record).toString('latin1')) as SchedulerEvent);
      }
    });
  });
  call.end(body);
}

class Launcher {
  private readonly calls: PipelinedCalls;
  private readonly acknowledgements: PipelinedCalls;
  private readonly startedMs = performance.now();
  private readonly launchedAtMs = new Map<string, number>();
  private readonly latenciesMs: number[] = [];
  private frameworkId = '';
  private launched = 0;
  private acknowledged = 0;

  constructor(
    private readonly options: LauncherOptions,
    url: string,
    streamId: string,
  ) {
    const headers = { 'mesos-stream-id': streamId };
    const onRefused = (status: string) => options.onFailure(`a call was answered ${status}`);
    this.calls = new PipelinedCalls(url, headers, { window: CALL_WINDOW, onRefused });
    this.acknowledgements = new PipelinedCalls(url, headers, {
      window: ACKNOWLEDGE_WINDOW,
      onRefused,
    });
  }

  receive(event: SchedulerEvent): void {
    switch (event.type) {
      case 'SUBSCRIBED':
        this.frameworkId = event.subscribed.framework_id.value;
        return;
      case 'OFFERS':
        for (const offer of event.offers.offers) this.answer(offer);
        return;
      case 'UPDATE': {
        const { task_id, agent_id, uuid, state, message } = event.update.status;
        if (state !== 'TASK_RUNNING' || uuid === undefined) {
          this.options.onFailure(`${task_id.value} is ${state}: ${message ?? 'no message'}`);
          return;
        }
        this.note(task_id.value);
        const acknowledge = { agent_id, task_id, uuid };
        this.acknowledgements.send(this.json('ACKNOWLEDGE', { acknowledge }), () => {
          this.acknowledged += 1;
          if (this.acknowledged === this.options.tasks) this.finish();
        });
        return;
      }
      default:
        return;
    }
  }

  private answer(offer: WireOffer): void {
    const count = Math.min(this.options.perOffer, this.options.tasks - this.launched);
    if (count === 0) {
      const decline = { offer_ids: [offer.id], filters: { refuse_seconds: 3600 } };
      this.calls.send(this.json('DECLINE', { decline }));
      return;
    }
    const task_infos = Array.from({ length: count }, () => {
      const id = `task-${this.launched}`;
      this.launched += 1;
      this.launchedAtMs.set(id, performance.now());
      return {
        name: 'task',
        task_id: { value: id },
        agent_id: offer.agent_id,
        command: { value: 'sleep 1000' },
        resources: RESOURCES,
      };
    });
    const accept = {
      offer_ids: [offer.id],
      operations: [{ type: 'LAUNCH', launch: { task_infos } }],
      filters: { refuse_seconds: 0 },
    };
    this.calls.send(this.json('ACCEPT', { accept }));
  }

  private json(type: string, content: object): string {
    return JSON.stringify({ type, framework_id: { value: this.frameworkId }, ...content });
  }

  private note(taskId: string): void {
    const sentMs = this.launchedAtMs.get(taskId);
    if (sentMs === undefined) return;
    this.launchedAtMs.delete(taskId);
    this.latenciesMs.push(performance.now() - sentMs);
  }

  private finish(): void {
    const { latenciesMs } = this;
    this.options.onDone({ elapsedMs: performance.now() - this.startedMs, latenciesMs });
  }
}
