import type { ServerResponse } from 'node:http';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { RunKey } from '#core';
import { ApiError } from '#platform';
import { AgentService } from '../agent.service.js';
import { FileFollower, type FollowSink } from './file-follower.js';
import type { OpenedFile } from './virtual-files.js';

/** Files followed at a time. */
const MAX_FOLLOWERS = 256;
/** A reader that takes nothing for so long is cut off. */
const STUCK_LIMIT_MS = 120_000;

/** The files that are being followed. Each reader is sent the next piece when it has taken the last one. */
@Injectable()
export class FileFollowers implements OnModuleDestroy {
  private readonly live = new Map<
    FileFollower,
    { readonly run: RunKey | undefined; readonly raw: ServerResponse }
  >();
  private readonly forget: () => void;

  constructor(private readonly agent: AgentService) {
    this.forget = agent.onRunEnd((run) => {
      for (const [follower, one] of this.live) if (one.run === run) follower.wake();
    });
  }

  /** Takes the reply over. */
  async follow(opened: OpenedFile, from: number, reply: FastifyReply): Promise<void> {
    const { file, run, again } = opened;
    if (this.live.size >= MAX_FOLLOWERS) {
      await file.close();
      throw new ApiError(503, `${this.live.size} files are followed here, which is the limit`);
    }
    reply.hijack();
    const { raw } = reply;
    const isOver = (): boolean => this.isOver(run);
    const follower = new FileFollower(file, { again, isOver }, sinkOf(raw));
    this.live.set(follower, { run, raw });
    raw.once('close', () => follower.stop());
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    raw.flushHeaders();
    try {
      await follower.run(from);
      raw.end();
    } catch {
      // The reader is gone, or the file can no longer be read: it connects again and is told.
      raw.destroy();
    } finally {
      this.live.delete(follower);
    }
  }

  onModuleDestroy(): void {
    this.forget();
    for (const [follower, { raw }] of this.live) {
      follower.stop();
      raw.destroy();
    }
  }

  /** The agent's own log never ends. While the agent looks for its tasks nobody knows. */
  private isOver(run: RunKey | undefined): boolean {
    const { state } = this.agent;
    if (run === undefined || state === undefined) return false;
    if (state.executors.has(run) || state.groups.members.has(run)) return false;
    const task = state.tasks.get(run);
    return task === undefined || task.phase.kind === 'ended';
  }
}

function sinkOf(raw: ServerResponse): FollowSink {
  return {
    send: async (text) => {
      if (raw.destroyed) throw new Error('the reader is gone');
      if (raw.write(text)) return;
      await new Promise<void>((resolve, reject) => {
        const settle = (error?: Error): void => {
          clearTimeout(timer);
          raw.off('drain', done).off('close', gone);
          if (error === undefined) resolve();
          else reject(error);
        };
        const done = (): void => settle();
        const gone = (): void => settle(new Error('the reader is gone'));
        const timer = setTimeout(
          () => settle(new Error('the reader takes nothing')),
          STUCK_LIMIT_MS,
        );
        raw.on('drain', done).on('close', gone);
      });
    },
  };
}
