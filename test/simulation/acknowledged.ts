import type { App } from '#core';
import type { Observer } from './observer.js';
import type { World } from './world.js';

/** What a client was promised: what it heard to be accepted is stored, or something it asked for since. */
export class Acknowledged {
  /** By app: what was acknowledged last, then everything asked for since, as texts. Only these may be stored. */
  private readonly possible = new Map<string, string[]>();

  constructor(
    private readonly world: World,
    private readonly observer: Observer,
  ) {}

  asked(name: string, app: App | undefined): void {
    this.possible.get(name)?.push(toText(app));
  }

  accepted(name: string, app: App | undefined, isUndone: boolean): void {
    const now = isUndone ? this.observer.apps.get(name) : app;
    this.possible.set(name, [toText(now)]);
  }

  /** A deployment was undone by another, which leaves what the watch of deployments has compared. */
  undone(name: string): void {
    const texts = this.possible.get(name);
    if (texts !== undefined) texts[0] = toText(this.observer.apps.get(name));
  }

  check(): void {
    for (const [name, texts] of this.possible) {
      const stored = toText(this.observer.apps.get(name));
      if (texts.includes(stored)) continue;
      this.world.violate(`${name}: acknowledged was ${texts[0]}, stored is ${stored}`);
    }
  }
}

/** Everything a client decides of an app. */
const toText = (app: App | undefined): string =>
  app === undefined ? 'nothing' : JSON.stringify({ ...app, version: '', versionInfo: '' });
