import type { OnModuleDestroy } from '@nestjs/common';
import type { ControllerStore } from '#core';
import type { ChangeRules } from '#marathon-v2';
import { ApiError } from '#platform';
import type { ControllerEngine } from '../engine/controller-engine.port.js';

/** What stays the same for the life of the process. */
export interface ControllerSettings {
  /** Sets etags of this process apart from those of another. */
  readonly bootId: string;
  readonly version: string;
  readonly rules: ChangeRules;
  readonly masterUrls: readonly string[];
  /** Tasks without a user of their own run as this one. */
  readonly taskUser: string;
}

/** What exists once this controller leads and has loaded its state. */
export interface LoadedController {
  readonly engine: ControllerEngine;
  readonly store: ControllerStore;
}

/** How clients and other controllers reach this one; known once it listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** `http` when absent. */
  readonly scheme?: 'http' | 'https';
}

const RETRY_AFTER = { 'retry-after': '1' };

/**
 * The way from HTTP to the engine. HTTP listens before the engine is loaded and while another controller leads; until
 * then everything that needs the engine answers 503.
 */
export class ControllerRuntime implements OnModuleDestroy {
  private loaded: LoadedController | undefined;
  private listensAt: Address = { host: '127.0.0.1', port: 0 };
  private readonly waiting = new Set<() => void>();
  private readonly closers: (() => Promise<void>)[] = [];

  constructor(
    readonly settings: ControllerSettings,
    readonly nowEpochMs: () => number,
  ) {}

  /** Called once, when the engine is ready to be asked. */
  open(loaded: LoadedController): void {
    this.loaded = loaded;
    for (const resume of this.waiting) resume();
    this.waiting.clear();
  }

  announce(address: Address): void {
    this.listensAt = address;
  }

  get address(): Address {
    return this.listensAt;
  }

  /** `host:port`. */
  get authority(): string {
    const { host, port } = this.listensAt;
    return `${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** `http://host:port`, or https. */
  get origin(): string {
    return `${this.listensAt.scheme ?? 'http'}://${this.authority}`;
  }

  get isLoaded(): boolean {
    return this.loaded !== undefined;
  }

  get engine(): ControllerEngine {
    return this.present().engine;
  }

  get store(): ControllerStore {
    return this.present().store;
  }

  /** Resolves when the engine is loaded, or after `limitMs`. */
  async whenLoaded(limitMs: number): Promise<void> {
    if (this.isLoaded) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => finish(), limitMs);
      const finish = (): void => {
        clearTimeout(timer);
        this.waiting.delete(finish);
        resolve();
      };
      this.waiting.add(finish);
    });
  }

  /** Run when the process stops in good order, in order of adding. */
  onClose(closer: () => Promise<void>): void {
    this.closers.push(closer);
  }

  async onModuleDestroy(): Promise<void> {
    for (const closer of this.closers) await closer();
  }

  private present(): LoadedController {
    if (this.loaded !== undefined) return this.loaded;
    throw new ApiError(503, 'The controller is loading its state; try again in a moment', {
      headers: RETRY_AFTER,
    });
  }
}
