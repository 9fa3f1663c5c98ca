import { BackOff } from './back-off.js';
import type { RunnerTask } from './runner-task.js';

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 60_000;
/** Names whose failures are remembered; the longest known is forgotten. */
const MAX_FAILING = 10_000;

/** Gangs that wait for a place, in the order submitted. What failed before waits for a back-off first. */
export class LaunchQueue {
  private gangs: (readonly RunnerTask[])[] = [];
  private readonly names = new Map<string, readonly RunnerTask[]>();
  private readonly failing = new Map<string, { readonly backOff: BackOff; readyMs: number }>();
  /** Gangs nobody was asked about yet. */
  private readonly news = new Set<readonly RunnerTask[]>();

  constructor(private readonly random: () => number) {}

  get isEmpty(): boolean {
    return this.gangs.length === 0;
  }

  /** In place of gangs that hold one of these names. */
  add(gang: readonly RunnerTask[]): void {
    for (const { name } of gang) this.drop(name);
    this.gangs.push(gang);
    this.news.add(gang);
    for (const { name } of gang) this.names.set(name, gang);
  }

  drop(name: string): void {
    const gang = this.names.get(name);
    if (gang !== undefined) this.discard(new Set([gang]));
  }

  /** Those whose back-off is over. */
  ready(nowMs: number): readonly (readonly RunnerTask[])[] {
    return this.gangs.filter((gang) => this.readyMsOf(gang) <= nowMs);
  }

  /** When the next back-off ends; Infinity when none is on. */
  nextReadyMs(nowMs: number): number {
    if (this.failing.size === 0) return Number.POSITIVE_INFINITY;
    const later = this.gangs.map((gang) => this.readyMsOf(gang)).filter((atMs) => atMs > nowMs);
    return later.reduce((least, atMs) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
  }

  /** Takes these tasks, which are whole gangs, off; returns their gangs. */
  remove(tasks: ReadonlySet<RunnerTask>): readonly (readonly RunnerTask[])[] {
    const removed = new Set(
      this.gangs.filter(([first]) => first !== undefined && tasks.has(first)),
    );
    this.discard(removed);
    return [...removed];
  }

  /** Whether something became ready since the last time, and offers refused before may suit it. */
  takeNews(nowMs: number): boolean {
    let found = false;
    for (const gang of this.news) {
      if (this.readyMsOf(gang) > nowMs) continue;
      this.news.delete(gang);
      found = true;
    }
    return found;
  }

  /** A launch of the task has ended. */
  ended(name: string, isFailure: boolean, nowMs: number): void {
    const known = this.failing.get(name);
    this.failing.delete(name);
    if (!isFailure) return;
    const { random } = this;
    const backOff =
      known?.backOff ?? new BackOff({ initialMs: FIRST_DELAY_MS, maxMs: MAX_DELAY_MS, random });
    this.failing.set(name, { backOff, readyMs: nowMs + backOff.next() });
    const [oldest] = this.failing.keys();
    if (this.failing.size > MAX_FAILING && oldest !== undefined) this.failing.delete(oldest);
  }

  private discard(gone: ReadonlySet<readonly RunnerTask[]>): void {
    if (gone.size === 0) return;
    this.gangs = this.gangs.filter((gang) => !gone.has(gang));
    for (const gang of gone) {
      this.news.delete(gang);
      for (const { name } of gang) this.names.delete(name);
    }
  }

  private readyMsOf(gang: readonly RunnerTask[]): number {
    return gang.reduce(
      (latest, { name }) => Math.max(latest, this.failing.get(name)?.readyMs ?? latest),
      Number.NEGATIVE_INFINITY,
    );
  }
}
